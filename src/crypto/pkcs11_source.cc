#include <fmt/format.h>

#include <optional>
#include <utility>

#include "base/bytes.h"
#include "crypto/aead.h"
#include "crypto/hash.h"
#include "crypto/key_source.h"
#include "crypto/pkcs11_token.h"

namespace bulkhead::crypto {
namespace {

constexpr std::string_view kKind = "pkcs11";
constexpr std::size_t kNonceBytes = 12;
constexpr std::size_t kSealedBytes = kAeadKeyBytes + 16;

struct Stored {
  std::string nonce;
  std::string sealed;
};

std::optional<Stored> parse(std::string_view text) {
  if (!text.starts_with(kKind)) return std::nullopt;
  text.remove_prefix(kKind.size());
  const auto middle = text.find(' ', 1);
  if (!text.starts_with(' ') || middle == text.npos) return std::nullopt;
  auto nonce = from_base64url(text.substr(1, middle - 1));
  auto sealed = from_base64url(text.substr(middle + 1));
  if (!nonce || nonce->size() != kNonceBytes || !sealed || sealed->size() != kSealedBytes)
    return std::nullopt;
  return Stored{std::move(*nonce), std::move(*sealed)};
}

std::string associated() {
  AssociatedData data("bulkhead master key v1");
  data.add(kKind);
  return std::string(data.bytes());
}

class Pkcs11Source final : public KeySource {
 public:
  explicit Pkcs11Source(Pkcs11Options options) : options_(std::move(options)) {}

  std::string_view kind() const override { return kKind; }

  Result<std::string> protect(const LockedBytes& master) override {
    auto token = Pkcs11Token::open(options_);
    if (!token) return token.error();
    if (auto found = token->use_key(options_.key, true); !found) return found.error();
    const std::string nonce = random_bytes(kNonceBytes);
    const auto sealed = token->encrypt(nonce, associated(), master.reveal());
    if (!sealed) return sealed.error();
    return fmt::format("{} {} {}", kKind, to_base64url(as_bytes(nonce)), to_base64url(as_bytes(*sealed)));
  }

  Result<LockedBytes> recover(std::string_view text) override {
    const auto stored = parse(text);
    if (!stored) return Error{Errc::corrupt, "the file is damaged; restore it from a backup"};
    auto token = Pkcs11Token::open(options_);
    if (!token) return token.error();
    if (auto found = token->use_key(options_.key, false); !found) return found.error();
    auto master = token->decrypt(stored->nonce, associated(), stored->sealed);
    if (master && master->size() != kAeadKeyBytes)
      return Error{Errc::corrupt, "the file is damaged; restore it from a backup"};
    return master;
  }

 private:
  Pkcs11Options options_;
};

}  // namespace

std::unique_ptr<KeySource> pkcs11_source(Pkcs11Options options) {
  return std::make_unique<Pkcs11Source>(std::move(options));
}

}  // namespace bulkhead::crypto
