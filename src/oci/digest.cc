#include "oci/digest.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "crypto/hash.h"
#include "oci/quote.h"

namespace bulkhead::oci {
namespace {

// No nibble has the top bit, so the bits of all entries met, taken together, tell whether a character was not
// hex.
constexpr std::uint8_t kNotHex = 0x80;

constexpr std::array<std::uint8_t, 256> make_nibbles() {
  std::array<std::uint8_t, 256> table{};
  table.fill(kNotHex);
  for (unsigned i = 0; i < 10; ++i) table['0' + i] = static_cast<std::uint8_t>(i);
  for (unsigned i = 0; i < 6; ++i) table['a' + i] = static_cast<std::uint8_t>(10 + i);
  return table;
}

constexpr auto kNibbles = make_nibbles();

constexpr std::size_t hash_size(Algorithm algorithm) { return algorithm == Algorithm::sha256 ? 32 : 64; }

// Every digest of every request passes here: one pass, no branch on a character.
bool decode_hex(std::string_view hex, std::byte* out) {
  std::uint8_t seen = 0;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    const std::uint8_t high = kNibbles[static_cast<unsigned char>(hex[i])];
    const std::uint8_t low = kNibbles[static_cast<unsigned char>(hex[i + 1])];
    seen |= high | low;
    *out++ = static_cast<std::byte>(high << 4 | low);
  }
  return (seen & kNotHex) == 0;
}

bool is_lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

bool is_encoded(char c) {
  return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z') || c == '=' || c == '_' || c == '-';
}

// component (separator component)*, with components of [a-z0-9]+ and separators of [+._-].
bool is_algorithm(std::string_view text) {
  bool in_component = false;
  for (const char c : text) {
    if (is_lower_or_digit(c)) {
      in_component = true;
    } else if (in_component && std::string_view("+._-").find(c) != std::string_view::npos) {
      in_component = false;
    } else {
      return false;
    }
  }
  return in_component;
}

Error refusal_of_other_algorithm(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) {
    return {Errc::digest_invalid, fmt::format("digest {} has no colon; write it as sha256:<64 hexadecimal "
                                              "characters> or sha512:<128>",
                                              quote(text))};
  }
  const std::string_view encoded = text.substr(colon + 1);
  if (!is_algorithm(text.substr(0, colon)) || encoded.empty() || !std::ranges::all_of(encoded, is_encoded)) {
    return {Errc::digest_invalid,
            fmt::format("{} is not a digest; write it as sha256:<64 hexadecimal characters> or sha512:<128>",
                        quote(text))};
  }
  return {Errc::digest_unsupported, fmt::format("digest algorithm {} is not supported; use sha256 or sha512",
                                                quote(text.substr(0, colon)))};
}

crypto::HashAlgorithm hash_algorithm(Algorithm algorithm) {
  return algorithm == Algorithm::sha256 ? crypto::HashAlgorithm::sha256 : crypto::HashAlgorithm::sha512;
}

}  // namespace

std::string_view name(Algorithm algorithm) { return algorithm == Algorithm::sha256 ? "sha256" : "sha512"; }

Result<Algorithm> parse_algorithm(std::string_view text) {
  if (text == "sha256") return Algorithm::sha256;
  if (text == "sha512") return Algorithm::sha512;
  return Error{Errc::digest_unsupported,
               fmt::format("digest algorithm {} is not supported; use sha256 or sha512", quote(text))};
}

Result<Digest> Digest::parse(std::string_view text) {
  Digest digest;
  if (text.starts_with("sha256:")) {
    digest.algorithm_ = Algorithm::sha256;
  } else if (text.starts_with("sha512:")) {
    digest.algorithm_ = Algorithm::sha512;
  } else {
    return refusal_of_other_algorithm(text);
  }
  const std::string_view hex = text.substr(7);
  const std::size_t expected = 2 * hash_size(digest.algorithm_);
  if (hex.size() != expected) {
    return Error{Errc::digest_invalid,
                 fmt::format("digest {} has {} characters after the colon; {} has {}", quote(text),
                             hex.size(), name(digest.algorithm_), expected)};
  }
  if (!decode_hex(hex, digest.hash_.data())) {
    return Error{
        Errc::digest_invalid,
        fmt::format("digest {} has a character other than 0-9 and a-f after the colon", quote(text))};
  }
  return digest;
}

Digest Digest::from_hash(Algorithm algorithm, Bytes hash) {
  if (hash.size() != hash_size(algorithm)) {
    throw std::logic_error(fmt::format("a {} hash of {} bytes", name(algorithm), hash.size()));
  }
  Digest digest;
  digest.algorithm_ = algorithm;
  std::ranges::copy(hash, digest.hash_.begin());
  return digest;
}

Digest Digest::of(Algorithm algorithm, Bytes content) {
  return from_hash(algorithm, as_bytes(crypto::hash(hash_algorithm(algorithm), content)));
}

Bytes Digest::hash() const { return Bytes(hash_).first(hash_size(algorithm_)); }

std::string Digest::hex() const { return to_hex(hash()); }

std::string Digest::render() const {
  std::string out(name(algorithm_));
  out += ':';
  out += hex();
  return out;
}

}  // namespace bulkhead::oci
