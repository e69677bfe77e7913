#include "app/operator_commands.h"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <functional>
#include <map>

#include "app/arguments.h"
#include "app/audit_commands.h"
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
          {"active", account.active()},
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
  return done(call.installation.accounts().set_password(name, password, call.origin));
}

Outcome user_set(Call& call) {
  const std::string name = call.arguments.text("name");
  const bool has_active = call.arguments.has("active");
  const bool active = call.arguments.flag("active");
  const bool has_admin = call.arguments.has("admin");
  const bool admin = call.arguments.flag("admin");
  if (auto checked = call.arguments.check(); !checked) return checked.error();
  if (has_active)
    if (auto set = call.installation.accounts().set_active(name, active, call.origin); !set)
      return set.error();
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

json::object render(const std::string& name, access::Visibility visibility,
                    const std::string& immutable_tags) {
  return {{"name", name},
          {"visibility", visibility == access::Visibility::public_ ? "public" : "private"},
          {"immutable_tags", immutable_tags}};
}

Outcome repo_list(Call& call) {
  if (auto checked = call.arguments.check(); !checked) return checked.error();
  json::array out;
  auto read = call.installation.database().read([&](db::Session& session) -> Result<void> {
    out.clear();
    auto rows = session.query(
        "SELECT r.name, r.visibility, r.immutable_tags, (SELECT COUNT(*) FROM tags t WHERE t.repository_id = "
        "r.id) "
        "FROM repositories r ORDER BY r.name");
    if (!rows) return rows.error();
    for (const db::Row& row : *rows)
      out.push_back(json::object{{"name", row.text(0)},
                                 {"visibility", row.text(1)},
                                 {"immutable_tags", row.text(2)},
                                 {"tags", row.integer(3)}});
    return {};
  });
  if (!read) return read.error();
  return json::value(std::move(out));
}

Outcome repo_create(Call& call) {
  const auto name = oci::RepositoryName::parse(call.arguments.text("name"));
  if (auto checked = call.arguments.check(); !checked) return checked.error();
  if (!name) return name.error();
  auto created = call.installation.facts().ensure(*name, call.origin);
  if (!created) return created.error();
  return json::value(render((*created)->name.render(), (*created)->visibility, (*created)->immutable_tags));
}

Outcome repo_delete(Call& call) {
  const auto name = oci::RepositoryName::parse(call.arguments.text("name"));
  if (auto checked = call.arguments.check(); !checked) return checked.error();
  if (!name) return name.error();
  return done(call.installation.facts().remove(*name, call.origin));
}

Outcome repo_set(Call& call) {
  const auto name = oci::RepositoryName::parse(call.arguments.text("name"));
  const std::string visibility = call.arguments.text("visibility");
  const bool has_pattern = call.arguments.has("immutable_tags");
  const std::string pattern = call.arguments.text("immutable_tags");
  if (auto checked = call.arguments.check(); !checked) return checked.error();
  if (!name) return name.error();
  access::Facts& facts = call.installation.facts();
  if (!visibility.empty()) {
    if (visibility != "public" && visibility != "private")
      return Error{Errc::invalid_argument, "the visibility is public or private"};
    const auto wanted = visibility == "public" ? access::Visibility::public_ : access::Visibility::private_;
    if (auto set = facts.set_visibility(*name, wanted, call.origin); !set) return set.error();
  }
  if (has_pattern) return done(facts.set_immutable_tags(*name, pattern, call.origin));
  return done({});
}

Outcome grant_set(Call& call) {
  const std::string account = call.arguments.text("account");
  const auto role = access::parse_role(call.arguments.text("role"));
  const auto target = access::parse_grant_target(call.arguments.text("target"));
  if (auto checked = call.arguments.check(); !checked) return checked.error();
  if (!role) return role.error();
  if (!target) return target.error();
  return done(call.installation.facts().grant(account, *role, *target, call.origin));
}

Outcome grant_remove(Call& call) {
  const std::string account = call.arguments.text("account");
  const auto target = access::parse_grant_target(call.arguments.text("target"));
  if (auto checked = call.arguments.check(); !checked) return checked.error();
  if (!target) return target.error();
  return done(call.installation.facts().revoke(account, *target, call.origin));
}

Outcome grant_list(Call& call) {
  if (auto checked = call.arguments.check(); !checked) return checked.error();
  json::array out;
  auto read = call.installation.database().read([&](db::Session& session) -> Result<void> {
    out.clear();
    auto rows = session.query(
        "SELECT a.name, g.role, n.name || '/' FROM namespace_grants g JOIN accounts a ON a.id = g.account_id "
        "JOIN namespaces n ON n.id = g.namespace_id UNION ALL "
        "SELECT a.name, g.role, r.name FROM repository_grants g JOIN accounts a ON a.id = g.account_id "
        "JOIN repositories r ON r.id = g.repository_id ORDER BY 3, 1");
    if (!rows) return rows.error();
    for (const db::Row& row : *rows)
      out.push_back(json::object{{"account", row.text(0)}, {"role", row.text(1)}, {"target", row.text(2)}});
    return {};
  });
  if (!read) return read.error();
  return json::value(std::move(out));
}

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
        "SELECT n.name, COALESCE(a.name, ''), n.quota_bytes, n.used_bytes FROM namespaces n "
        "LEFT JOIN accounts a ON a.id = n.owner_id ORDER BY n.name");
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

const std::map<std::string_view, Command>& commands() {
  static const std::map<std::string_view, Command> all = {
      {"user.create", user_create},     {"user.list", user_list},           {"user.password", user_password},
      {"user.set", user_set},           {"setup.token", setup_token},       {"repo.list", repo_list},
      {"repo.create", repo_create},     {"repo.delete", repo_delete},       {"repo.set", repo_set},
      {"grant.set", grant_set},         {"grant.remove", grant_remove},     {"grant.list", grant_list},
      {"namespace.set", namespace_set}, {"namespace.list", namespace_list}, {"audit.newest", audit_newest},
      {"audit.after", audit_after},
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
