#include "api/management/authenticator.h"

#include <fmt/format.h>

#include "access/tokens.h"
#include "identity/login/access_tokens.h"
#include "identity/login/sessions.h"
#include "identity/people/accounts.h"
#include "identity/secrets/token_format.h"

namespace bulkhead::api::management {
namespace {

Reach reach_of(identity::Management management) {
  switch (management) {
    case identity::Management::none: return Reach::none;
    case identity::Management::read: return Reach::read;
    case identity::Management::write: return Reach::write;
  }
  return Reach::none;
}

ManagementCaller caller_of(const identity::Account& account,
                           const std::shared_ptr<const identity::AccessToken>& token,
                           const audit::Origin& origin) {
  ManagementCaller caller;
  caller.principal = access::principal_of(account, token);
  caller.principal.address = origin.address;
  caller.system_role = account.system_role;
  caller.kind = account.kind;
  return caller;
}

}  // namespace

ManagementCaller CredentialAuthenticator::of_session(const identity::Account& account,
                                                     const SessionChecked& checked,
                                                     const audit::Origin& origin) {
  ManagementCaller who = caller_of(account, nullptr, origin);
  who.reach = Reach::write;
  who.session_id = checked.session->id;
  who.credential = fmt::format("session:{}", checked.session->id);
  who.needs_factor = checked.needs_factor;
  who.multi_factor = checked.session->multi_factor;
  who.principal.proof = {.by_password = false, .multi_factor = checked.session->multi_factor, .life = {}};
  who.proved_at = checked.session->proved_at;
  return who;
}

ManagementCaller CredentialAuthenticator::of_token(const identity::Account& account, const Token& token,
                                                   const audit::Origin& origin) {
  ManagementCaller who = caller_of(account, token, origin);
  who.reach = reach_of(token->management);
  who.access_token_id = token->id;
  who.credential = fmt::format("token:{}", token->id);
  return who;
}

Result<identity::Account> CredentialAuthenticator::account(std::int64_t id) const {
  auto found = services_.accounts.find(id);
  if (!found && found.error().code == Errc::not_found) return not_valid();
  return found;
}

std::optional<Result<ManagementCaller>> CredentialAuthenticator::peek(std::string_view credential,
                                                                      const audit::Origin& origin) {
  if (credential.starts_with(identity::kSessionPrefix)) {
    const auto checked = services_.sessions.peek(credential, origin.address);
    if (!checked) return std::nullopt;
    if (!*checked) return checked->error();
    const auto account = services_.accounts.peek((*checked)->session->account_id);
    if (account == nullptr) return std::nullopt;
    return of_session(*account, **checked, origin);
  }
  if (!identity::AccessTokens::is_access_token(credential)) return Result<ManagementCaller>(not_valid());
  const auto checked = services_.access_tokens.peek(credential, {origin.address, origin.user_agent});
  // Why one is refused, verify() finds out.
  if (!checked || !*checked) return std::nullopt;
  const auto account = services_.accounts.peek((**checked)->account_id);
  if (account == nullptr) return std::nullopt;
  return of_token(*account, **checked, origin);
}

Result<ManagementCaller> CredentialAuthenticator::verify(std::string_view credential,
                                                         const audit::Origin& origin) {
  if (credential.starts_with(identity::kSessionPrefix)) {
    const auto checked = services_.sessions.verify(credential, origin.address);
    if (!checked) return checked.error();
    const auto whose = account(checked->session->account_id);
    if (!whose) return whose.error();
    return of_session(*whose, *checked, origin);
  }
  if (!identity::AccessTokens::is_access_token(credential)) return not_valid();
  const auto checked = services_.access_tokens.verify(credential, {origin.address, origin.user_agent});
  if (!checked && checked.error().code == Errc::unauthenticated &&
      services_.access_tokens.why_refused(credential, origin.address) ==
          identity::AccessTokens::kWrongNetwork)
    return identity::AccessTokens::kept_out(origin.address);
  if (!checked) return checked.error();
  const auto whose = account((*checked)->account_id);
  if (!whose) return whose.error();
  return of_token(*whose, *checked, origin);
}

Error CredentialAuthenticator::not_valid() {
  return {Errc::unauthenticated, "the credential is not valid here: log in, or give an access token"};
}

}  // namespace bulkhead::api::management
