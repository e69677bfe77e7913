// The state of a browser's own log-in, which the browser and the provider carry, so that nothing is kept here
// for log-ins that are begun and never finished, however many strangers begin.
//
// A state says at which provider, until when and in which browser (by a hash of its binder) it is good, and
// proves by a keyed hash that this installation gave it. The nonce and the PKCE verifier belong to it and are
// derived under the same key when they are needed: neither can be computed from the state. States of a key
// that has been rotated are good until that is retired.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/secret.h"
#include "crypto/keyring.h"

namespace bulkhead::identity {

struct LoginState {
  std::int64_t provider_id = 0;
  Time expires_at{};
  bool same_browser = false;  // the binder that it was read with is the one that it was made with
  std::string nonce;
  Secret<> verifier;
};

// The text that goes to the provider, at most 200 characters.
std::string make_login_state(const crypto::Keyring& keyring, std::int64_t provider_id, Time expires_at,
                             const Secret<>& binder);
// Nothing for what this installation has not made.
std::optional<LoginState> read_login_state(const crypto::Keyring& keyring, std::string_view text,
                                           const Secret<>& binder);
// Whether it looks like one, and not like the state of a device's log-in.
bool is_login_state(std::string_view text);

}  // namespace bulkhead::identity
