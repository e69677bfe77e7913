// /users/{user}/identities: whom the log-in providers know an account as.
#include "api/management/operation.h"
#include "api/management/vocabulary.h"
#include "identity/federation/login_providers.h"
#include "identity/federation/single_sign_on.h"
#include "identity/people/accounts.h"

namespace bulkhead::api::management {
namespace {

namespace json = boost::json;
using access::SystemAction;
using identity::ExternalIdentity;

constexpr Schema kSubject = text(1, 255);
constexpr Field kIdentityFields[] = {
    {"provider", &kAnyName, "", kRequired},
    {"subject", &kSubject, "The provider's own id of the person", kRequired},
    {"last_seen_at", &kTime, "", kRequired},
};
constexpr Schema kIdentity = object("Identity", kIdentityFields);
constexpr Schema kIdentities = list(kIdentity, 32);
constexpr Field kListFields[] = {{"items", &kIdentities, "", kRequired}};
constexpr Schema kList = object("", kListFields);

constexpr Field kLinkFields[] = {
    {"subject", &kSubject, "The provider's own id of the person: the claim \"sub\", or the id attribute",
     kRequired},
};
constexpr Schema kLink = object("IdentityLink", kLinkFields);

json::object represent_identity(const ExternalIdentity& identity) {
  return {{"provider", identity.provider},
          {"subject", identity.subject},
          {"last_seen_at", to_rfc3339(identity.last_seen_at)}};
}

Result<Reply> list_identities(Call& call) {
  const auto account = call.services.accounts.find(call.path("user"));
  if (!account) return account.error();
  const auto identities = call.services.single_sign_on.identities(account->id);
  if (!identities) return identities.error();
  json::array items;
  for (const ExternalIdentity& identity : *identities) items.push_back(represent_identity(identity));
  return Reply(json::object{{"items", std::move(items)}});
}

// Runs `work` with the ids of the account and the provider that the path names.
template <class Work>
Result<Reply> with_both(Call& call, Work work) {
  const auto account = call.services.accounts.find(call.path("user"));
  if (!account) return account.error();
  const auto provider = call.services.login_providers.find(call.path("provider"));
  if (!provider) return provider.error();
  if (const Result<void> done = work(account->id, provider->id); !done) return done.error();
  return Reply();
}

Result<Reply> link(Call& call) {
  return with_both(call, [&](std::int64_t account, std::int64_t provider) {
    return call.services.single_sign_on.link(provider, *call.text("subject"), account, call.origin);
  });
}

Result<Reply> unlink(Call& call) {
  return with_both(call, [&](std::int64_t account, std::int64_t provider) {
    return call.services.single_sign_on.unlink(provider, account, call.origin);
  });
}

constexpr Operation kOperations[] = {
    {.method = http::Method::get,
     .path = "/users/{user}/identities",
     .id = "listIdentities",
     .tag = "sign-on",
     .summary = "Whom the log-in providers know an account as",
     .permission = kSelf || SystemAction::read_directory,
     .response = &kList,
     .handler = list_identities},
    {.method = http::Method::put,
     .path = "/users/{user}/identities/{provider}",
     .id = "linkIdentity",
     .tag = "sign-on",
     .summary = "Let somebody whom a provider knows log in as an account",
     .permission = may(SystemAction::manage_providers),
     .request = &kLink,
     .status = 204,
     .proof = true,
     .handler = link},
    {.method = http::Method::delete_,
     .path = "/users/{user}/identities/{provider}",
     .id = "unlinkIdentity",
     .tag = "sign-on",
     .summary = "End that, with the sessions and the memberships that came of it",
     .permission = may(SystemAction::manage_providers),
     .status = 204,
     .handler = unlink},
};

}  // namespace

std::span<const Operation> identity_operations() { return kOperations; }

}  // namespace bulkhead::api::management
