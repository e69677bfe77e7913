#include "base/keyed_hash.h"

#include <sys/random.h>

#include <bit>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace bulkhead {
namespace {

static_assert(std::endian::native == std::endian::little, "words are read as they lie in memory");

std::array<std::uint64_t, 2> draw_key() {
  std::array<std::uint64_t, 2> key{};
  // So few bytes come whole, and wait at most for the machine's start.
  while (::getrandom(key.data(), sizeof key, 0) != static_cast<::ssize_t>(sizeof key))
    if (errno != EINTR) throw std::system_error(errno, std::generic_category(), "getrandom");
  return key;
}

struct State {
  std::uint64_t v0, v1, v2, v3;

  void round() {
    v0 += v1;
    v1 = std::rotl(v1, 13) ^ v0;
    v0 = std::rotl(v0, 32);
    v2 += v3;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v2 = std::rotl(v2, 32);
  }

  void take(std::uint64_t word) {
    v3 ^= word;
    round();
    v0 ^= word;
  }

  std::uint64_t finish() {
    v2 ^= 0xff;
    for (int i = 0; i < 3; ++i) round();
    return v0 ^ v1 ^ v2 ^ v3;
  }
};

State begin(const std::array<std::uint64_t, 2>& key) {
  return {key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d, key[0] ^ 0x6c7967656e657261,
          key[1] ^ 0x7465646279746573};
}

}  // namespace

KeyedHash::KeyedHash() : key_(draw_key()) {}

std::size_t KeyedHash::operator()(Bytes bytes) const noexcept {
  State state = begin(key_);
  const std::size_t whole = bytes.size() / 8 * 8;
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < whole; i += 8) {
    std::memcpy(&word, bytes.data() + i, sizeof word);
    state.take(word);
  }
  word = 0;
  if (bytes.size() > whole) std::memcpy(&word, bytes.data() + whole, bytes.size() - whole);
  state.take(word | static_cast<std::uint64_t>(bytes.size()) << 56);
  return state.finish();
}

std::size_t KeyedHash::operator()(std::uint64_t number) const noexcept {
  State state = begin(key_);
  state.take(number);
  state.take(std::uint64_t{8} << 56);
  return state.finish();
}

}  // namespace bulkhead
