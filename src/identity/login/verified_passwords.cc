#include "identity/login/verified_passwords.h"

#include <string.h>

#include <algorithm>

#include "base/bytes.h"
#include "crypto/hash.h"

namespace bulkhead::identity {
namespace {

constexpr std::size_t kKeyBytes = 32;

}  // namespace

VerifiedPasswords::VerifiedPasswords(const Clock& clock, std::chrono::seconds kept, std::size_t most)
    : clock_(clock), kept_(kept), most_(most), key_(crypto::random_bytes(kKeyBytes)) {}

// The name is an account's, and so has no NUL.
Secret<> VerifiedPasswords::hash(std::string_view name, const Secret<>& password) const {
  std::string message;
  message.reserve(name.size() + 1 + password.reveal().size());
  message.append(name).append(1, '\0').append(password.reveal());
  const Secret<> wiped(std::move(message));
  auto mac = crypto::hmac_sha256(as_bytes(key_.reveal()), as_bytes(wiped.reveal()));
  Secret<> out(std::string(reinterpret_cast<const char*>(mac.data()), mac.size()));
  ::explicit_bzero(mac.data(), mac.size());
  return out;
}

std::optional<VerifiedPasswords::Entry> VerifiedPasswords::find(std::string_view name,
                                                                const Secret<>& password) const {
  if (kept_ <= std::chrono::seconds::zero() || password.reveal().size() > kLongest) return std::nullopt;
  {
    const std::lock_guard lock(mutex_);
    if (!by_name_.contains(name)) return std::nullopt;
  }
  const Secret<> given = hash(name, password);
  const Time now = clock_.now();
  const std::lock_guard lock(mutex_);
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) return std::nullopt;
  const Known& known = *found->second;
  // A clock that was set back must not make it last longer.
  if (now >= known.until || now < known.until - kept_) return std::nullopt;
  if (!crypto::equal_in_constant_time(as_bytes(known.hash.reveal()), as_bytes(given.reveal())))
    return std::nullopt;
  return known.entry;
}

void VerifiedPasswords::put(std::string_view name, const Secret<>& password, const Entry& entry) {
  if (kept_ <= std::chrono::seconds::zero() || most_ == 0 || password.reveal().size() > kLongest) return;
  Secret<> made = hash(name, password);
  const Time now = clock_.now();
  const std::lock_guard lock(mutex_);
  if (const auto found = by_name_.find(name); found != by_name_.end()) drop(found);
  while (!known_.empty() && (known_.size() >= most_ || known_.back().until <= now))
    drop(by_name_.find(known_.back().name));
  known_.push_front({std::string(name), std::move(made), entry, now + kept_});
  by_name_.emplace(known_.front().name, known_.begin());
}

void VerifiedPasswords::forget(std::string_view name) {
  const std::lock_guard lock(mutex_);
  if (const auto found = by_name_.find(name); found != by_name_.end()) drop(found);
}

void VerifiedPasswords::forget_all() {
  const std::lock_guard lock(mutex_);
  by_name_.clear();
  known_.clear();
}

void VerifiedPasswords::drop(std::map<std::string_view, List::iterator>::iterator found) {
  const auto entry = found->second;
  by_name_.erase(found);
  known_.erase(entry);
}

}  // namespace bulkhead::identity
