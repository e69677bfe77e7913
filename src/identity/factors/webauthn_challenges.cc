#include "identity/factors/webauthn_challenges.h"

#include "crypto/hash.h"
#include "identity/secrets/stored_hash.h"

namespace bulkhead::identity {
namespace {

constexpr std::size_t kBytes = 32;

std::string purpose(Ceremony ceremony) {
  return ceremony == Ceremony::registration ? "registration" : "assertion";
}

HashedFor challenge_of(std::int64_t account, Ceremony ceremony) {
  return {.use = ceremony == Ceremony::registration ? "webauthn-registration" : "webauthn-assertion",
          .account = account};
}

}  // namespace

Result<std::string> WebAuthnChallenges::issue(std::int64_t account, Ceremony ceremony) {
  std::string challenge = crypto::random_bytes(kBytes);
  const std::string hash = stored_hash(keyring_, challenge_of(account, ceremony), challenge);
  const auto done = database_.write([&](db::Session& session) -> Result<void> {
    const Time now = clock_.now();
    const auto expired =
        session.execute("DELETE FROM webauthn_challenges WHERE expires_at <= ?", {to_micros(now)});
    if (!expired) return expired.error();
    const auto stored = session.execute(
        "INSERT INTO webauthn_challenges (hash, account_id, purpose, expires_at) VALUES (?, ?, ?, ?)",
        {hash, account, purpose(ceremony), to_micros(now + lifetime_)});
    if (!stored) return stored.error();
    const auto oldest = session.execute(
        "DELETE FROM webauthn_challenges WHERE account_id = ? AND purpose = ? AND hash <> ? AND hash NOT IN "
        "(SELECT hash FROM webauthn_challenges WHERE account_id = ? AND purpose = ? AND hash <> ? "
        "ORDER BY expires_at DESC LIMIT ?)",
        {account, purpose(ceremony), hash, account, purpose(ceremony), hash,
         static_cast<std::int64_t>(open_at_once_) - 1});
    if (!oldest) return oldest.error();
    return {};
  });
  if (!done) return done.error();
  return challenge;
}

Result<void> WebAuthnChallenges::redeem(std::int64_t account, Ceremony ceremony, std::string_view challenge) {
  bool was_open = false;
  const auto done = database_.write([&](db::Session& session) -> Result<void> {
    was_open = false;
    const auto rows = session.query(
        "SELECT hash FROM webauthn_challenges WHERE account_id = ? AND purpose = ? AND expires_at > ?",
        {account, purpose(ceremony), to_micros(clock_.now())});
    if (!rows) return rows.error();
    for (const db::Row& row : *rows) {
      if (!matches_stored_hash(keyring_, row.text(0), challenge_of(account, ceremony), challenge)) continue;
      const auto ended = session.execute("DELETE FROM webauthn_challenges WHERE hash = ?", {row.text(0)});
      if (!ended) return ended.error();
      was_open = *ended == 1;
    }
    return {};
  });
  if (!done) return done.error();
  if (!was_open)
    return Error{Errc::unauthenticated, "the challenge was answered before, or is too old; begin again"};
  return {};
}

}  // namespace bulkhead::identity
