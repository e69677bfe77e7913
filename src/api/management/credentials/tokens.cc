// /users/{user}/tokens: personal access tokens, and those of robots.
#include <fmt/format.h>

#include "api/management/credentials/networks.h"
#include "api/management/credentials/token_scopes.h"
#include "api/management/operation.h"
#include "api/management/people/users.h"
#include "api/management/vocabulary.h"
#include "identity/login/access_tokens.h"

namespace bulkhead::api::management {
namespace {

namespace json = boost::json;
using access::SystemAction;
using identity::AccessToken;

constexpr std::string_view kManagementWords[] = {"none", "read", "write"};
constexpr Schema kManagement = choice(kManagementWords);
constexpr std::string_view kStateWords[] = {"active", "rotated", "suspended", "expired", "revoked", "dead"};
constexpr Schema kTokenState = choice(kStateWords);
constexpr std::size_t kScopesOfPage = 2000;
constexpr Schema kTokenName = text(1, 100);
constexpr Schema kOverlap = integer(0, 7 * 24 * 3600);
constexpr Schema kLifetime = integer(60, INT64_C(31'536'000));

constexpr Field kLastUseFields[] = {
    {"at", &kTime, "", kRequired},
    {"address", &kAddress, "", kRequired},
    {"client", &kClient, "", kRequired},
};
constexpr Schema kLastUse = object("", kLastUseFields);

constexpr Field kTokenFields[] = {
    {"id", &kId, "", kRequired},
    {"name", &kTokenName, "", kRequired},
    {"state", &kTokenState,
     "rotated works until it expires; suspended is refused for as long as a policy is as it is; dead has "
     "ended "
     "with its key or with its account's log-ins",
     kRequired},
    {"scopes", &kTokenScopes,
     "What it may do in repositories at most; without those that the caller may not see", kRequired},
    {"management", &kManagement, "What it may do in this API", kRequired},
    {"networks", &kNetworks, "Where it may be used from; empty for anywhere", kRequired},
    {"created_at", &kTime, "", kRequired},
    {"expires_at", &kTime, "", kRequired},
    {"revoked_at", &kTime, "Absent while it stands"},
    {"successor", &kId, "What it was rotated into"},
    {"last_use", &kLastUse, "Absent while it was not used"},
};
constexpr Schema kToken = object("AccessToken", kTokenFields);

constexpr Field kNewTokenFields[] = {
    {"name", &kTokenName, "", kRequired},
    {"scopes", &kTokenScopes, "What it may do in repositories at most", kRequired},
    {"management", &kManagement, "What it may do in this API; none when absent"},
    {"networks", &kNetworks, "Where it may be used from; anywhere when absent"},
    {"lifetime_seconds", &kLifetime,
     "7 days for one that may change anything, else what policy allows, when absent"},
};
constexpr Schema kNewToken = object("NewAccessToken", kNewTokenFields);

constexpr Field kCreatedFields[] = {
    {"token", &kToken, "", kRequired},
    {"secret", &kSecret, "bhpat_… or bhrobot_…; shown this once, and absent when a creation is repeated"},
};
constexpr Schema kCreated = object("CreatedAccessToken", kCreatedFields);

constexpr Field kRotationFields[] = {
    {"overlap_seconds", &kOverlap, "How long the old one may still be used; not at all when absent"},
};
constexpr Schema kRotation = object("Rotation", kRotationFields);

Result<json::object> represent_token(const Call& call, ScopeNames& names, const AccessToken& token) {
  auto scopes = names.represent(*token.scopes);
  if (!scopes) return scopes.error();
  const auto state = call.services.access_tokens.state(token);
  if (!state) return state.error();
  json::object out{{"id", token.id},
                   {"name", token.name},
                   {"state", json::string(identity::name(*state))},
                   {"scopes", *std::move(scopes)},
                   {"management", json::string(identity::name(token.management))},
                   {"networks", represent_networks(token.networks)},
                   {"created_at", to_rfc3339(token.created_at)},
                   {"expires_at", to_rfc3339(token.expires_at)}};
  if (token.revoked_at) out["revoked_at"] = to_rfc3339(*token.revoked_at);
  if (token.successor_id != 0) out["successor"] = token.successor_id;
  if (token.last_use)
    out["last_use"] = json::object{{"at", to_rfc3339(token.last_use->at)},
                                   {"address", token.last_use->address},
                                   {"client", token.last_use->client}};
  return out;
}

Result<Reply> created_reply(const Call& call, const identity::AccessTokens::Created& created) {
  ScopeNames names(call);
  auto token = represent_token(call, names, created.token);
  if (!token) return token.error();
  Reply reply(json::object{{"token", *std::move(token)}, {"secret", created.secret.reveal()}});
  reply.location = fmt::format("{}/tokens/{}", user_path(call.account->name), created.token.id);
  return reply;
}

Result<Reply> list_tokens(Call& call) {
  const auto tokens = call.services.access_tokens.list(call.account->id, call.after_number(), call.limit + 1);
  if (!tokens) return tokens.error();
  ScopeNames names(call);
  std::vector<json::object> items;
  std::size_t scopes = 0;
  for (const AccessToken& token : *tokens) {
    scopes += token.scopes->list().size();
    // A page is bounded by what is in it, too; what does not fit is on the next one.
    if (!items.empty() && items.size() < call.limit && scopes > kScopesOfPage) call.limit = items.size();
    auto item = represent_token(call, names, token);
    if (!item) return item.error();
    items.push_back(*std::move(item));
    if (items.size() > call.limit) break;
  }
  return page_of(
      call, items, [](const json::object& item) { return item; },
      [](const json::object& item) { return std::to_string(item.at("id").as_int64()); });
}

Result<Reply> get_token(Call& call) {
  const auto token = call.services.access_tokens.find(call.account->id, call.number("token"));
  if (!token) return token.error();
  ScopeNames names(call);
  auto body = represent_token(call, names, *token);
  if (!body) return body.error();
  return Reply(json::object{{"token", *std::move(body)}});
}

Result<Reply> create_token(Call& call) {
  identity::NewAccessToken wanted;
  wanted.account_id = call.account->id;
  wanted.name = *call.text("name");
  auto scopes = read_scopes(call, call.body.at("scopes"));
  if (!scopes) return scopes.error();
  wanted.scopes = *std::move(scopes);
  if (const auto management = call.text("management")) {
    const auto parsed = identity::parse_management(*management);
    if (!parsed) return parsed.error();
    wanted.management = *parsed;
  }
  auto networks = read_networks(call);
  if (!networks) return networks.error();
  wanted.networks = *std::move(networks);
  // An operator's word counts as much.
  wanted.multi_factor = call.caller.multi_factor || call.caller.is_operator;
  if (const auto seconds = call.integer("lifetime_seconds")) wanted.lifetime = std::chrono::seconds(*seconds);
  const auto created = call.services.access_tokens.create(wanted, call.origin);
  if (!created) return created.error();
  return created_reply(call, *created);
}

Result<Reply> rotate_token(Call& call) {
  const std::chrono::seconds overlap(call.integer("overlap_seconds").value_or(0));
  const auto created =
      call.services.access_tokens.rotate(call.account->id, call.number("token"), overlap,
                                         call.caller.multi_factor || call.caller.is_operator, call.origin);
  if (!created) return created.error();
  return created_reply(call, *created);
}

Result<Reply> revoke_token(Call& call) {
  auto revoked = call.services.access_tokens.revoke(call.account->id, call.number("token"), call.origin);
  if (!revoked) return revoked.error();
  return Reply();
}

Result<Reply> revoke_all(Call& call) {
  const auto revoked = call.services.access_tokens.revoke_all(call.account->id, call.origin);
  if (!revoked) return revoked.error();
  return Reply();
}

constexpr Field kFoundFields[] = {{"token", &kToken, "", kRequired}};
constexpr Schema kFound = object("", kFoundFields);

constexpr Operation kOperations[] = {
    {.method = http::Method::get,
     .path = "/users/{user}/tokens",
     .id = "listTokens",
     .tag = "tokens",
     .summary = "An account's access tokens, those that have ended too, in the order of their making",
     .permission = kCredentials || SystemAction::read_directory,
     .response = &PageOf<kToken>::kPage,
     .paged = true,
     .handler = list_tokens},
    {.method = http::Method::post,
     .path = "/users/{user}/tokens",
     .id = "createToken",
     .tag = "tokens",
     .summary = "Make an access token; it is shown this once",
     .permission = kCredentials,
     .request = &kNewToken,
     .status = 201,
     .response = &kCreated,
     .creates = true,
     .proof = true,
     .secret = true,
     .handler = create_token},
    {.method = http::Method::delete_,
     .path = "/users/{user}/tokens",
     .id = "revokeTokens",
     .tag = "tokens",
     .summary = "Revoke all access tokens of an account",
     .permission = kCredentials || SystemAction::contain_incident,
     .status = 204,
     .handler = revoke_all},
    {.method = http::Method::get,
     .path = "/users/{user}/tokens/{token}",
     .id = "getToken",
     .tag = "tokens",
     .summary = "One access token, without the secret",
     .permission = kCredentials || SystemAction::read_directory,
     .response = &kFound,
     .handler = get_token},
    {.method = http::Method::delete_,
     .path = "/users/{user}/tokens/{token}",
     .id = "revokeToken",
     .tag = "tokens",
     .summary = "Revoke an access token",
     .permission = kCredentials || SystemAction::contain_incident,
     .status = 204,
     .handler = revoke_token},
    {.method = http::Method::post,
     .path = "/users/{user}/tokens/{token}/rotation",
     .id = "rotateToken",
     .tag = "tokens",
     .summary = "Make a successor; the old one may overlap with it",
     .permission = kCredentials,
     .request = &kRotation,
     .status = 201,
     .response = &kCreated,
     .creates = true,
     .proof = true,
     .secret = true,
     .handler = rotate_token},
};

}  // namespace

std::span<const Operation> token_operations() { return kOperations; }

}  // namespace bulkhead::api::management
