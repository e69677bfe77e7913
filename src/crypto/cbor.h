// The CBOR that authenticators speak, read strictly: CTAP2's canonical form (Client to Authenticator Protocol
// 2.1, section 8) of RFC 8949. Definite lengths only, integers and lengths in their shortest form, map keys
// in order and therefore never twice, no tags, no floating point; bounded in depth and number, so that memory
// stays proportional to the input.
//
// What it leaves out of CTAP2: integers beyond 64 bits signed, floating point, and map keys that are neither
// integers nor text, none of which WebAuthn uses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"

namespace bulkhead::crypto {

struct CborLimits {
  std::size_t depth = 4;    // arrays and maps open at once; CTAP2 allows as many
  std::size_t items = 128;  // of any kind, containers and keys included
};

// A value. Byte strings and texts are views into what was parsed, which must outlive it. Text is not checked
// to be UTF-8: compare it, do not store it.
class Cbor {
 public:
  struct Member;
  using Array = std::vector<Cbor>;
  using Map = std::vector<Member>;
  struct Null {};
  using Value = std::variant<Null, bool, std::int64_t, Bytes, std::string_view, Array, Map>;

  explicit Cbor(Value value);

  // Empty, or nullptr, for a value of another kind.
  std::optional<std::int64_t> integer() const;
  std::optional<Bytes> bytes() const;
  std::optional<std::string_view> text() const;
  const Array* array() const;
  const Map* map() const;
  // What a map holds under the key; nullptr when it does not, and for what is not a map.
  const Cbor* find(std::int64_t key) const;
  const Cbor* find(std::string_view key) const;

 private:
  template <class T>
  const Cbor* find_key(const T& key) const;

  Value value_;
};

struct Cbor::Member {
  Cbor key;
  Cbor value;
};

inline Cbor::Cbor(Value value) : value_(std::move(value)) {}

// The value that `bytes` are, to the last. Errc::invalid_argument for what is not such CBOR, Errc::too_large
// past a limit.
Result<Cbor> parse_cbor(Bytes bytes, const CborLimits& limits = {});

// The value that `bytes` begin with.
struct CborPrefix {
  Cbor value;
  std::size_t size;  // the bytes it took
};
Result<CborPrefix> parse_cbor_prefix(Bytes bytes, const CborLimits& limits = {});

}  // namespace bulkhead::crypto
