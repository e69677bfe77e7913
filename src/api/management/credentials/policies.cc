// /policy and /organizations/{organization}/policy: what is asked of credentials.
#include <fmt/format.h>

#include "api/management/credentials/networks.h"
#include "api/management/operation.h"
#include "api/management/vocabulary.h"
#include "identity/login/policies.h"
#include "identity/login/sessions.h"

namespace bulkhead::api::management {
namespace {

namespace json = boost::json;
using access::SystemAction;
using identity::Policies;
using identity::Policy;

constexpr Schema kLife = integer(3600, INT64_C(31'536'000));
constexpr Field kPolicyFields[] = {
    {"mfa_required", &kFlag, "Sessions can do nothing before they have seen a second factor", kRequired},
    {"token_seconds", &kLife, "The longest life of an access token", kRequired},
    {"networks", &kNetworks, "Where people and tokens may come from; empty for anywhere", kRequired},
    {"password_login", &kFlag, "Whether passwords let anybody in", kRequired},
};
constexpr Schema kPolicy = object("Policy", kPolicyFields);

Result<Reply> get(Call& call, std::int64_t organization) {
  const auto policy = call.services.policies.get(organization);
  if (!policy) return policy.error();
  return Reply(json::object{{"mfa_required", policy->mfa_required},
                            {"token_seconds", std::int64_t{policy->token_life.count()}},
                            {"networks", represent_networks(policy->networks)},
                            {"password_login", policy->password_login}});
}

// What of the installation's policy would keep out whoever sets it; "" for nothing.
Result<std::string> keeps_out(const Call& call, const Policy& policy) {
  const access::Principal& principal = call.caller.principal;
  if (!policy.networks.allow(principal.address))
    return fmt::format("{}, where you come from, is in none of its networks", principal.address);
  if (policy.mfa_required && !principal.proof.multi_factor)
    return std::string("you have shown no second factor; enrol one, and log in with it, first");
  if (policy.password_login) return std::string();
  // The session would stay; the next log-in would not succeed.
  const auto current = call.services.policies.get(Policies::kInstallation);
  if (!current) return current.error();
  if (!current->password_login) return std::string();
  const auto backing = call.services.sessions.backing(call.caller.session_id);
  if (backing) return std::string();
  if (backing.error().code != Errc::not_found) return backing.error();
  return std::string("you logged in with a password; log in with single sign-on, or have the operator do it");
}

// Whoever sets it would otherwise be the first whom it keeps from changing it back.
Result<void> check_setter(const Call& call, std::int64_t organization, const Policy& policy) {
  if (call.caller.is_operator) return {};
  if (organization == Policies::kInstallation) {
    const auto reason = keeps_out(call, policy);
    if (!reason) return reason.error();
    if (reason->empty()) return {};
    return Error{Errc::conflict, fmt::format("this policy would keep you out yourself: {}", *reason)};
  }
  const access::Principal& principal = call.caller.principal;
  const auto lacking = policy.lacking(principal.proof, principal.address);
  if (lacking.empty()) return {};
  return Error{
      Errc::conflict,
      fmt::format("this policy would keep you out yourself: coming to the organization would take {}",
                  lacking)};
}

Result<Reply> set(Call& call, std::int64_t organization) {
  auto networks = read_networks(call);
  if (!networks) return networks.error();
  Policy policy;
  policy.mfa_required = call.flag("mfa_required");
  policy.token_life = std::chrono::seconds(*call.integer("token_seconds"));
  policy.networks = *std::move(networks);
  policy.password_login = call.flag("password_login");
  if (auto checked = check_setter(call, organization, policy); !checked) return checked.error();
  if (auto done = call.services.policies.set(organization, policy, call.origin); !done) return done.error();
  return get(call, organization);
}

Result<Reply> get_installation(Call& call) { return get(call, Policies::kInstallation); }
Result<Reply> set_installation(Call& call) { return set(call, Policies::kInstallation); }
Result<Reply> get_organization(Call& call) { return get(call, call.organization->id); }
Result<Reply> set_organization(Call& call) { return set(call, call.organization->id); }

constexpr Operation kOperations[] = {
    {.method = http::Method::get,
     .path = "/policy",
     .id = "getPolicy",
     .tag = "policies",
     .summary = "What the installation asks of credentials",
     .permission = kAccount,
     .response = &kPolicy,
     .handler = get_installation},
    {.method = http::Method::put,
     .path = "/policy",
     .id = "setPolicy",
     .tag = "policies",
     .summary = "Change what the installation asks of credentials",
     .permission = may(SystemAction::manage_policy),
     .request = &kPolicy,
     .response = &kPolicy,
     .if_match = IfMatch::required,
     .proof = true,
     .handler = set_installation},
    {.method = http::Method::get,
     .path = "/organizations/{organization}/policy",
     .id = "getOrganizationPolicy",
     .tag = "policies",
     .summary =
         "What an organization asks of those who come to it, and of its robots, beyond the installation",
     .permission = kMember || SystemAction::read_directory,
     .response = &kPolicy,
     .handler = get_organization},
    {.method = http::Method::put,
     .path = "/organizations/{organization}/policy",
     .id = "setOrganizationPolicy",
     .tag = "policies",
     .summary = "Change what an organization asks of those who come to it, and of its robots",
     .permission = kOrganizationOwner,
     .request = &kPolicy,
     .response = &kPolicy,
     .if_match = IfMatch::required,
     .proof = true,
     .handler = set_organization},
};

}  // namespace

Result<identity::Networks> read_networks(const Call& call) {
  const json::value* networks = call.body.if_contains("networks");
  if (networks == nullptr) return identity::Networks();
  std::string text;
  for (const json::value& network : networks->as_array()) {
    if (!text.empty()) text += ' ';
    text += std::string_view(network.as_string());
  }
  return identity::Networks::parse(text);
}

json::array represent_networks(const identity::Networks& networks) {
  json::array out;
  const std::string text = networks.text();
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t space = rest.find(' ');
    out.push_back(json::string(rest.substr(0, space)));
    rest = space == std::string_view::npos ? std::string_view() : rest.substr(space + 1);
  }
  return out;
}

std::span<const Operation> policy_operations() { return kOperations; }

}  // namespace bulkhead::api::management
