// The keys that the database must never hold (../../docs/formats/keyring.md). They live in a directory of
// their own (default <data>/keys, 0700), one file per purpose (0600), each with numbered versions; a thief
// with the database and every blob but without this directory can log in nowhere. With a KeySource the files
// themselves are sealed, and the directory alone opens nothing either.
//
// Thread-safe. Looking keys up takes no lock and does no I/O; versions come and go while the process runs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "crypto/locked_bytes.h"

namespace bulkhead::crypto {

class KeySource;

enum class KeyPurpose {
  password_pepper,  // keyed hash over Argon2id's output
  token_signing,    // HMAC of bearer tokens
  token_hash,       // HMAC of stored one-time and long-lived tokens
  key_encryption,   // wraps the data keys that values in the database are sealed with
  log_signing,      // Ed25519 seed: signs the checkpoints of the evidence
};
std::string_view name(KeyPurpose purpose);  // "password-pepper"
// Errc::invalid_argument with the names that there are.
Result<KeyPurpose> parse_key_purpose(std::string_view text);
std::span<const KeyPurpose> key_purposes();

struct Key {
  std::uint32_t version = 0;
  LockedBytes bytes;  // 32 bytes
  Time created_at{};
};

class Keyring {
 public:
  Keyring(Keyring&&) noexcept;
  Keyring& operator=(Keyring&&) noexcept;
  ~Keyring();

  // Loads the directory, creating it and any missing purpose's first key. A directory or file that others may
  // read, or a file that does not parse, is an error that names it and the command that mends it.
  //
  // With a source, which is used only during the call, files are kept sealed: a directory that was not
  // becomes so. Errc::unauthenticated when the source does not open it, Errc::unavailable when the directory
  // is sealed and there is no source.
  //
  // `first_versions`: the number of a purpose's first key where its file is missing; 1 for those not named.
  using FirstVersions = std::map<KeyPurpose, std::uint32_t>;
  static Result<Keyring> open(const std::filesystem::path& directory, KeySource* source = nullptr,
                              const FirstVersions& first_versions = {});
  // The purposes that have no file there; all where there is no such directory. Makes nothing.
  static std::vector<KeyPurpose> missing(const std::filesystem::path& directory);
  // Whether there are keys, and nothing seals them: open() with a source would change that.
  static Result<bool> plain(const std::filesystem::path& directory);
  // Fresh keys that are never written; for tests.
  static Keyring ephemeral();

  // The newest version: what new values are made with. References stay valid as long as the keyring, also to
  // keys that have been retired since.
  const Key& current(KeyPurpose purpose) const;
  // A given version, for verifying older values; nullptr when there is none.
  const Key* find(KeyPurpose purpose, std::uint32_t version) const;

  // Rises whenever a version comes or goes: what was concluded from the keys before may no longer hold.
  std::uint64_t generation(KeyPurpose purpose) const;

  struct Version {
    std::uint32_t version = 0;
    Time created_at{};

    friend bool operator==(const Version&, const Version&) = default;
  };
  // Oldest first.
  std::vector<Version> versions(KeyPurpose purpose) const;

  // Called with the version before anything changes; its error is the outcome. For the evidence.
  using Announce = std::function<Result<void>(std::uint32_t version)>;

  // Adds a version, which is current when this returns, durable, and in use from then on. Of several at once,
  // also in other processes, each adds its own. A crash leaves the file with the version or without it.
  Result<std::uint32_t> rotate(KeyPurpose purpose, Time now, const Announce& announce = {});
  // Removes a version. Whether something still needs it is the caller's to know. Errc::conflict for the
  // current one, Errc::not_found. Its bytes leave memory with the process.
  Result<void> retire(KeyPurpose purpose, std::uint32_t version, const Announce& announce = {});

  // Takes in what another process has changed; false when nothing has. After an error the keys are as they
  // were, and the same files are not tried again.
  Result<bool> reload_if_changed();

  // Seals the files so that this source opens them, in place of the one before; nullptr leaves them plain.
  // A crash leaves a directory that one of the two opens.
  Result<void> protect(KeySource* source);
  bool is_protected() const;

  // False when some key could not be kept out of swap: RLIMIT_MEMLOCK is too small.
  bool locked() const;

 private:
  struct State;
  explicit Keyring(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace bulkhead::crypto
