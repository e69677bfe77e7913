#include <fmt/format.h>
#include <sodium.h>

#include <array>
#include <charconv>
#include <new>
#include <optional>
#include <stdexcept>

#include "base/bytes.h"
#include "crypto/aead.h"
#include "crypto/hash.h"
#include "crypto/key_source.h"

namespace bulkhead::crypto {
namespace {

constexpr std::string_view kKind = "passphrase";
constexpr std::size_t kSaltBytes = crypto_pwhash_argon2id_SALTBYTES;

struct Derivation {
  PassphraseParameters parameters;
  std::string salt;
};

bool within_bounds(const PassphraseParameters& parameters) {
  return parameters.memory_kib >= PassphraseParameters::kLeastMemoryKib &&
         parameters.memory_kib <= PassphraseParameters::kMostMemoryKib &&
         parameters.passes >= PassphraseParameters::kLeastPasses &&
         parameters.passes <= PassphraseParameters::kMostPasses;
}

// All but the sealed master key, which is bound to it.
std::string prefix_of(const Derivation& derivation) {
  return fmt::format("{} m={},t={} {} ", kKind, derivation.parameters.memory_kib,
                     derivation.parameters.passes, to_base64url(as_bytes(derivation.salt)));
}

AssociatedData identity_of(const Derivation& derivation) {
  AssociatedData data("bulkhead master key v1");
  data.add(prefix_of(derivation));
  return data;
}

bool take_number(std::string_view& text, std::uint32_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

bool take(std::string_view& text, std::string_view expected) {
  if (!text.starts_with(expected)) return false;
  text.remove_prefix(expected.size());
  return true;
}

struct Stored {
  Derivation derivation;
  std::string sealed;
};

std::optional<Stored> parse(std::string_view text) {
  const std::string_view whole = text;
  Stored stored;
  PassphraseParameters& parameters = stored.derivation.parameters;
  if (!take(text, kKind) || !take(text, " m=") || !take_number(text, parameters.memory_kib) ||
      !take(text, ",t=") || !take_number(text, parameters.passes) || !take(text, " "))
    return std::nullopt;
  const auto end_of_salt = text.find(' ');
  if (end_of_salt == text.npos || !within_bounds(parameters)) return std::nullopt;
  auto salt = from_base64url(text.substr(0, end_of_salt));
  auto sealed = from_base64url(text.substr(end_of_salt + 1));
  if (!salt || salt->size() != kSaltBytes || !sealed || sealed->size() != kAeadKeyBytes + kAeadOverhead)
    return std::nullopt;
  stored.derivation.salt = std::move(*salt);
  stored.sealed = std::move(*sealed);
  if (!whole.starts_with(prefix_of(stored.derivation))) return std::nullopt;
  return stored;
}

class PassphraseSource final : public KeySource {
 public:
  PassphraseSource(Secret<> passphrase, PassphraseParameters parameters)
      : passphrase_(std::move(passphrase)), parameters_(parameters) {
    if (!within_bounds(parameters))
      throw std::invalid_argument("the parameters for the keyring's passphrase are outside their bounds");
  }

  std::string_view kind() const override { return kKind; }

  Result<std::string> protect(const LockedBytes& master) override {
    const Derivation derivation{parameters_, random_bytes(kSaltBytes)};
    const auto box = aead_seal(derive(derivation), identity_of(derivation), master.reveal());
    return prefix_of(derivation) + to_base64url(as_bytes(box));
  }

  Result<LockedBytes> recover(std::string_view text) override {
    const auto stored = parse(text);
    if (!stored) return Error{Errc::corrupt, "the file is damaged; restore it from a backup"};
    auto master = aead_open_key(derive(stored->derivation), identity_of(stored->derivation), stored->sealed);
    if (!master) return Error{Errc::unauthenticated, "the passphrase is not the one that sealed the keys"};
    return std::move(*master);
  }

 private:
  LockedBytes derive(const Derivation& derivation) const {
    if (sodium_init() < 0) throw std::runtime_error("cannot initialise libsodium");
    std::array<unsigned char, kAeadKeyBytes> output;
    const int failed = crypto_pwhash(
        output.data(), output.size(), passphrase_.reveal().data(), passphrase_.reveal().size(),
        reinterpret_cast<const unsigned char*>(derivation.salt.data()), derivation.parameters.passes,
        std::size_t{derivation.parameters.memory_kib} * 1024, crypto_pwhash_ALG_ARGON2ID13);
    if (failed != 0) throw std::bad_alloc();
    LockedBytes key(std::string_view(reinterpret_cast<const char*>(output.data()), output.size()));
    sodium_memzero(output.data(), output.size());
    return key;
  }

  Secret<> passphrase_;
  PassphraseParameters parameters_;
};

}  // namespace

std::unique_ptr<KeySource> passphrase_source(Secret<> passphrase, PassphraseParameters parameters) {
  return std::make_unique<PassphraseSource>(std::move(passphrase), parameters);
}

}  // namespace bulkhead::crypto
