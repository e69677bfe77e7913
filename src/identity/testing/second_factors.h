// An installation with the services of multi-factor log-in, and an authenticator app for its TOTP.
#pragma once

#include <string>
#include <string_view>

#include "audit/testing/memory_journal.h"
#include "identity/mfa.h"
#include "identity/testing/fake_sealer.h"
#include "identity/testing/installation.h"

namespace bulkhead::identity::testing {

WebAuthnSettings some_webauthn_settings();  // of Authenticator's relying party and origin

// The seed's bytes, from base32.
std::string seed_bytes(const Totp::Enrolment& enrolment);
// The code that an app with the seed shows, so many steps from now.
Secret<> code_of(std::string_view seed, Time now, int steps = 0);

struct SecondFactors : Installation {
  explicit SecondFactors(db::testing::Engine engine);

  // Enrols and confirms; the seed's bytes. The clock moves on by a step, so that the next code is another.
  std::string enrol_totp(const Account& account);

  FakeSealer sealer;
  audit::MemoryJournal journal;
  CodeLimiter limiter;
  Totp totp;
  RecoveryCodes recovery_codes;
  WebAuthn webauthn;
  Mfa mfa;
};

}  // namespace bulkhead::identity::testing
