#include "identity/login/testing/second_factors.h"

#include <cstdint>
#include <stdexcept>

#include "base/bytes.h"
#include "crypto/otp.h"

namespace bulkhead::identity::testing {

WebAuthnSettings some_webauthn_settings() {
  WebAuthnSettings settings;
  settings.relying_party = "registry.example.com";
  settings.origins = {"https://registry.example.com", "https://other.registry.example.com"};
  settings.challenges_per_account = 3;
  settings.credentials_per_account = 4;
  return settings;
}

std::string seed_bytes(const Totp::Enrolment& enrolment) {
  static constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  std::string bytes;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : enrolment.seed.reveal()) {
    bits = bits << 5 | static_cast<std::uint32_t>(kAlphabet.find(c));
    count += 5;
    if (count >= 8) bytes.push_back(static_cast<char>(bits >> (count -= 8) & 0xff));
  }
  return bytes;
}

Secret<> code_of(std::string_view seed, Time now, int steps) {
  return crypto::hotp(as_bytes(seed), static_cast<std::uint64_t>(crypto::totp_step(now) + steps));
}

SecondFactors::SecondFactors(db::testing::Engine engine)
    : Installation(engine),
      policies(*database, clock, 100),
      sessions(*database, keyring, sealer, accounts, policies, clock, {}),
      limiter(clock, {.per_source = 5, .window = std::chrono::seconds{600}, .remembered = 100}),
      recovery_limiter(clock, {.per_source = 5, .window = std::chrono::seconds{600}, .remembered = 100}),
      totp(*database, sealer, limiter, clock, "Registry of Tests", log_ins_ended()),
      recovery_codes(*database, keyring, recovery_limiter, clock),
      webauthn(*database, keyring, clock, some_webauthn_settings(), log_ins_ended()),
      mfa(*database, totp, recovery_codes, webauthn, journal, clock, log_ins_ended()) {}

LogInsEnded SecondFactors::log_ins_ended() {
  return [this](std::int64_t account, std::int64_t session) {
    accounts.forget(account);
    sessions.forget(session);
  };
}

std::string SecondFactors::enrol_totp(const Account& account) {
  const auto enrolment = totp.begin(account, some_origin());
  if (!enrolment) throw std::runtime_error(enrolment.error().message);
  std::string seed = seed_bytes(*enrolment);
  const auto confirmed = totp.confirm(account, code_of(seed, clock.now()), some_origin());
  if (!confirmed) throw std::runtime_error(confirmed.error().message);
  clock.advance(std::chrono::seconds{crypto::kTotpPeriodSeconds});
  return seed;
}

}  // namespace bulkhead::identity::testing
