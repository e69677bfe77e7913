// Passwords that were right a moment ago, so that a pool of machines that all log in at once with the same
// one does not have it hashed with Argon2id ninety times over.
//
// What is kept is a keyed hash (HMAC-SHA-256) of name and password under a key that is made when the program
// starts and is never written anywhere. It says whether a password is the one of before, for `kept` from the
// moment that it was verified, and whoever can read the memory of the process has the passwords that are
// being typed into it anyway. An entry stands for one account with one credential version and for one pepper:
// whoever asks compares all with what they are now, so that no change is missed.
//
// Thread-safe. Nothing blocks.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/secret.h"

namespace bulkhead::identity {

class VerifiedPasswords {
 public:
  // Longer passwords are none (crypto/password.h), and not worth a hash.
  static constexpr std::size_t kLongest = 1024;

  // Nothing is kept when `kept` is zero. Of more than `most` entries the oldest goes. `clock` must outlive
  // this.
  VerifiedPasswords(const Clock& clock, std::chrono::seconds kept, std::size_t most);

  struct Entry {
    std::int64_t account_id = 0;
    std::int64_t credential_version = 0;
    std::uint32_t pepper_version = 0;
  };
  // The account whose password that was. Compares in constant time.
  std::optional<Entry> find(std::string_view name, const Secret<>& password) const;
  void put(std::string_view name, const Secret<>& password, const Entry& entry);
  void forget(std::string_view name);
  void forget_all();

 private:
  struct Known {
    std::string name;
    Secret<> hash;
    Entry entry;
    Time until{};
  };
  using List = std::list<Known>;  // newest first, so the last one runs out first

  Secret<> hash(std::string_view name, const Secret<>& password) const;
  void drop(std::map<std::string_view, List::iterator>::iterator found);

  const Clock& clock_;
  const std::chrono::seconds kept_;
  const std::size_t most_;
  const Secret<> key_;
  mutable std::mutex mutex_;
  List known_;
  std::map<std::string_view, List::iterator> by_name_;  // views into the entries' own names
};

}  // namespace bulkhead::identity
