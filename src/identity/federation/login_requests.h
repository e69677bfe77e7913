// Log-ins with an OpenID provider that are under way, from the moment somebody is sent there until they are
// back: a browser's own (authorization code), and those of devices (RFC 8628), which somebody takes up in a
// browser by a short code.
//
// A browser's own log-in takes nothing here before the person has come back: its state carries what there is
// to know (login_state.h), and is noted down once somebody was let in by it, so that it lets in nobody else.
//
// A device's waits in a table, in which nothing is of use to who reads it: what a request is found by is kept
// as keyed hashes, what it has to remember is sealed. Its state is good for one callback. Callbacks must come
// from the browser that the request was taken up in (its binder); an approved request gives its approval
// once. The table is bounded, for each network, which is then refused, and in all: there the oldest requests
// of the network that has most give way, so that no number of networks keeps another out.
//
// Calls block. Thread-safe.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "audit/event.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "crypto/keyring.h"
#include "crypto/sealer.h"
#include "db/database.h"
#include "identity/federation/user_code.h"
#include "identity/login/sessions.h"
#include "identity/secrets/attempts.h"

namespace bulkhead::identity {

inline constexpr std::string_view kDevicePrefix = "bhdevice_";
inline constexpr std::string_view kBinderPrefix = "bhbrowser_";

struct LoginRequestLimits {
  std::chrono::seconds lifetime{600};
  // How long a device that asks too late still learns that it is too late.
  std::chrono::seconds remembered{600};
  std::chrono::seconds poll_interval{5};
  // Devices' requests open at once.
  std::int64_t per_network = 100;
  std::int64_t in_all = 10'000;
  // Of an address, and of a network, within `lifetime`; then none is looked at until it passes.
  std::uint32_t wrong_codes = 10;
  std::uint32_t wrong_codes_of_network = 100;
  std::size_t networks = 100'000;  // and addresses, remembered for their wrong codes
};

class LoginRequests {
 public:
  // All must outlive this.
  LoginRequests(db::Database& database, const crypto::Keyring& keyring, crypto::Sealer& sealer,
                const Clock& clock, LoginRequestLimits limits = {});

  const LoginRequestLimits& limits() const { return limits_; }

  // What goes to the provider with the browser.
  struct Journey {
    std::string state;
    std::string nonce;
    Secret<> verifier;  // stays here
  };

  // A browser's own log-in. `binder` is what only that browser knows. Does not block.
  Journey begin(std::int64_t provider_id, const Secret<>& binder) const;

  // A device's. The user code is shown to whoever is in front of it. Errc::rate_limited when the network has
  // too many open.
  struct Device {
    Secret<> device_code;
    Secret<> user_code;
  };
  Result<Device> begin_device(std::int64_t provider_id, const audit::Origin& origin);

  // Who waits for somebody to enter the code. Errc::not_found for a code that nobody waits with;
  // Errc::rate_limited when the origin's address or network has tried too many of those.
  struct Waiting {
    std::int64_t id = 0;
    std::int64_t provider_id = 0;
    std::string client;
    std::string address;
    Time created_at{};
  };
  Result<Waiting> waiting(std::string_view user_code, const audit::Origin& origin);
  // The browser takes the request up, or refuses it. The code is used up by that; the errors are those of
  // waiting().
  Result<Journey> take_up(std::string_view user_code, const Secret<>& binder, const audit::Origin& origin);
  Result<void> refuse(std::string_view user_code, const audit::Origin& origin);

  // Where the state leads; 0 for what is none.
  Result<std::int64_t> provider_of(std::string_view state) const;
  // The browser is back, with whatever answer. A device's state is used up by that: it is to be settled with
  // approve() or fail(), and runs out when neither comes. A browser's own is, once somebody is to be let in
  // by it, with use_up().
  struct Returned {
    std::int64_t id = 0;
    std::int64_t provider_id = 0;
    bool device = false;
    bool same_browser = false;  // `binder` is the request's; whatever else was sent must not be looked at
    std::string nonce;
    Secret<> verifier;
  };
  // Errc::not_found for a state that was never given, was used before or has run out.
  Result<Returned> come_back(std::string_view state, const Secret<>& binder);
  // Errc::not_found for a browser's own state that has let somebody in before.
  Result<void> use_up(std::string_view state);

  struct Approval {
    std::int64_t account_id = 0;
    std::int64_t credential_version = 0;
    bool multi_factor = false;
    Sessions::Backing backing;
  };
  // Errc::not_found when the request has run out meanwhile.
  Result<void> approve(std::int64_t id, const Approval& approval);
  Result<void> fail(std::int64_t id);

  // What a device is answered (RFC 8628 section 3.5); `unknown` also once the approval was given.
  enum class Progress : std::uint8_t { pending, slow_down, refused, expired, unknown, approved };
  struct Polled {
    Progress progress = Progress::unknown;
    std::int64_t provider_id = 0;
    std::optional<Approval> approval;  // with `approved`, and never again
  };
  Result<Polled> poll(const Secret<>& device_code);

  // Removes what has run out, at most a thousand; how many that were.
  Result<std::int64_t> prune();

 private:
  struct Found;

  Result<void> make_room(db::Session& session, std::string_view network, Time now) const;
  Result<std::int64_t> insert(db::Session& session, std::int64_t provider_id, std::string_view stage,
                              const audit::Origin& origin) const;
  // The request whose `column` is a hash of the secret; nothing when there is none.
  Result<std::optional<Found>> find(db::Session& session, std::string_view column,
                                    std::string_view secret) const;
  // Sends a request on its way with the browser.
  Result<void> open(db::Session& session, std::int64_t id, const Journey& journey,
                    const Secret<>& binder) const;
  Result<void> seal(db::Session& session, std::int64_t id, const Secret<>& plain) const;
  Result<Secret<>> unseal(std::int64_t id, std::string_view sealed) const;
  // Runs `work` in a transaction with the request that waits with the code, and counts wrong codes.
  Result<void> with_code(std::string_view user_code, const audit::Origin& origin,
                         const std::function<Result<void>(db::Session&, const Found&)>& work);

  db::Database& database_;
  const crypto::Keyring& keyring_;
  crypto::Sealer& sealer_;
  const Clock& clock_;
  const LoginRequestLimits limits_;
  std::mutex mutex_;
  // Guarded by mutex_.
  Attempts wrong_by_address_;
  Attempts wrong_by_network_;
};

}  // namespace bulkhead::identity
