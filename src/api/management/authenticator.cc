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

}  // namespace

Result<ManagementCaller> CredentialAuthenticator::caller(
    std::int64_t account_id, const std::shared_ptr<const identity::AccessToken>& token) const {
  auto account = services_.accounts.find(account_id);
  if (!account && account.error().code == Errc::not_found) return not_valid();
  if (!account) return account.error();
  ManagementCaller caller;
  caller.principal = access::principal_of(*account, token);
  caller.system_role = account->system_role;
  caller.kind = account->kind;
  return caller;
}

Result<ManagementCaller> CredentialAuthenticator::verify(std::string_view credential,
                                                         const audit::Origin& origin) {
  if (credential.starts_with(identity::kSessionPrefix)) {
    const auto checked = services_.sessions.verify(credential, origin.address);
    if (!checked) return checked.error();
    auto who = caller(checked->session->account_id, nullptr);
    if (!who) return who.error();
    who->reach = Reach::write;
    who->session_id = checked->session->id;
    who->credential = fmt::format("session:{}", checked->session->id);
    who->needs_factor = checked->needs_factor;
    who->multi_factor = checked->session->multi_factor;
    who->principal.proof = {.by_password = false, .multi_factor = checked->session->multi_factor, .life = {}};
    who->principal.address = origin.address;
    who->proved_at = checked->session->proved_at;
    return who;
  }
  if (!identity::AccessTokens::is_access_token(credential)) return not_valid();
  const auto checked = services_.access_tokens.verify(credential, {origin.address, origin.user_agent});
  if (!checked && checked.error().code == Errc::unauthenticated &&
      services_.access_tokens.why_refused(credential, origin.address) ==
          identity::AccessTokens::kWrongNetwork)
    return identity::AccessTokens::kept_out(origin.address);
  if (!checked) return checked.error();
  auto who = caller((*checked)->account_id, *checked);
  if (!who) return who.error();
  who->reach = reach_of((*checked)->management);
  who->access_token_id = (*checked)->id;
  who->principal.address = origin.address;
  who->credential = fmt::format("token:{}", (*checked)->id);
  return who;
}

Error CredentialAuthenticator::not_valid() {
  return {Errc::unauthenticated, "the credential is not valid here: log in, or give an access token"};
}

}  // namespace bulkhead::api::management
