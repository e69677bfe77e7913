// An installation with the services of multi-factor log-in, and an authenticator app for its TOTP.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "audit/testing/memory_journal.h"
#include "crypto/testing/ephemeral_sealer.h"
#include "identity/factors/mfa.h"
#include "identity/login/policies.h"
#include "identity/login/sessions.h"
#include "identity/people/testing/installation.h"

namespace bulkhead::identity::testing {

WebAuthnSettings some_webauthn_settings();  // of Authenticator's relying party and origin

// The seed's bytes, from base32.
std::string seed_bytes(const Totp::Enrolment& enrolment);
// The code that an app with the seed shows, so many steps from now.
Secret<> code_of(std::string_view seed, Time now, int steps = 0);

// Seals for real, and lets a test change things just before a value is opened.
class WatchedSealer final : public crypto::Sealer {
 public:
  Result<std::string> seal(const crypto::SealContext& where, const Secret<>& plain) override {
    return sealer_.seal(where, plain);
  }
  Result<Secret<>> open(const crypto::SealContext& where, std::string_view sealed) override {
    if (before_open) before_open();
    return sealer_.open(where, sealed);
  }

  std::function<void()> before_open;

 private:
  crypto::EphemeralSealer sealer_;
};

struct SecondFactors : Installation {
  explicit SecondFactors(db::testing::Engine engine);

  // Enrols and confirms; the seed's bytes. The clock moves on by a step, so that the next code is another.
  std::string enrol_totp(const Account& account);
  // What the services call when they have ended log-ins.
  LogInsEnded log_ins_ended();

  WatchedSealer sealer;
  audit::MemoryJournal journal;
  Policies policies;
  Sessions sessions;
  CodeLimiter limiter;
  CodeLimiter recovery_limiter;
  Totp totp;
  RecoveryCodes recovery_codes;
  WebAuthn webauthn;
  Mfa mfa;
};

}  // namespace bulkhead::identity::testing
