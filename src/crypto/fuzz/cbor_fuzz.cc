// An authenticator's CBOR comes from whoever answers a challenge. Three promises hold for any input: what is
// accepted is canonical, so that writing it again gives the same bytes; it stays within the limits; and a
// prefix that is accepted is accepted on its own.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "crypto/cbor.h"
#include "crypto/testing/cbor_writer.h"

using bulkhead::as_text;
using bulkhead::Bytes;
using bulkhead::crypto::Cbor;
using bulkhead::crypto::CborLimits;
using namespace bulkhead::crypto::testing;

namespace {

constexpr CborLimits kLimits{.depth = 4, .items = 64};

void require(bool promise) {
  if (!promise) std::abort();
}

// Also counts the values and looks at the depth.
std::string written(const Cbor& value, std::size_t open, std::size_t& items) {
  require(++items <= kLimits.items);
  if (const auto integer = value.integer()) return cbor_integer(*integer);
  if (const auto bytes = value.bytes()) return cbor_bytes(as_text(*bytes));
  if (const auto text = value.text()) return cbor_text(*text);
  if (value.array() != nullptr) {
    require(open < kLimits.depth);
    std::string out = cbor_head(4, value.array()->size());
    for (const Cbor& element : *value.array()) out += written(element, open + 1, items);
    return out;
  }
  if (value.map() != nullptr) {
    require(open < kLimits.depth);
    std::string out = cbor_head(5, value.map()->size());
    for (const auto& member : *value.map()) {
      out += written(member.key, open + 1, items);
      out += written(member.value, open + 1, items);
      const Cbor* found =
          member.key.text() ? value.find(*member.key.text()) : value.find(*member.key.integer());
      require(found == &member.value);
    }
    return out;
  }
  return "?";  // a simple value: one byte, which the reader does not tell apart by accessors
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes input = std::as_bytes(std::span(data, size));
  const auto prefix = bulkhead::crypto::parse_cbor_prefix(input, kLimits);
  const auto whole = bulkhead::crypto::parse_cbor(input, kLimits);
  require(whole.has_value() == (prefix.has_value() && prefix->size == size));
  if (!prefix) return 0;

  const Bytes taken = input.first(prefix->size);
  require(bulkhead::crypto::parse_cbor(taken, kLimits).has_value());
  std::size_t items = 0;
  const std::string again = written(prefix->value, 0, items);
  require(again.size() == taken.size());
  for (std::size_t i = 0; i < again.size(); ++i) require(again[i] == as_text(taken)[i] || again[i] == '?');
  return 0;
}
