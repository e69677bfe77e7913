// bulkhead sso: log-in providers, their group mappings, and whom they know an account as.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/serialize.hpp>
#include <memory>

#include "base/file.h"
#include "base/say.h"
#include "cli/api_cli.h"
#include "cli/confirm.h"
#include "cli/sso_test.h"
#include "cli/terminal.h"

namespace bulkhead::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t kSecretFileBytes = 64 << 10;

// A member of a provider's representation as a flag. Those of a kind stand in the object of its name.
struct Setting {
  enum class Type : std::uint8_t { text, boolean, texts };

  std::string_view kind;  // "" for all
  std::string_view member;
  std::string_view flag;
  std::string_view about;
  Type type = Type::text;
};

// clang-format off
constexpr std::array kSettings = {
    Setting{"", "enabled", "--enabled", "Whether anybody may log in with it (true)", Setting::Type::boolean},
    Setting{"", "creates_accounts", "--creates-accounts", "Whether a first log-in makes an account (true)", Setting::Type::boolean},
    Setting{"", "admitted_groups", "--admit", "A group whose members get in, several times if need be; \"\" for everybody", Setting::Type::texts},
    Setting{"oidc", "issuer", "--issuer", "OpenID: the provider's issuer URL"},
    Setting{"oidc", "client_id", "--client-id", "OpenID: what this installation is to it"},
    Setting{"oidc", "scopes", "--scope", "OpenID: what to ask for, several times (openid, profile, email)", Setting::Type::texts},
    Setting{"oidc", "name_claim", "--name-claim", "OpenID: where people's names are (preferred_username)"},
    Setting{"oidc", "groups_claim", "--groups-claim", "OpenID: where their groups are (groups); \"\": they do not matter"},
    Setting{"oidc", "trust_factors", "--trust-factors", "OpenID: whether to believe it about second factors (false)", Setting::Type::boolean},
    Setting{"ldap", "url", "--url", "LDAP: ldaps://HOST[:PORT] or ldap://HOST[:PORT]; of several servers, with spaces between"},
    Setting{"ldap", "start_tls", "--start-tls", "LDAP: whether to encrypt ldap:// with StartTLS (false)", Setting::Type::boolean},
    Setting{"ldap", "bind_dn", "--bind-dn", "LDAP: the account that searches (none: anonymously)"},
    Setting{"ldap", "user_base", "--user-base", "LDAP: the entry below which people are"},
    Setting{"ldap", "user_filter", "--user-filter", "LDAP: what finds a person ((uid={name}))"},
    Setting{"ldap", "id_attribute", "--id-attribute", "LDAP: what is never given to another entry (entryUUID)"},
    Setting{"ldap", "name_attribute", "--name-attribute", "LDAP: what people are called (uid)"},
    Setting{"ldap", "display_name_attribute", "--display-name-attribute", "LDAP: how they are shown (cn)"},
    Setting{"ldap", "email_attribute", "--email-attribute", "LDAP: their e-mail address (mail)"},
    Setting{"ldap", "group_base", "--group-base", "LDAP: the entry below which groups are (none: no groups)"},
    Setting{"ldap", "group_filter", "--group-filter", "LDAP: what finds a person's groups ((member={dn}))"},
    Setting{"ldap", "group_name_attribute", "--group-name-attribute", "LDAP: what groups are called (cn)"},
};
// clang-format on

struct SsoOptions {
  std::string provider;
  std::string new_name;
  std::array<std::vector<std::string>, kSettings.size()> given;
  bool secret_stdin = false;
  std::string secret_file;
  bool no_secret = false;
  std::string group;
  std::string team;  // ORGANIZATION/TEAM
  std::string user;
  std::string subject;
};
using Options = std::shared_ptr<SsoOptions>;

json::value value_of(const Setting& setting, const std::vector<std::string>& given) {
  if (setting.type == Setting::Type::boolean) return given.back() == "true";
  if (setting.type == Setting::Type::text) return json::value(given.back());
  json::array texts;
  for (const std::string& text : given)
    if (!text.empty()) texts.emplace_back(text);
  return texts;
}

// Nothing when the options leave it alone.
Result<std::optional<Secret<>>> read_secret(const SsoOptions& options) {
  const int ways = int{options.secret_stdin} + int{!options.secret_file.empty()} + int{options.no_secret};
  if (ways > 1)
    return Error{Errc::invalid_argument,
                 "give the secret in one way: --secret-stdin, --secret-file or --no-secret"};
  std::optional<Secret<>> secret;
  if (options.no_secret) secret.emplace();
  if (options.secret_stdin) {
    auto read = read_one_password(true);
    if (!read) return read.error();
    secret = *std::move(read);
  }
  if (!options.secret_file.empty()) {
    auto text = read_file(options.secret_file, kSecretFileBytes);
    if (!text) return text.error();
    if (text->ends_with('\n')) text->pop_back();
    if (text->ends_with('\r')) text->pop_back();
    secret.emplace(*std::move(text));
  }
  if (secret && secret->empty() && !options.no_secret)
    return Error{Errc::invalid_argument, "the secret is empty; --no-secret is for a provider without one"};
  return Result<std::optional<Secret<>>>(std::move(secret));
}

// What the flags say, put into the body of a request about a provider of that kind.
Result<void> put_settings(const SsoOptions& options, std::string_view kind, json::object& body) {
  for (std::size_t i = 0; i < kSettings.size(); ++i) {
    const Setting& setting = kSettings[i];
    if (options.given[i].empty()) continue;
    if (!setting.kind.empty() && setting.kind != kind)
      return Error{Errc::invalid_argument,
                   fmt::format("{} is not for a provider of the kind {}", setting.flag, kind)};
    json::object& object = setting.kind.empty() ? body : body.at(kind).as_object();
    object[setting.member] = value_of(setting, options.given[i]);
  }
  auto secret = read_secret(options);
  if (!secret) return secret.error();
  if (*secret) body["secret"] = (*secret)->reveal();
  return {};
}

bool is_given(const SsoOptions& options, std::string_view flag) {
  const auto found = std::ranges::find(kSettings, flag, &Setting::flag);
  return !options.given[static_cast<std::size_t>(found - kSettings.begin())].empty();
}

Result<json::value> create(ApiClient& client, const SsoOptions& options) {
  if (is_given(options, "--issuer") == is_given(options, "--url"))
    return Error{Errc::invalid_argument,
                 "give --issuer for an OpenID provider or --url for an LDAP directory, one of the two"};
  const std::string_view kind = is_given(options, "--issuer") ? "oidc" : "ldap";
  const std::string_view needed = kind == "oidc" ? "--client-id" : "--user-base";
  if (!is_given(options, needed))
    return Error{Errc::invalid_argument, fmt::format("a provider of the kind {} needs {}", kind, needed)};
  json::object body{{"name", options.provider}, {kind, json::object{}}};
  if (auto put = put_settings(options, kind, body); !put) return put.error();
  auto made = client.create("/login-providers", std::move(body));
  if (made) warn_of_provider(client, options.provider);
  return made;
}

Result<json::value> change(ApiClient& client, const SsoOptions& options) {
  const std::string path = path_of("login-providers", options.provider);
  const auto current = client.send({.path = path});
  if (!current) return current.error();
  json::object body = current->body.as_object();
  const std::string kind(body.at("kind").as_string());
  for (const char* fixed : {"kind", "has_secret", "created_at", "redirect_uri", "notice"}) body.erase(fixed);
  if (!options.new_name.empty()) body["name"] = options.new_name;
  if (auto put = put_settings(options, kind, body); !put) return put.error();
  auto changed =
      client.send({.method = "PUT", .path = path, .body = std::move(body), .if_match = current->etag});
  if (!changed) return changed.error();
  warn_of_provider(client, options.new_name.empty() ? options.provider : options.new_name);
  return std::move(changed->body);
}

Result<json::value> remove(ApiClient& client, const SsoOptions& options) {
  auto gone = client.send({.method = "DELETE", .path = path_of("login-providers", options.provider)});
  if (!gone) return gone.error();
  return std::move(gone->body);
}

Result<json::value> items_of(Result<json::value> answer) {
  if (!answer) return answer.error();
  return answer->at("items");
}

void print_members(const json::object& object) {
  for (const auto& member : object) {
    if (member.value().is_object()) {
      print_members(member.value().get_object());
      continue;
    }
    const json::string* text = member.value().if_string();
    const std::string value = text != nullptr ? std::string(*text) : json::serialize(member.value());
    say("{:<24}{}\n", std::string_view(member.key()), value);
  }
}

ApiPrint print_made(std::string text) {
  return [text = std::move(text)](const json::value& value) {
    say("{}\n", text);
    if (const json::value* notice = value.as_object().if_contains("notice"))
      say("{}\n", std::string_view(notice->as_string()));
  };
}

void add_provider_flags(Command& command, const Options& options) {
  for (std::size_t i = 0; i < kSettings.size(); ++i) {
    auto* flag = command.add_option(std::string(kSettings[i].flag), options->given[i],
                                    std::string(kSettings[i].about));
    flag->one_value()->type_name("");
    if (kSettings[i].type == Setting::Type::boolean) flag->one_of({"true", "false"});
    if (kSettings[i].type == Setting::Type::texts) flag->may_be_empty();
  }
  command.add_flag("--secret-stdin", options->secret_stdin,
                   "Read the OpenID client's secret, or the password of the bind DN, from standard input");
  command.add_option("--secret-file", options->secret_file, "Read it from this file")->type_name("FILE");
  command.add_flag("--no-secret", options->no_secret, "There is none: a public client, an anonymous search");
}

void add_providers(Command& sso, CommandLine& line, const Options& options) {
  auto* provider = sso.add_subcommand("provider", "Where people are known: list, show, create, set, delete");
  provider->require_subcommand();
  add_api_command(
      *provider, line, "list", "List the log-in providers",
      [](ApiClient& client) { return items_of(client.get("/login-providers")); },
      [] {
        return print_rows({"NAME", "KIND", "ENABLED", "MAKES ACCOUNTS", "SECRET", "CREATED"},
                          {"name", "kind", "enabled", "creates_accounts", "has_secret", "created_at"});
      });
  add_api_command(
      *provider, line, "show", "Show a log-in provider's settings, but never its secret",
      [options](ApiClient& client) { return client.get(path_of("login-providers", options->provider)); },
      [] { return [](const json::value& value) { print_members(value.as_object()); }; })
      ->add_option("provider", options->provider)
      ->required();
  auto* make = add_api_command(
      *provider, line, "create", "Let the people of an OpenID provider or an LDAP directory log in",
      [options](ApiClient& client) { return create(client, *options); },
      [options] { return print_made(fmt::format("created {}", options->provider)); });
  make->add_option("provider", options->provider, "A name for it, part of log-in addresses")->required();
  add_provider_flags(*make, options);
  auto* alter = add_api_command(
      *provider, line, "set", "Change settings of a log-in provider; what is not named stays",
      [options](ApiClient& client) { return change(client, *options); },
      [options] { return print_made(fmt::format("changed {}", options->provider)); });
  alter->add_option("provider", options->provider)->required();
  alter->add_option("--name", options->new_name, "Another name");
  add_provider_flags(*alter, options);
  auto* removal = add_api_command(
      *provider, line, "delete",
      "Remove a log-in provider with its mappings, the memberships and sessions that it gave, and its links",
      [options](ApiClient& client) { return remove(client, *options); },
      [options] {
        return [name = options->provider](const json::value& gone) {
          say("{} is removed; links to accounts that ended: {}, mappings: {}, sessions: {}\n", name,
              gone.at("identities").as_int64(), gone.at("mappings").as_int64(),
              gone.at("sessions").as_int64());
        };
      });
  removal->add_option("provider", options->provider)->required();
  ask_before(*removal, line, [options](ApiClient&) {
    return fmt::format(
        "removes {} with its mappings and links, and the memberships and sessions that it gave",
        options->provider);
  });
}

// The items with what is the same of all of them.
Result<json::value> with_member(Result<json::value> items, const char* name, const std::string& value) {
  if (!items) return items.error();
  for (json::value& item : items->as_array()) item.as_object()[name] = value;
  return items;
}

Result<json::value> change_mapping(ApiClient& client, const SsoOptions& options, const char* method) {
  const auto team = parse_team_name(options.team);
  if (!team) return team.error();
  auto done = client.send({.method = method,
                           .path = path_of("organizations", team->organization, "teams", team->team, "groups",
                                           options.provider, options.group)});
  if (!done) return done.error();
  return json::value(json::object{});
}

Result<json::value> list_mappings(ApiClient& client, const SsoOptions& options) {
  // Only a team's name has a slash.
  if (options.provider.find('/') == std::string::npos)
    return with_member(items_of(client.get(path_of("login-providers", options.provider, "mappings"))),
                       "provider", options.provider);
  const auto team = parse_team_name(options.provider);
  if (!team) return team.error();
  return with_member(
      items_of(client.get(path_of("organizations", team->organization, "teams", team->team, "groups"))),
      "team", options.provider);
}

void add_mapping(Command& map, CommandLine& line, const Options& options, const char* method,
                 const std::string& name, const std::string& about, const char* outcome) {
  auto* command = add_api_command(
      map, line, name, about,
      [options, method](ApiClient& client) { return change_mapping(client, *options, method); },
      [options, outcome] {
        return print_text(fmt::format("{} {} {}", options->group, outcome, options->team));
      });
  command->add_option("provider", options->provider)->required();
  command->add_option("group", options->group, "As the provider names it")->required();
  command->add_option("team", options->team, "ORGANIZATION/TEAM")->required();
}

void add_mappings(Command& sso, CommandLine& line, const Options& options) {
  auto* map = sso.add_subcommand("map", "Which groups lead into which teams: list, create, delete");
  map->require_subcommand();
  add_api_command(
      *map, line, "list", "List the group mappings of a provider, or of a team",
      [options](ApiClient& client) { return list_mappings(client, *options); },
      [] {
        return print_rows({"PROVIDER", "GROUP", "TEAM"}, {"provider", "group", "team"});
      })
      ->add_option("provider", options->provider, "A provider, or ORGANIZATION/TEAM")
      ->required();
  add_mapping(*map, line, options, "PUT", "create",
              "Put a group's people into a team, from their next log-in on", "leads into");
  add_mapping(*map, line, options, "DELETE", "delete", "Let a group lead into a team no more",
              "leads no more into");
}

void add_links(Command& sso, CommandLine& line, const Options& options) {
  add_api_command(
      sso, line, "identities", "List whom the log-in providers know an account as",
      [options](ApiClient& client) {
        return items_of(client.get(path_of("users", options->user, "identities")));
      },
      [] {
        return print_rows({"PROVIDER", "SUBJECT", "LAST SEEN"}, {"provider", "subject", "last_seen_at"});
      })
      ->add_option("user", options->user)
      ->required();
  auto* link = add_api_command(
      sso, line, "link", "Let somebody whom a provider knows log in as an account that is there",
      [options](ApiClient& client) {
        return client.put(path_of("users", options->user, "identities", options->provider),
                          {{"subject", options->subject}});
      },
      [options] { return print_text(fmt::format("{} is linked to {}", options->user, options->provider)); });
  link->add_option("user", options->user)->required();
  link->add_option("provider", options->provider)->required();
  link->add_option("subject", options->subject, "The provider's id of the person, never a name")->required();
  auto* unlink = add_api_command(
      sso, line, "unlink", "End that, with the sessions and the memberships that came of it",
      [options](ApiClient& client) {
        return nothing(client.remove(path_of("users", options->user, "identities", options->provider)));
      },
      [options] {
        return print_text(fmt::format("{} is not linked to {}", options->user, options->provider));
      });
  unlink->add_option("user", options->user)->required();
  unlink->add_option("provider", options->provider)->required();
}

}  // namespace

void add_sso_commands(Command& app, CommandLine& line) {
  auto* sso = app.add_subcommand("sso", "Single sign-on: log-in providers, group mappings, linked accounts");
  sso->require_subcommand();
  const auto options = std::make_shared<SsoOptions>();
  add_providers(*sso, line, options);
  add_mappings(*sso, line, options);
  add_links(*sso, line, options);
  add_sso_test_command(*sso, line);
  for (const char* example : {
           "sso provider list",
           "sso provider show corp",
           "sso provider create corp --issuer https://id.example.com --client-id bulkhead --secret-stdin",
           "sso provider create ldap --url ldaps://ldap.example.com --user-base ou=people,dc=example "
           "--no-secret",
           "sso provider set corp --enabled false",
           "sso provider delete corp",
           "sso map list corp",
           "sso identities alice",
           "sso link alice corp 248289761001",
           "sso unlink alice corp",
           "sso map create corp developers acme/devs",
           "sso map delete corp developers acme/devs",
       })
    app.example(example);
}

}  // namespace bulkhead::cli
