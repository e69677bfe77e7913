#include "app/operator_commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "app/api_command.h"
#include "app/arguments.h"
#include "app/audit_commands.h"
#include "app/grant_commands.h"
#include "app/keys_commands.h"
#include "app/status_command.h"
#include "app/token_commands.h"
#include "app/upload_commands.h"
#include "oci/strict_json.h"

namespace bulkhead::app {
namespace {

namespace json = boost::json;

// What a command works with.
struct Call {
  Installation& installation;
  Arguments arguments;
  audit::Origin origin;
};

using Outcome = Result<json::value>;
using Command = Outcome (*)(Call&);

Outcome done(const Result<void>& result) {
  if (!result) return result.error();
  return json::value(json::object{});
}

json::object render(const identity::Account& account) {
  return {{"name", account.name},
          {"kind", std::string(name(account.kind))},
          {"state", std::string(name(account.state))},
          {"active", account.active()},
          {"system_role", std::string(identity::name(account.system_role))},
          {"administrator", account.administrator()},
          {"created_at", to_rfc3339(account.created_at)}};
}

Outcome user_create(Call& call) {
  const std::string name = call.arguments.text("name");
  const Secret<> password(call.arguments.text("password"));
  const bool administrator = call.arguments.flag("admin");
  if (auto checked = call.arguments.check(); !checked) return checked.error();
  auto account = call.installation.accounts().create(name, password, administrator, call.origin);
  if (!account) return account.error();
  return json::value(render(*account));
}

Outcome user_list(Call& call) {
  if (auto checked = call.arguments.check(); !checked) return checked.error();
  auto accounts = call.installation.accounts().list();
  if (!accounts) return accounts.error();
  json::array out;
  for (const auto& account : *accounts) out.push_back(render(account));
  return json::value(std::move(out));
}

Outcome user_password(Call& call) {
  const std::string name = call.arguments.text("name");
  const Secret<> password(call.arguments.text("password"));
  if (auto checked = call.arguments.check(); !checked) return checked.error();
  if (auto set = call.installation.accounts().set_password(name, password, call.origin); !set)
    return set.error();
  call.installation.unlock().password_changed(name);
  return done({});
}

Outcome user_unlock(Call& call) {
  const std::string name = call.arguments.text("name");
  if (auto checked = call.arguments.check(); !checked) return checked.error();
  return done(call.installation.unlock().unlock(name, call.origin));
}

Outcome user_reset_factors(Call& call) {
  const std::string name = call.arguments.text("name");
  if (auto checked = call.arguments.check(); !checked) return checked.error();
  const auto account = call.installation.accounts().find(name);
  if (!account) return account.error();
  return done(call.installation.mfa().reset(*account, call.origin));
}

// Being made an administrator, or none any more, takes no other role in passing.
Result<void> keep_role(const identity::Account& account) {
  if (account.system_role == identity::SystemRole::none || account.administrator()) return {};
  return Error{Errc::conflict, fmt::format("{} is {}, and would lose that role; say so with --replace",
                                           account.name, identity::name(account.system_role))};
}

Outcome user_set(Call& call) {
  const std::string name = call.arguments.text("name");
  const bool has_active = call.arguments.has("active");
  const bool active = call.arguments.flag("active");
  const bool has_admin = call.arguments.has("admin");
  const bool admin = call.arguments.flag("admin");
  const bool replace = call.arguments.flag("replace");
  if (auto checked = call.arguments.check(); !checked) return checked.error();
  if (has_admin && !replace) {
    const auto account = call.installation.accounts().find(name);
    if (!account) return account.error();
    if (auto kept = keep_role(*account); !kept) return kept.error();
  }
  if (has_active) {
    if (auto set = call.installation.accounts().set_active(name, active, call.origin); !set)
      return set.error();
    if (active) call.installation.unlock().enabled(name);
  }
  if (has_admin) return done(call.installation.accounts().set_administrator(name, admin, call.origin));
  return done({});
}

Outcome setup_token(Call& call) {
  if (auto checked = call.arguments.check(); !checked) return checked.error();
  auto token = call.installation.setup().issue();
  if (!token) return token.error();
  if (!*token)
    return Error{Errc::conflict,
                 "there are accounts already; make another with: bulkhead user create NAME --admin"};
  return json::value({{"token", (*token)->reveal()}});
}

json::object render(const access::RepositoryDetails& details) {
  const access::Repository& repository = details.repository;
  return {{"name", repository.name.render()},
          {"visibility", repository.visibility == access::Visibility::public_ ? "public" : "private"},
          {"owner", details.owner},
          {"contact", details.contact},
          {"immutable_tags", repository.immutable_tags},
          {"protected_tags", details.protected_tags}};
}

Outcome repo_list(Call& call) {
  if (auto checked = call.arguments.check(); !checked) return checked.error();
  json::array out;
  auto read = call.installation.database().read([&](db::Session& session) -> Result<void> {
    out.clear();
    auto rows = session.query(
        "SELECT r.name, r.visibility, COALESCE(a.name, ''), r.contact, r.immutable_tags, r.protected_tags, "
        "r.created_at "
        "FROM repositories r LEFT JOIN accounts a ON a.id = r.owner_id WHERE r.removed_at IS NULL "
        "ORDER BY r.name");
    if (!rows) return rows.error();
    for (const db::Row& row : *rows)
      out.push_back(json::object{{"name", row.text(0)},
                                 {"visibility", row.text(1)},
                                 {"owner", row.text(2)},
                                 {"contact", row.text(3)},
                                 {"immutable_tags", row.text(4)},
                                 {"protected_tags", row.text(5)},
                                 {"created_at", to_rfc3339(from_micros(row.integer(6)))}});
    return {};
  });
  if (!read) return read.error();
  return json::value(std::move(out));
}

Outcome repo_create(Call& call) {
  const auto name = oci::RepositoryName::parse(call.arguments.text("name"));
  const std::string owner = call.arguments.text("owner");
  if (auto checked = call.arguments.check(); !checked) return checked.error();
  if (!name) return name.error();
  access::Facts& facts = call.installation.facts();
  if (const auto there = facts.details(*name); there)
    return Error{Errc::conflict, fmt::format("there is a repository {} already", name->render())};
  auto created =
      owner.empty() ? facts.ensure(*name, {}, call.origin) : facts.create_for(*name, owner, call.origin);
  if (!created) return created.error();
  const auto details = facts.details(*name);
  if (!details) return details.error();
  return json::value(render(*details));
}

Outcome repo_delete(Call& call) {
  const auto name = oci::RepositoryName::parse(call.arguments.text("name"));
  if (auto checked = call.arguments.check(); !checked) return checked.error();
  if (!name) return name.error();
  return done(call.installation.facts().remove(*name, call.origin));
}

Outcome repo_rename(Call& call) {
  const auto from = oci::RepositoryName::parse(call.arguments.text("name"));
  const auto to = oci::RepositoryName::parse(call.arguments.text("new_name"));
  if (auto checked = call.arguments.check(); !checked) return checked.error();
  if (!from) return from.error();
  if (!to) return to.error();
  return done(call.installation.facts().rename(*from, *to, access::Robots::come_along, call.origin));
}

// The arguments of repo.set that are one text each, and what they change.
struct TextSetting {
  std::string_view argument;
  std::optional<std::string> access::RepositoryChanges::*field;
};
constexpr TextSetting kTextSettings[] = {{"immutable_tags", &access::RepositoryChanges::immutable_tags},
                                         {"protected_tags", &access::RepositoryChanges::protected_tags},
                                         {"contact", &access::RepositoryChanges::contact},
                                         {"owner", &access::RepositoryChanges::owner}};

Outcome repo_set(Call& call) {
  const auto name = oci::RepositoryName::parse(call.arguments.text("name"));
  const std::string visibility = call.arguments.text("visibility");
  access::RepositoryChanges changes;
  for (const TextSetting& setting : kTextSettings)
    if (call.arguments.has(setting.argument)) changes.*setting.field = call.arguments.text(setting.argument);
  if (auto checked = call.arguments.check(); !checked) return checked.error();
  if (!name) return name.error();
  if (!visibility.empty() && visibility != "public" && visibility != "private")
    return Error{Errc::invalid_argument, "the visibility is public or private"};
  if (!visibility.empty())
    changes.visibility = visibility == "public" ? access::Visibility::public_ : access::Visibility::private_;
  return done(call.installation.facts().change(*name, changes, {}, call.origin));
}

Outcome repo_uploads(Call& call) { return list_uploads(call.installation, call.arguments); }
Outcome repo_cancel_uploads(Call& call) {
  return cancel_uploads(call.installation, call.arguments, call.origin);
}

Outcome grant_set(Call& call) { return set_grant(call.installation, call.arguments, call.origin); }
Outcome grant_remove(Call& call) { return remove_grant(call.installation, call.arguments, call.origin); }
Outcome grant_list(Call& call) { return list_grants(call.installation, call.arguments); }

Outcome namespace_set(Call& call) {
  const std::string name = call.arguments.text("name");
  const auto quota = call.arguments.integer("quota");
  if (auto checked = call.arguments.check(); !checked) return checked.error();
  const auto bytes = quota && *quota >= 0 ? std::optional(static_cast<std::uint64_t>(*quota)) : std::nullopt;
  return done(call.installation.facts().set_quota(name == "/" ? "" : name, bytes, call.origin));
}

Outcome namespace_list(Call& call) {
  if (auto checked = call.arguments.check(); !checked) return checked.error();
  json::array out;
  auto read = call.installation.database().read([&](db::Session& session) -> Result<void> {
    out.clear();
    auto rows = session.query(
        "SELECT n.name, COALESCE(a.name, o.name, ''), n.quota_bytes, n.used_bytes FROM namespaces n "
        "LEFT JOIN accounts a ON a.id = n.owner_id LEFT JOIN organizations o ON o.id = n.organization_id "
        "WHERE n.name <> ? ORDER BY n.name",
        {std::string(access::kRemovedNamespace)});
    if (!rows) return rows.error();
    for (const db::Row& row : *rows)
      out.push_back(
          json::object{{"name", row.text(0) + "/"},
                       {"owner", row.text(1)},
                       {"quota_bytes", row.is_null(2) ? json::value(nullptr) : json::value(row.integer(2))},
                       {"used_bytes", row.integer(3)}});
    return {};
  });
  if (!read) return read.error();
  return json::value(std::move(out));
}

Outcome audit_newest(Call& call) { return newest_events(call.installation, call.arguments); }
Outcome audit_after(Call& call) { return events_after(call.installation, call.arguments); }

Outcome status(Call& call) { return server_status(call.installation, call.arguments); }
Outcome request_api(Call& call) { return api_request(call.installation, call.arguments, call.origin); }

Outcome keys_list(Call& call) { return list_keys(call.installation, call.arguments); }
Outcome keys_rotate(Call& call) { return rotate_key(call.installation, call.arguments, call.origin); }
Outcome keys_advance(Call& call) { return advance_rotation(call.installation, call.arguments, call.origin); }
Outcome keys_retire(Call& call) { return retire_key(call.installation, call.arguments, call.origin); }
Outcome keys_protect(Call& call) { return protect_keys(call.installation, call.arguments, call.origin); }
Outcome create_token(Call& call) { return token_create(call.installation, call.arguments, call.origin); }
Outcome list_tokens(Call& call) { return token_list(call.installation, call.arguments); }
Outcome revoke_tokens(Call& call) { return token_revoke(call.installation, call.arguments, call.origin); }
Outcome rotate_token(Call& call) { return token_rotate(call.installation, call.arguments, call.origin); }

const std::map<std::string_view, Command>& commands() {
  static const std::map<std::string_view, Command> all = {
      {"api.request", request_api},     {"user.create", user_create},
      {"user.list", user_list},         {"user.password", user_password},
      {"user.set", user_set},           {"user.reset_factors", user_reset_factors},
      {"user.unlock", user_unlock},     {"setup.token", setup_token},
      {"repo.list", repo_list},         {"repo.create", repo_create},
      {"repo.delete", repo_delete},     {"repo.set", repo_set},
      {"repo.uploads", repo_uploads},   {"repo.cancel_uploads", repo_cancel_uploads},
      {"repo.rename", repo_rename},     {"grant.set", grant_set},
      {"grant.remove", grant_remove},   {"grant.list", grant_list},
      {"namespace.set", namespace_set}, {"namespace.list", namespace_list},
      {"audit.newest", audit_newest},   {"audit.after", audit_after},
      {"keys.list", keys_list},         {"keys.rotate", keys_rotate},
      {"keys.advance", keys_advance},   {"keys.retire", keys_retire},
      {"keys.protect", keys_protect},   {"token.create", create_token},
      {"token.list", list_tokens},      {"token.revoke", revoke_tokens},
      {"token.rotate", rotate_token},   {"server.status", status},
  };
  return all;
}

}  // namespace

Result<json::value> execute(Installation& installation, const json::object& command,
                            const std::string& user) {
  Call call{installation, Arguments(command), {}};
  const std::string name = call.arguments.text("command");
  const auto found = commands().find(name);
  if (found == commands().end())
    return Error{Errc::invalid_argument, fmt::format("this server does not know the command \"{}\"", name)};
  call.origin.account = "operator:" + user;
  call.origin.credential = "operator";
  call.origin.address = "local";
  call.origin.user_agent = "bulkhead " + name;
  return found->second(call);
}

std::string render_outcome(const Result<json::value>& outcome) {
  if (outcome) return json::serialize(json::object{{"ok", *outcome}});
  return json::serialize(
      json::object{{"error", {{"code", name(outcome.error().code)}, {"message", outcome.error().message}}}});
}

Result<json::value> parse_outcome(std::string_view text) {
  const Error unreadable{Errc::internal, "the server's answer cannot be read; is it of the same version?"};
  auto parsed = oci::parse_strict_json(text, {.depth = 64, .values = 1'000'000});
  if (!parsed || !parsed->is_object()) return unreadable;
  if (const auto* value = parsed->get_object().if_contains("ok")) return *value;
  const auto* error = parsed->get_object().if_contains("error");
  const auto* object = error != nullptr ? error->if_object() : nullptr;
  const auto* message = object != nullptr ? object->if_contains("message") : nullptr;
  const auto* code = object != nullptr ? object->if_contains("code") : nullptr;
  if (message == nullptr || !message->is_string() || code == nullptr || !code->is_string()) return unreadable;
  Errc errc = Errc::internal;
  for (int i = 0; i <= static_cast<int>(Errc::internal); ++i)
    if (name(static_cast<Errc>(i)) == std::string_view(code->get_string())) errc = static_cast<Errc>(i);
  return Error{errc, std::string(message->get_string())};
}

}  // namespace bulkhead::app
