// /login-providers/{provider}/test: whether a log-in provider can be asked, step by step.
#include "api/management/operation.h"
#include "api/management/vocabulary.h"
#include "identity/federation/directory_login.h"
#include "identity/federation/login_providers.h"
#include "identity/federation/oidc_login.h"

namespace bulkhead::api::management {
namespace {

namespace json = boost::json;
using access::SystemAction;
using identity::LoginProvider;

constexpr Schema kUserName = text(1, 256);
constexpr Field kTestFields[] = {
    {"user", &kUserName, "Whom to look for in a directory, by the name that they log in with"},
};
constexpr Schema kTest = object("LoginProviderTest", kTestFields);
constexpr Schema kStepName = text(1, 32);
constexpr Schema kDetail = text(0, 64 << 10);
constexpr Field kStepFields[] = {
    {"name", &kStepName, "connect, bind, search; discovery, endpoints, keys", kRequired},
    {"good", &kFlag, "", kRequired},
    {"detail", &kDetail, "What was found, or what is wrong", kRequired},
};
constexpr Schema kStep = object("LoginProviderStep", kStepFields);
constexpr Schema kSteps = list(kStep, 64);
constexpr Field kOutcomeFields[] = {
    {"good", &kFlag, "Whether every step was", kRequired},
    {"steps", &kSteps, "", kRequired},
};
constexpr Schema kOutcome = object("LoginProviderOutcome", kOutcomeFields);

Result<std::vector<Step>> probe(const Call& call, const LoginProvider& provider) {
  const auto user = call.text("user");
  if (const auto* openid = std::get_if<identity::OidcSettings>(&provider.settings)) {
    if (user)
      return Error{Errc::invalid_argument,
                   "an OpenID provider is not asked for names: people show it who they are in a browser"};
    return call.services.oidc_login.probe(*openid);
  }
  return call.services.directory_login.probe(provider, user.value_or(""));
}

Result<Reply> test_provider(Call& call) {
  const auto provider = call.services.login_providers.find(call.path("provider"));
  if (!provider) return provider.error();
  if (!call.may_wait) return Error{Errc::unavailable, "the log-in provider has changed just now; try again"};
  const auto steps = probe(call, *provider);
  if (!steps) return steps.error();
  bool good = true;
  json::array shown;
  for (const Step& step : *steps) {
    good = good && step.good;
    shown.push_back(json::object{{"name", step.name}, {"good", step.good}, {"detail", step.detail}});
  }
  return Reply(json::object{{"good", good}, {"steps", std::move(shown)}});
}

Wait wait_of_test(Call& call) {
  const auto provider = call.services.login_providers.find(call.path("provider"));
  if (!provider) return {};
  const bool directory = provider->kind() == identity::ProviderKind::ldap;
  return {directory ? Wait::For::directory : Wait::For::provider, provider->name};
}

constexpr Operation kOperations[] = {
    {.method = http::Method::post,
     .path = "/login-providers/{provider}/test",
     .id = "testLoginProvider",
     .tag = "sign-on",
     .summary = "Ask a log-in provider, step by step, and let nobody in",
     .permission = may(SystemAction::manage_providers),
     .request = &kTest,
     .response = &kOutcome,
     .wait = wait_of_test,
     .handler = test_provider},
};

}  // namespace

std::span<const Operation> provider_trial_operations() { return kOperations; }

}  // namespace bulkhead::api::management
