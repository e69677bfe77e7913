#include "identity/login/registry_login.h"

#include <fmt/format.h>

#include <utility>

#include "identity/factors/factors.h"
#include "identity/secrets/token_format.h"

namespace bulkhead::identity {
namespace {

Error wrong_token() {
  return {
      Errc::unauthenticated,
      "the user name and the access token do not belong together, or the token is not valid here: it may be "
      "mistyped, expired, revoked, or kept from this use by its networks or a policy"};
}

Error token_needed() {
  return {
      Errc::unauthenticated,
      "this account logs in to the registry with a personal access token instead of its password, because of "
      "its second factor or a policy; make a token and give it in the password's place"};
}

Error wrong_password() {
  return {Errc::unauthenticated,
          "the user name or the password is wrong; who logs in with single sign-on gives an access token in "
          "the password's place"};
}

}  // namespace

bool RegistryLogIn::is_token(const Secret<>& secret) { return !where_token_goes(secret.reveal()).empty(); }

std::optional<RegistryLogIn::Outcome> RegistryLogIn::peek_token(std::string_view name, const Secret<>& token,
                                                                const audit::Origin& origin) {
  const auto checked = tokens_.peek(token.reveal(), {origin.address, origin.user_agent});
  std::shared_ptr<const Account> account;
  if (checked && *checked) {
    account = accounts_.peek((**checked)->account_id);
    if (account == nullptr) return std::nullopt;
    if (account->name == name) return settle(name, *checked, account.get(), "", origin);
  }
  if (auto admitted = login_.admit_network(name, origin); !admitted) return admitted.error();
  // What is refused is looked at again, for why.
  if (!checked || !*checked) return std::nullopt;
  return settle(name, *checked, account.get(), "", origin);
}

RegistryLogIn::Outcome RegistryLogIn::verify_token(std::string_view name, const Secret<>& token,
                                                   const audit::Origin& origin) {
  const auto checked = tokens_.verify(token.reveal(), {origin.address, origin.user_agent});
  if (!checked)
    return settle(name, checked, nullptr, tokens_.why_refused(token.reveal(), origin.address, name), origin);
  const auto account = accounts_.find((*checked)->account_id);
  if (!account && account.error().code != Errc::not_found) return account.error();
  return settle(name, checked, account ? &*account : nullptr, "", origin);
}

RegistryLogIn::Outcome RegistryLogIn::settle(std::string_view name, const AccessTokens::Checked& checked,
                                             const Account* account, std::string_view why,
                                             const audit::Origin& origin) {
  if (!checked && checked.error().code != Errc::unauthenticated) return checked.error();
  if (!checked || account == nullptr || account->name != name) {
    login_.failed(name, why.empty() ? AccessTokens::kWrongToken : why, origin);
    return why == AccessTokens::kWrongNetwork ? AccessTokens::kept_out(origin.address) : wrong_token();
  }
  audit::Origin with_token = origin;
  with_token.credential = fmt::format("token:{}", (*checked)->id);
  login_.succeeded(account->name, with_token);
  return Proved{*account, *checked};
}

RegistryLogIn::Outcome RegistryLogIn::verify_password(std::string_view name, const Secret<>& password,
                                                      const audit::Origin& origin) {
  return settle_password(
      login_.verify(name, password, origin, [&](const Account& each) { return veto(each, origin.address); }),
      origin.address);
}

std::optional<RegistryLogIn::Outcome> RegistryLogIn::recall_password(std::string_view name,
                                                                     const Secret<>& password,
                                                                     const audit::Origin& origin) {
  auto account =
      login_.recall(name, password, origin, [&](const Account& each) { return veto(each, origin.address); });
  if (!account) return std::nullopt;
  return settle_password(*std::move(account), origin.address);
}

RegistryLogIn::Outcome RegistryLogIn::settle_password(Result<Account> account, std::string_view address) {
  if (account) return Proved{*std::move(account), nullptr};
  // The generic refusal has one text everywhere; the vetoes' own say what to do already.
  if (account.error().code == Errc::unauthenticated && account.error() != token_needed() &&
      account.error() != kept_out(Errc::unauthenticated, address))
    return wrong_password();
  return account.error();
}

Result<std::optional<LogIn::Veto>> RegistryLogIn::veto(const Account& account, std::string_view address) {
  const auto policy = policies_.effective(account.id);
  if (!policy) return policy.error();
  if (!(*policy)->allow(address))
    return std::optional(LogIn::Veto{"wrong_network", kept_out(Errc::unauthenticated, address)});
  bool second_factor = false;
  const auto done = database_.read([&](db::Session& session) -> Result<void> {
    const auto factors = read_factors(session, account.id);
    if (!factors) return factors.error();
    second_factor = factors->enrolled();
    return {};
  });
  if (!done) return done.error();
  if (second_factor || (*policy)->mfa_required || !(*policy)->password_login)
    return std::optional(LogIn::Veto{"token_needed", token_needed()});
  return std::optional<LogIn::Veto>();
}

}  // namespace bulkhead::identity
