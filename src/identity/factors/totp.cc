// Opening a sealed seed may read the database, so it is done before the transaction. The transaction looks
// whether the seed is still that one, and marks the step as used by a conditional update: of two that come
// with the same code at once, the second finds its step taken.

#include "identity/factors/totp.h"

#include <functional>
#include <optional>
#include <utility>

#include "audit/outbox.h"
#include "base/bytes.h"
#include "base/percent.h"
#include "base/subscriber_network.h"
#include "crypto/base32.h"
#include "crypto/hash.h"
#include "crypto/otp.h"
#include "identity/factors/factors.h"
#include "identity/people/account_event.h"
#include "identity/secrets/one_time_code.h"

namespace bulkhead::identity {
namespace {

using audit::Action;

// A seed is replaced or sealed anew rarely; twice while a code is checked is not worth a third look.
constexpr int kLooks = 3;

crypto::SealContext place_of(std::int64_t account) {
  return {.table = "totp", .row = account, .column = "sealed"};
}

Secret<> make_uri(std::string_view issuer, std::string_view account, const Secret<>& seed) {
  std::string uri;
  uri.reserve(128 + 6 * issuer.size() + 3 * account.size());  // so that growing leaves no copy behind
  uri += "otpauth://totp/";
  append_percent_encoded(uri, issuer);
  uri += ':';
  append_percent_encoded(uri, account);
  uri.append("?secret=").append(seed.reveal()).append("&issuer=");
  append_percent_encoded(uri, issuer);
  uri += "&algorithm=SHA1&digits=6&period=30";
  return Secret<>(std::move(uri));
}

}  // namespace

Totp::Totp(db::Database& database, crypto::Sealer& sealer, CodeLimiter& limiter, const Clock& clock,
           std::string issuer, LogInsEnded log_ins_ended)
    : database_(database),
      sealer_(sealer),
      limiter_(limiter),
      clock_(clock),
      issuer_(std::move(issuer)),
      log_ins_ended_(std::move(log_ins_ended)) {}

Result<Totp::Enrolment> Totp::begin(const Account& account, const audit::Origin& origin) {
  const Secret<> seed(crypto::random_bytes(crypto::kOtpSeedBytes));
  const auto sealed = sealer_.seal(place_of(account.id), seed);
  if (!sealed) return sealed.error();
  const auto done = database_.write([&](db::Session& session) -> Result<void> {
    const auto stored = session.execute(
        "INSERT INTO totp (account_id, sealed, confirmed_at, last_step) VALUES (?, ?, NULL, 0) "
        "ON CONFLICT (account_id) DO UPDATE SET sealed = excluded.sealed WHERE totp.confirmed_at IS NULL",
        {account.id, *sealed});
    if (!stored) return stored.error();
    if (*stored == 0)
      return Error{Errc::conflict,
                   "an authenticator app is enrolled already; remove it before enrolling another"};
    return audit::record(session, account_event(clock_, Action::totp_begun, account, origin));
  });
  if (!done) return done.error();
  Secret<> text(crypto::to_base32(as_bytes(seed.reveal())));
  Secret<> uri = make_uri(issuer_, account.name, text);
  return Enrolment{std::move(text), std::move(uri)};
}

Result<bool> Totp::check(std::int64_t account, bool confirmed, const Secret<>& code, const Mark& mark) {
  const std::string find = confirmed
                               ? "SELECT sealed FROM totp WHERE account_id = ? AND confirmed_at IS NOT NULL"
                               : "SELECT sealed FROM totp WHERE account_id = ? AND confirmed_at IS NULL";
  const auto read_sealed = [&](db::Session& session, std::string& sealed) -> Result<void> {
    const auto rows = session.query(find, {account});
    if (!rows) return rows.error();
    sealed = rows->empty() ? "" : rows->front().text(0);
    return {};
  };
  const Secret<> bare = without_separators(code);
  for (int look = 0; look < kLooks; ++look) {
    std::string sealed;
    const auto found = database_.read([&](db::Session& session) { return read_sealed(session, sealed); });
    if (!found) return found.error();
    if (sealed.empty()) return false;
    const auto seed = sealer_.open(place_of(account), sealed);
    if (!seed) return seed.error();
    const auto step = crypto::matching_totp_step(as_bytes(seed->reveal()), bare.reveal(), clock_.now());
    if (!step) return false;

    std::optional<bool> marked;
    const auto done = database_.write([&](db::Session& session) -> Result<void> {
      marked.reset();
      std::string current;
      if (const auto again = read_sealed(session, current); !again) return again.error();
      if (current != sealed) return {};
      const auto outcome = mark(session, *step);
      if (!outcome) return outcome.error();
      marked = *outcome;
      return {};
    });
    if (!done) return done.error();
    if (marked) return *marked;
  }
  return Error{Errc::conflict, "the authenticator app's enrolment is being changed; try again"};
}

Result<void> Totp::confirm(const Account& account, const Secret<>& code, const audit::Origin& origin,
                           std::int64_t session_id) {
  bool begun = false;
  const auto looked = database_.read([&](db::Session& session) -> Result<void> {
    const auto rows =
        session.query("SELECT 1 FROM totp WHERE account_id = ? AND confirmed_at IS NULL", {account.id});
    if (!rows) return rows.error();
    begun = !rows->empty();
    return {};
  });
  if (!looked) return looked.error();
  if (!begun)
    return Error{Errc::conflict, "no authenticator app is being enrolled; begin an enrolment first"};
  const GuessSource source{network_of(origin.address), session_id};
  const auto confirmed = limiter_.attempt(account.id, source, [&] {
    return check(account.id, false, code, [&](db::Session& session, std::int64_t step) -> Result<bool> {
      const auto taken =
          session.execute("UPDATE totp SET confirmed_at = ?, last_step = ? WHERE account_id = ?",
                          {to_micros(clock_.now()), step, account.id});
      if (!taken) return taken.error();
      if (const auto ended = end_log_ins(session, account.id, session_id, clock_.now()); !ended)
        return ended.error();
      const auto recorded =
          audit::record(session, account_event(clock_, Action::totp_enrolled, account, origin));
      if (!recorded) return recorded.error();
      return true;
    });
  });
  // Also after an error: a commit whose answer was lost on the way is a commit all the same.
  log_ins_ended_(account.id, session_id);
  return confirmed;
}

Result<void> Totp::verify(const Account& account, const Secret<>& code, const GuessSource& source) {
  return limiter_.attempt(account.id, source, [&] {
    return check(account.id, true, code, [&](db::Session& session, std::int64_t step) -> Result<bool> {
      const auto taken = session.execute(
          "UPDATE totp SET last_step = ? WHERE account_id = ? AND last_step < ?", {step, account.id, step});
      if (!taken) return taken.error();
      return *taken == 1;
    });
  });
}

Result<void> Totp::remove(const Account& account, const audit::Origin& origin) {
  return database_.write([&](db::Session& session) -> Result<void> {
    const auto gone = session.execute("DELETE FROM totp WHERE account_id = ?", {account.id});
    if (!gone) return gone.error();
    if (*gone == 0) return Error{Errc::not_found, "no authenticator app is enrolled"};
    if (const auto dropped = drop_codes_without_factor(session, account.id); !dropped) return dropped.error();
    return audit::record(session, account_event(clock_, Action::totp_removed, account, origin));
  });
}

}  // namespace bulkhead::identity
