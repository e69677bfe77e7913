#include "crypto/password.h"

#include <fmt/format.h>
#include <sodium.h>

#include <array>
#include <charconv>
#include <new>
#include <optional>
#include <stdexcept>

#include "base/bytes.h"
#include "crypto/hash.h"

namespace bulkhead::crypto {
namespace {

constexpr std::size_t kSaltBytes = crypto_pwhash_argon2id_SALTBYTES;
constexpr std::size_t kMacBytes = 32;
constexpr std::size_t kLongestStored = 256;

struct StoredPassword {
  PasswordParameters parameters;
  std::uint32_t pepper = 0;
  std::string salt;
  std::string mac;
};

bool within_bounds(const PasswordParameters& parameters) {
  return parameters.memory_kib >= PasswordParameters::kLeastMemoryKib &&
         parameters.memory_kib <= PasswordParameters::kMostMemoryKib &&
         parameters.passes >= PasswordParameters::kLeastPasses &&
         parameters.passes <= PasswordParameters::kMostPasses;
}

bool take(std::string_view& text, std::string_view expected) {
  if (!text.starts_with(expected)) return false;
  text.remove_prefix(expected.size());
  return true;
}

bool take_number(std::string_view& text, std::uint32_t& number) {
  if (text.starts_with('0')) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

// What comes before the mac, and is authenticated by it.
std::string prefix_of(const StoredPassword& stored) {
  return fmt::format("$bulkhead$argon2id$v=19$m={},t={},p=1$pepper={}${}$", stored.parameters.memory_kib,
                     stored.parameters.passes, stored.pepper, to_base64(as_bytes(stored.salt)));
}

std::string render(const StoredPassword& stored) {
  return prefix_of(stored) + to_base64(as_bytes(stored.mac));
}

std::optional<StoredPassword> parse(std::string_view text) {
  if (text.size() > kLongestStored) return std::nullopt;
  StoredPassword stored;
  if (!take(text, "$bulkhead$argon2id$v=19$m=") || !take_number(text, stored.parameters.memory_kib) ||
      !take(text, ",t=") || !take_number(text, stored.parameters.passes) || !take(text, ",p=1$pepper=") ||
      !take_number(text, stored.pepper) || !take(text, "$"))
    return std::nullopt;
  const auto end_of_salt = text.find('$');
  if (end_of_salt == std::string_view::npos) return std::nullopt;
  auto salt = from_base64(text.substr(0, end_of_salt));
  auto mac = from_base64(text.substr(end_of_salt + 1));
  if (!salt || salt->size() != kSaltBytes || !mac || mac->size() != kMacBytes) return std::nullopt;
  stored.salt = std::move(*salt);
  stored.mac = std::move(*mac);
  // Before any of it reaches Argon2id: whoever planted the string must not choose what it costs.
  if (!within_bounds(stored.parameters)) return std::nullopt;
  return stored;
}

std::string compute_mac(const Secret<>& password, const StoredPassword& stored, const Key& pepper) {
  std::array<unsigned char, 32> output;
  const int failed =
      crypto_pwhash(output.data(), output.size(), password.reveal().data(), password.reveal().size(),
                    reinterpret_cast<const unsigned char*>(stored.salt.data()), stored.parameters.passes,
                    std::size_t{stored.parameters.memory_kib} * 1024, crypto_pwhash_ALG_ARGON2ID13);
  if (failed != 0) throw std::bad_alloc();
  std::string message = prefix_of(stored);
  message.reserve(message.size() + output.size());  // so that growing leaves no copy of the output behind
  message.append(reinterpret_cast<const char*>(output.data()), output.size());
  sodium_memzero(output.data(), output.size());
  const Secret<> secret_message(std::move(message));
  const auto mac = hmac_sha256(as_bytes(pepper.bytes.reveal()), as_bytes(secret_message.reveal()));
  return std::string(as_text(mac));
}

}  // namespace

PasswordHasher::PasswordHasher(const Keyring& keyring, PasswordParameters parameters)
    : keyring_(keyring), parameters_(parameters) {
  if (!within_bounds(parameters))
    throw std::invalid_argument(fmt::format("Argon2id parameters m={} KiB, t={} are outside their bounds",
                                            parameters.memory_kib, parameters.passes));
  if (sodium_init() < 0) throw std::runtime_error("cannot initialise libsodium");
}

std::string PasswordHasher::hash(const Secret<>& password) const {
  const Key& pepper = keyring_.current(KeyPurpose::password_pepper);
  StoredPassword stored{parameters_, pepper.version, random_bytes(kSaltBytes), {}};
  stored.mac = compute_mac(password, stored, pepper);
  return render(stored);
}

bool PasswordHasher::verify(const Secret<>& password, std::string_view stored) const {
  const auto parsed = parse(stored);
  const Key* pepper = parsed ? keyring_.find(KeyPurpose::password_pepper, parsed->pepper) : nullptr;
  if (pepper == nullptr) {
    spend(password);
    return false;
  }
  return equal_in_constant_time(as_bytes(compute_mac(password, *parsed, *pepper)), as_bytes(parsed->mac));
}

void PasswordHasher::spend(const Secret<>& password) const {
  const Key& pepper = keyring_.current(KeyPurpose::password_pepper);
  static_cast<void>(
      compute_mac(password, {parameters_, pepper.version, std::string(kSaltBytes, '\0'), {}}, pepper));
}

bool PasswordHasher::outdated(std::string_view stored) const {
  const auto parsed = parse(stored);
  return !parsed || parsed->parameters.memory_kib != parameters_.memory_kib ||
         parsed->parameters.passes != parameters_.passes || parsed->pepper != pepper_version();
}

std::uint32_t PasswordHasher::pepper_version() const {
  return keyring_.current(KeyPurpose::password_pepper).version;
}

}  // namespace bulkhead::crypto
