#include "app/keys_commands.h"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <limits>

#include "audit/outbox.h"
#include "crypto/key_source.h"

namespace bulkhead::app {
namespace {

namespace json = boost::json;

constexpr std::size_t kBatch = 200;

json::array render(const std::vector<identity::KeyNeed>& needs) {
  json::array out;
  for (const auto& need : needs) out.push_back(json::object{{"what", need.what}, {"count", need.count}});
  return out;
}

json::object render(const identity::KeyVersionInfo& info) {
  return {{"purpose", std::string(name(info.purpose))}, {"version", info.version},
          {"created_at", to_rfc3339(info.created_at)},  {"current", info.current()},
          {"needed_by", render(info.needed_by)},        {"may_go", info.may_go}};
}

}  // namespace

Result<json::value> list_keys(Installation& installation, Arguments& arguments) {
  if (auto checked = arguments.check(); !checked) return checked.error();
  const auto versions = installation.key_rotation().list();
  if (!versions) return versions.error();
  const auto left = installation.data_keys().left();
  if (!left) return left.error();
  json::array rows;
  for (const auto& info : *versions) rows.push_back(render(info));
  return json::value{
      {"sealed", installation.keyring().is_protected()},
      {"locked", installation.keyring().locked()},
      {"left",
       {{"data_keys", left->data_keys}, {"values", left->values}, {"lost_values", left->lost_values}}},
      {"versions", std::move(rows)}};
}

Result<json::value> rotate_key(Installation& installation, Arguments& arguments,
                               const audit::Origin& origin) {
  const auto purpose = crypto::parse_key_purpose(arguments.text("purpose"));
  if (auto checked = arguments.check(); !checked) return checked.error();
  if (!purpose) return purpose.error();
  const auto version = installation.key_rotation().rotate(*purpose, origin);
  if (!version) return version.error();
  return json::value{{"purpose", std::string(name(*purpose))}, {"version", *version}};
}

Result<json::value> advance_rotation(Installation& installation, Arguments& arguments,
                                     const audit::Origin& origin) {
  const identity::ResealCursor from{arguments.integer("stage").value_or(0),
                                    arguments.integer("after").value_or(0)};
  if (auto checked = arguments.check(); !checked) return checked.error();
  if (from.stage < 0) return Error{Errc::invalid_argument, "stage must not be negative"};
  const auto step = installation.data_keys().advance(from, kBatch, origin);
  if (!step) return step.error();
  return json::value{{"stage", step->next.stage},
                     {"after", step->next.after},
                     {"changed", step->changed},
                     {"unreadable", step->unreadable},
                     {"finished", step->finished}};
}

Result<json::value> retire_key(Installation& installation, Arguments& arguments,
                               const audit::Origin& origin) {
  const auto purpose = crypto::parse_key_purpose(arguments.text("purpose"));
  const auto version = arguments.integer("version").value_or(0);
  const bool force = arguments.flag("force");
  if (auto checked = arguments.check(); !checked) return checked.error();
  if (!purpose) return purpose.error();
  if (version < 1 || version > std::numeric_limits<std::uint32_t>::max())
    return Error{Errc::invalid_argument, "versions are numbers from 1"};
  const auto retired =
      installation.key_rotation().retire(*purpose, static_cast<std::uint32_t>(version), force, origin);
  if (!retired) return retired.error();
  return json::value(json::object{{"ended", render(*retired)}});
}

Result<json::value> protect_keys(Installation& installation, Arguments& arguments,
                                 const audit::Origin& origin) {
  const std::string file = arguments.text("passphrase_file");
  if (auto checked = arguments.check(); !checked) return checked.error();
  std::unique_ptr<crypto::KeySource> source;
  if (!file.empty()) {
    auto passphrase = crypto::read_secret_line(file, crypto::kLeastPassphrase);
    if (!passphrase) return passphrase.error();
    source = crypto::passphrase_source(std::move(*passphrase));
  }
  const auto recorded = installation.database().write([&](db::Session& session) {
    return audit::record(session, {.at = installation.clock().now(),
                                   .action = audit::Action::keyring_protection_changed,
                                   .origin = origin,
                                   .repository = {},
                                   .target = {},
                                   .old_digest = {},
                                   .new_digest = {},
                                   .detail = source ? std::string(source->kind()) : std::string("none")});
  });
  if (!recorded) return recorded.error();
  if (auto changed = installation.keyring().protect(source.get()); !changed) return changed.error();
  return json::value(json::object{});
}

}  // namespace bulkhead::app
