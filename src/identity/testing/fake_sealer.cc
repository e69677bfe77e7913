#include "identity/testing/fake_sealer.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "crypto/hash.h"

namespace bulkhead::identity::testing {
namespace {

std::string pad_for(const crypto::SealContext& where, std::string_view nonce) {
  const std::string place = fmt::format("{} {} {} {}", where.table, where.row, where.column, nonce);
  const auto mac = crypto::hmac_sha256(as_bytes("a key that is not secret"), as_bytes(place));
  return std::string(as_text(mac));
}

std::string mixed(std::string_view text, std::string_view pad) {
  std::string out(text);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<char>(out[i] ^ pad.at(i));
  return out;
}

std::string mark(std::string_view hidden, std::string_view pad) {
  return to_hex(crypto::hmac_sha256(as_bytes(pad), as_bytes(hidden)));
}

}  // namespace

// NONCE.HIDDEN.MARK, each in hex.
Result<std::string> FakeSealer::seal(const crypto::SealContext& where, const Secret<>& plain) {
  const std::string nonce = to_hex(as_bytes(crypto::random_bytes(8)));
  const std::string pad = pad_for(where, nonce);
  const std::string hidden = to_hex(as_bytes(mixed(plain.reveal(), pad)));
  return fmt::format("{}.{}.{}", nonce, hidden, mark(hidden, pad));
}

Result<Secret<>> FakeSealer::open(const crypto::SealContext& where, std::string_view sealed) {
  if (before_open) before_open();
  const std::size_t first = sealed.find('.');
  const std::size_t last = sealed.rfind('.');
  if (first == last) return Error{Errc::corrupt, "the sealed value is not one"};
  const std::string pad = pad_for(where, sealed.substr(0, first));
  const std::string_view hidden = sealed.substr(first + 1, last - first - 1);
  const auto bytes = from_hex(hidden);
  if (!bytes || sealed.substr(last + 1) != mark(hidden, pad))
    return Error{Errc::corrupt, "the sealed value is not this place's"};
  return Secret<>(mixed(*bytes, pad));
}

}  // namespace bulkhead::identity::testing
