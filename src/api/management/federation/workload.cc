// Workload identity: which tokens of which issuer may act as a robot, and the exchange of such a token.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "access/scope.h"
#include "access/tokens.h"
#include "api/management/credentials/token_scopes.h"
#include "api/management/operation.h"
#include "api/management/permission.h"
#include "api/management/vocabulary.h"
#include "base/percent.h"
#include "identity/login/login.h"
#include "identity/workload/workload.h"

namespace bulkhead::api::management {
namespace {

namespace json = boost::json;
using access::SystemAction;
using identity::WorkloadTrust;

constexpr Schema kTrustName = text(1, 100);
constexpr Schema kPreset = text(1, 32, kVisible);
constexpr Schema kIssuer = text(1, 1024, kVisible, "uri");
constexpr Schema kAudience = text(1, 255);
constexpr Schema kClaim = text(1, 512);
constexpr Schema kClaims = map(kClaim, 16);
constexpr Schema kLifetime = integer(60, 900);

constexpr Field kTrustFields[] = {
    {"id", &kId, "", kRequired},
    {"name", &kTrustName, "", kRequired},
    {"issuer", &kIssuer, "", kRequired},
    {"audience", &kAudience, "", kRequired},
    {"claims", &kClaims, "From a claim to the value it must have", kRequired},
    {"scopes", &kTokenScopes, "", kRequired},
    {"lifetime_seconds", &kLifetime, "", kRequired},
    {"created_at", &kTime, "", kRequired},
};
constexpr Schema kTrust = object("WorkloadTrust", kTrustFields);
constexpr Schema kTrusts = list(kTrust, 1000);
constexpr Field kListFields[] = {{"items", &kTrusts, "", kRequired}};
constexpr Schema kList = object("", kListFields);

constexpr Field kNewTrustFields[] = {
    {"name", &kTrustName, "", kRequired},
    {"preset", &kPreset, "github, gitlab or kubernetes: fills in the issuer, and knows the claims"},
    {"issuer", &kIssuer, "An issuer with discovery and JWKS; may be left out with a preset"},
    {"audience", &kAudience, "What tokens must be made out to: this registry, and nobody else", kRequired},
    {"claims", &kClaims, "From a claim to the value it must have; * for any run of characters", kRequired},
    {"scopes", &kTokenScopes, "Each of a repository or of a namespace", kRequired},
    {"lifetime_seconds", &kLifetime, "Of what is given in exchange; 900 when absent"},
};
constexpr Schema kNewTrust = object("NewWorkloadTrust", kNewTrustFields);

constexpr Schema kForeignToken = secret_text(60'000);
constexpr Schema kScopeText = text(1, 512);
constexpr Schema kScopeTexts = list(kScopeText, 100);
constexpr Field kExchangeFields[] = {
    {"token", &kForeignToken, "The token that the CI's issuer gave the job", kRequired},
    {"robot", &kGivenName, "Which robot is meant: what others trust bears on nobody's exchange", kRequired},
    {"scopes", &kScopeTexts,
     "repository:NAME:pull,push as in the token protocol; all repositories that the trust names when absent"},
};
constexpr Schema kExchange = object("WorkloadExchange", kExchangeFields);
constexpr Schema kJwt = text(1, 16'384, kVisible);
constexpr Schema kCarriedScopes = list(kScopeText, 1000);
constexpr Field kIssuedFields[] = {
    {"robot", &kAnyName, "", kRequired},
    {"secret", &kJwt, "For Authorization: Bearer at /v2/", kRequired},
    {"scopes", &kCarriedScopes, "What of the scopes asked for it carries", kRequired},
    {"expires_in", &kCount, "Seconds", kRequired},
    {"issued_at", &kTime, "", kRequired},
};
constexpr Schema kIssued = object("WorkloadToken", kIssuedFields);

Result<json::object> represent_trust(ScopeNames& names, const WorkloadTrust& trust) {
  auto scopes = names.represent(identity::TokenScopes(trust.scopes));
  if (!scopes) return scopes.error();
  json::object claims;
  for (const auto& [claim, value] : trust.rule) claims[claim] = value;
  return json::object{{"id", trust.id},
                      {"name", trust.name},
                      {"issuer", trust.issuer},
                      {"audience", trust.audience},
                      {"claims", std::move(claims)},
                      {"scopes", *std::move(scopes)},
                      {"lifetime_seconds", std::int64_t{trust.lifetime.count()}},
                      {"created_at", to_rfc3339(trust.created_at)}};
}

Result<Reply> list_trusts(Call& call) {
  const auto trusts = call.services.workload.list(call.account->id);
  if (!trusts) return trusts.error();
  json::array items;
  ScopeNames names(call);
  for (const WorkloadTrust& trust : *trusts) {
    auto item = represent_trust(names, trust);
    if (!item) return item.error();
    items.push_back(*std::move(item));
  }
  return Reply(json::object{{"items", std::move(items)}});
}

Result<Reply> get_trust(Call& call) {
  const auto trusts = call.services.workload.list(call.account->id);
  if (!trusts) return trusts.error();
  ScopeNames names(call);
  for (const WorkloadTrust& trust : *trusts) {
    if (trust.id != call.number("trust")) continue;
    auto body = represent_trust(names, trust);
    if (!body) return body.error();
    return Reply(*std::move(body));
  }
  return not_visible();
}

Result<Reply> create_trust(Call& call) {
  identity::NewWorkloadTrust wanted;
  wanted.robot_id = call.account->id;
  wanted.name = *call.text("name");
  wanted.preset = call.text("preset").value_or("");
  wanted.issuer = call.text("issuer").value_or("");
  wanted.audience = *call.text("audience");
  for (const auto& [claim, value] : call.body.at("claims").as_object())
    wanted.rule.emplace(claim, std::string(value.as_string()));
  const auto scopes = read_scopes(call, call.body.at("scopes"));
  if (!scopes) return scopes.error();
  wanted.scopes = scopes->list();
  if (const auto seconds = call.integer("lifetime_seconds")) wanted.lifetime = std::chrono::seconds(*seconds);
  const auto trust = call.services.workload.create(wanted, call.origin);
  if (!trust) return trust.error();
  ScopeNames names(call);
  auto body = represent_trust(names, *trust);
  if (!body) return body.error();
  Reply reply(*std::move(body));
  reply.location = fmt::format("/robots/{}/trusts/{}", percent_encode(call.account->name), trust->id);
  return reply;
}

Result<Reply> remove_trust(Call& call) {
  auto removed = call.services.workload.remove(call.account->id, call.number("trust"), call.origin);
  if (!removed) return removed.error();
  return Reply();
}

// What the caller asks for, or every repository that the trust names and the robot reaches.
Result<std::vector<access::Scope>> wanted_scopes(const Call& call, const identity::WorkloadGrant& grant) {
  std::vector<std::string> texts;
  if (const json::value* given = call.body.if_contains("scopes")) {
    for (const json::value& text : given->as_array()) texts.emplace_back(text.as_string());
  } else {
    access::Principal robot;
    robot.account_id = grant.robot_id;
    robot.account = grant.robot;
    const auto named = ScopeNames(call, robot).represent(identity::TokenScopes(grant.scopes));
    if (!named) return named.error();
    for (const json::value& scope : *named) {
      const json::value* repository = scope.as_object().if_contains("repository");
      if (repository == nullptr) continue;
      std::string actions;
      for (const json::value& action : scope.at("actions").as_array())
        actions += fmt::format("{}{}", actions.empty() ? "" : ",", std::string_view(action.as_string()));
      texts.push_back(fmt::format("repository:{}:{}", std::string_view(repository->as_string()), actions));
    }
  }
  return access::parse_scopes(texts, call.options.token_scopes);
}

std::string text_of(const access::Scope& scope) {
  return fmt::format("{}:{}:{}", access::name(scope.type), scope.name,
                     fmt::join(scope.actions.render(), ","));
}

// A token that opens nothing would be an answer that says no later, and elsewhere.
Error reaches_nothing(const identity::WorkloadGrant& grant, const std::vector<access::Scope>& asked) {
  if (asked.empty())
    return {
        Errc::denied,
        fmt::format("say what {} is to reach, as in \"scopes\": [\"repository:NAME:pull,push\"]: its trust "
                    "names no repository that it has a role in",
                    grant.robot)};
  return {Errc::denied, fmt::format("{} reaches none of what is asked for: its trust's scopes and its roles "
                                    "both have to hold it",
                                    grant.robot)};
}

Wait wait_of_exchange(Call& call) {
  auto issuer = call.services.workload.unheard_issuer(call.secret("token"));
  if (!issuer) return {};
  return {Wait::For::issuer, *std::move(issuer)};
}

Result<Reply> exchange(Call& call) {
  const std::string robot = *call.text("robot");
  // Anybody may ask, and each refusal has cost a look-up.
  if (auto admitted = call.services.login.admit_network(robot, call.origin); !admitted)
    return admitted.error();
  const auto grant = call.services.workload.exchange(call.secret("token"), robot, call.origin, call.may_wait);
  if (!grant && grant.error().code == Errc::unauthenticated) call.services.login.refused(call.origin.address);
  if (!grant) return grant.error();
  const auto scopes = wanted_scopes(call, *grant);
  if (!scopes) return scopes.error();
  access::Principal principal;
  principal.account_id = grant->robot_id;
  principal.account = grant->robot;
  principal.credential_version = grant->credential_version;
  principal.ceiling = std::make_shared<const identity::TokenScopes>(grant->scopes);
  principal.proof = {.by_password = false, .multi_factor = true, .life = {}};
  principal.address = call.origin.address;
  const auto issued = call.services.tokens.issue(principal, *scopes, grant->lifetime);
  if (!issued) return issued.error();
  if (issued->scopes.empty()) return reaches_nothing(*grant, *scopes);
  json::array carried;
  for (const access::Scope& scope : issued->scopes) carried.emplace_back(text_of(scope));
  return Reply(json::object{{"robot", grant->robot},
                            {"secret", issued->token},
                            {"scopes", std::move(carried)},
                            {"expires_in", std::int64_t{issued->lifetime.count()}},
                            {"issued_at", to_rfc3339(issued->issued_at)}});
}

constexpr Operation kOperations[] = {
    {.method = http::Method::get,
     .path = "/robots/{robot}/trusts",
     .id = "listTrusts",
     .tag = "workload",
     .summary = "Which workloads may act as a robot",
     .permission = kCredentials || SystemAction::read_directory,
     .response = &kList,
     .handler = list_trusts},
    {.method = http::Method::post,
     .path = "/robots/{robot}/trusts",
     .id = "createTrust",
     .tag = "workload",
     .summary = "Let workloads of an issuer act as a robot",
     .permission = kCredentials,
     .request = &kNewTrust,
     .status = 201,
     .response = &kTrust,
     .creates = true,
     .proof = true,
     .handler = create_trust},
    {.method = http::Method::get,
     .path = "/robots/{robot}/trusts/{trust}",
     .id = "getTrust",
     .tag = "workload",
     .summary = "One trust",
     .permission = kCredentials || SystemAction::read_directory,
     .response = &kTrust,
     .handler = get_trust},
    {.method = http::Method::delete_,
     .path = "/robots/{robot}/trusts/{trust}",
     .id = "removeTrust",
     .tag = "workload",
     .summary = "End a trust, and what was issued through it",
     .permission = kCredentials || SystemAction::contain_incident,
     .status = 204,
     .handler = remove_trust},
    {.method = http::Method::post,
     .path = "/workload/token",
     .id = "exchangeWorkloadToken",
     .tag = "workload",
     .summary = "Exchange a CI's own token for a registry token of at most 15 minutes",
     .permission = kAnyone,
     .request = &kExchange,
     .response = &kIssued,
     .secret = true,
     .wait = wait_of_exchange,
     .handler = exchange},
};

}  // namespace

std::span<const Operation> workload_operations() { return kOperations; }

}  // namespace bulkhead::api::management
