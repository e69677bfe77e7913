// /login-providers: where people are known, and which of its groups lead into which teams. /login: what of
// that is everybody's to know.
#include "identity/federation/login_providers.h"
#include "api/management/federation/login_provider_json.h"
#include "api/management/vocabulary.h"
#include "base/percent.h"

namespace bulkhead::api::management {
namespace {

namespace json = boost::json;
using access::SystemAction;
using identity::LoginProvider;

constexpr Schema kProviders = list(kLoginProvider, 32);
constexpr Field kListFields[] = {{"items", &kProviders, "", kRequired}};
constexpr Schema kList = object("", kListFields);

constexpr Schema kGroupName = text(1, 512);
constexpr Schema kTeamPath = text(1, 160, kNameCharacters);
constexpr Field kMappingFields[] = {
    {"group", &kGroupName, "As the provider names it", kRequired},
    {"team", &kTeamPath, "ORGANIZATION/TEAM", kRequired},
};
constexpr Schema kMapping = object("GroupMapping", kMappingFields);
constexpr Schema kMappings = list(kMapping, 1000);
constexpr Field kMappingListFields[] = {{"items", &kMappings, "", kRequired}};
constexpr Schema kMappingList = object("", kMappingListFields);

constexpr Field kRemovedFields[] = {
    {"identities", &kCount, "How many links to accounts have ended", kRequired},
    {"mappings", &kCount, "How many of its groups lead into teams no more", kRequired},
    {"sessions", &kCount, "How many sessions have ended", kRequired},
};
constexpr Schema kRemoved = object("RemovedLoginProvider", kRemovedFields);

constexpr std::string_view kKindWords[] = {"oidc", "ldap"};
constexpr Schema kKind = choice(kKindWords);
constexpr Field kWayFields[] = {
    {"name", &kAnyName, "", kRequired},
    {"kind", &kKind, "oidc: in a browser; ldap: with a password", kRequired},
};
constexpr Schema kWay = object("LoginWay", kWayFields);
constexpr Schema kWays = list(kWay, 32);
constexpr Field kLoginFields[] = {{"providers", &kWays, "", kRequired}};
constexpr Schema kLogin = object("Login", kLoginFields);

Result<LoginProvider> provider_of(const Call& call) {
  return call.services.login_providers.find(call.path("provider"));
}

Result<Reply> list_providers(Call& call) {
  const auto providers = call.services.login_providers.list();
  if (!providers) return providers.error();
  json::array items;
  for (const LoginProvider& provider : *providers) items.push_back(represent(call, provider));
  return Reply(json::object{{"items", std::move(items)}});
}

Result<Reply> create_provider(Call& call) {
  const auto wanted = read_login_provider(call);
  if (!wanted) return wanted.error();
  const auto made = call.services.login_providers.create(*wanted, call.secret("secret"), call.origin);
  if (!made) return made.error();
  Reply reply(represent(call, *made));
  reply.location = "/login-providers/" + percent_encode(made->name);
  return reply;
}

Result<Reply> get_provider(Call& call) {
  const auto provider = provider_of(call);
  if (!provider) return provider.error();
  return Reply(represent(call, *provider));
}

Result<Reply> change_provider(Call& call) {
  const auto provider = provider_of(call);
  if (!provider) return provider.error();
  const auto wanted = read_login_provider(call);
  if (!wanted) return wanted.error();
  std::optional<Secret<>> secret;
  if (call.has("secret")) secret = call.secret("secret");
  const auto changed = call.services.login_providers.change(provider->id, *wanted, secret, call.origin);
  if (!changed) return changed.error();
  return Reply(represent(call, *changed));
}

Result<Reply> remove_provider(Call& call) {
  const auto provider = provider_of(call);
  if (!provider) return provider.error();
  const auto gone = call.services.login_providers.remove(provider->id, call.origin);
  if (!gone) return gone.error();
  return Reply(json::object{
      {"identities", gone->identities}, {"mappings", gone->mappings}, {"sessions", gone->sessions}});
}

Result<Reply> list_mappings(Call& call) {
  const auto provider = provider_of(call);
  if (!provider) return provider.error();
  const auto mappings = call.services.login_providers.mappings(provider->id);
  if (!mappings) return mappings.error();
  json::array items;
  for (const identity::GroupMapping& mapping : *mappings)
    items.push_back(json::object{{"group", mapping.group}, {"team", mapping.team}});
  return Reply(json::object{{"items", std::move(items)}});
}

Result<Reply> ways_in(Call& call) {
  const auto providers = call.services.login_providers.list();
  if (!providers) return providers.error();
  json::array ways;
  for (const LoginProvider& provider : *providers)
    if (provider.enabled)
      ways.push_back(json::object{{"name", provider.name}, {"kind", identity::name(provider.kind())}});
  return Reply(json::object{{"providers", std::move(ways)}});
}

constexpr Operation kOperations[] = {
    {.method = http::Method::get,
     .path = "/login-providers",
     .id = "listLoginProviders",
     .tag = "sign-on",
     .summary = "Where people are known, by name",
     .permission = may(SystemAction::read_directory),
     .response = &kList,
     .handler = list_providers},
    {.method = http::Method::post,
     .path = "/login-providers",
     .id = "createLoginProvider",
     .tag = "sign-on",
     .summary = "Let the people of an OpenID provider or an LDAP directory log in",
     .permission = may(SystemAction::manage_providers),
     .request = &kLoginProviderInput,
     .status = 201,
     .response = &kLoginProvider,
     .creates = true,
     .proof = true,
     .handler = create_provider},
    {.method = http::Method::get,
     .path = "/login-providers/{provider}",
     .id = "getLoginProvider",
     .tag = "sign-on",
     .summary = "One log-in provider",
     .permission = may(SystemAction::read_directory),
     .response = &kLoginProvider,
     .handler = get_provider},
    {.method = http::Method::put,
     .path = "/login-providers/{provider}",
     .id = "changeLoginProvider",
     .tag = "sign-on",
     .summary = "Change all of a log-in provider but its kind",
     .permission = may(SystemAction::manage_providers),
     .request = &kLoginProviderInput,
     .response = &kLoginProvider,
     .if_match = IfMatch::required,
     .proof = true,
     .handler = change_provider},
    {.method = http::Method::delete_,
     .path = "/login-providers/{provider}",
     .id = "removeLoginProvider",
     .tag = "sign-on",
     .summary = "Remove a log-in provider with its mappings, what they gave, its people's links and sessions",
     .permission = may(SystemAction::manage_providers),
     .response = &kRemoved,
     .if_match = IfMatch::optional,
     .handler = remove_provider},
    {.method = http::Method::get,
     .path = "/login-providers/{provider}/mappings",
     .id = "listGroupMappings",
     .tag = "sign-on",
     .summary = "Which groups lead into which teams, by group",
     .permission = may(SystemAction::read_directory),
     .response = &kMappingList,
     .handler = list_mappings},
    {.method = http::Method::get,
     .path = "/login",
     .id = "listLoginWays",
     .tag = "sign-on",
     .summary = "With which providers one can log in",
     .permission = kAnyone,
     .response = &kLogin,
     .handler = ways_in},
};

}  // namespace

std::span<const Operation> login_provider_operations() { return kOperations; }

}  // namespace bulkhead::api::management
