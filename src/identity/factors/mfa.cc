#include "identity/factors/mfa.h"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "audit/outbox.h"
#include "base/subscriber_network.h"
#include "identity/people/account_event.h"
#include "identity/people/removal.h"
#include "identity/secrets/one_time_code.h"

namespace bulkhead::identity {
namespace {

using audit::Action;

}  // namespace

Mfa::Mfa(db::Database& database, Totp& totp, RecoveryCodes& recovery_codes, WebAuthn& webauthn,
         audit::Journal& journal, const Clock& clock, LogInsEnded log_ins_ended)
    : database_(database),
      totp_(totp),
      recovery_codes_(recovery_codes),
      webauthn_(webauthn),
      journal_(journal),
      clock_(clock),
      log_ins_ended_(std::move(log_ins_ended)) {}

Result<Factors> Mfa::factors(std::int64_t account) {
  Factors factors;
  const auto done = database_.read([&](db::Session& session) -> Result<void> {
    const auto found = read_factors(session, account);
    if (!found) return found.error();
    const auto codes = recovery_codes_.left(session, account);
    if (!codes) return codes.error();
    factors = *found;
    factors.recovery_codes = *codes;
    return {};
  });
  if (!done) return done.error();
  return factors;
}

Result<bool> Mfa::enrolled(std::int64_t account) {
  const auto found = factors(account);
  if (!found) return found.error();
  return found->enrolled();
}

Result<void> Mfa::journaled(Result<void> outcome, const Account& account, std::string_view why,
                            const audit::Origin& origin) {
  if (outcome) return outcome;
  const Errc code = outcome.error().code;
  if (code == Errc::unauthenticated)
    journal_.append(account_event(clock_, Action::login_failed, account, origin, why));
  if (code == Errc::rate_limited)
    journal_.append(
        account_event(clock_, Action::login_failed, account, origin, "second_factor_rate_limited"));
  return outcome;
}

Result<void> Mfa::verify(const Account& account, const Secret<>& code, const audit::Origin& origin,
                         std::int64_t session) {
  const Secret<> bare = without_separators(code);
  const GuessSource source{network_of(origin.address), session};
  return journaled(looks_like_totp(bare) ? totp_.verify(account, bare, source)
                                         : recovery_codes_.use(account, bare, origin, source),
                   account, "wrong_code", origin);
}

Result<void> Mfa::verify(const Account& account, const AssertionResponse& response,
                         const audit::Origin& origin) {
  const auto asserted = webauthn_.assert_credential(account, response, origin);
  return journaled(asserted ? Result<void>() : Result<void>(asserted.error()), account, "wrong_authenticator",
                   origin);
}

Result<void> Mfa::reset(const Account& account, const audit::Origin& administrator) {
  const auto done = database_.write([&](db::Session& session) -> Result<void> {
    const auto taken = [&](std::string_view table) {
      return session.execute(fmt::format("DELETE FROM {} WHERE account_id = ?", table), {account.id});
    };
    const auto totp = taken("totp");
    if (!totp) return totp.error();
    const auto codes = taken("recovery_codes");
    if (!codes) return codes.error();
    const auto keys = taken("webauthn_credentials");
    if (!keys) return keys.error();
    const auto challenges = taken("webauthn_challenges");
    if (!challenges) return challenges.error();
    if (*totp + *codes + *keys == 0) return Error{Errc::not_found, "the account has no second factor"};
    const auto ended = end_credentials(session, account.id, clock_.now());
    if (!ended) return ended.error();
    const std::string detail =
        fmt::format(R"({{"totp":{},"recovery_codes":{},"webauthn":{},"access_tokens":{}}})", *totp, *codes,
                    *keys, *ended);
    return audit::record(session, account_event(clock_, Action::mfa_reset, account, administrator, detail));
  });
  // Also after an error: a commit whose answer was lost on the way is a commit all the same.
  log_ins_ended_(account.id, 0);
  return done;
}

}  // namespace bulkhead::identity
