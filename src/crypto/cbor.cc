#include "crypto/cbor.h"

#include <fmt/format.h>

#include <algorithm>

namespace bulkhead::crypto {
namespace {

// RFC 8949 section 3.1.
enum Major : std::uint8_t { kUnsigned, kNegative, kBytes, kText, kArray, kMap, kTag, kSimple };

Error malformed(std::string_view what) { return {Errc::invalid_argument, fmt::format("the CBOR {}", what)}; }
Error over(std::string_view what, std::size_t limit) {
  return {Errc::too_large, fmt::format("the CBOR has more than {} {}", limit, what)};
}

struct Head {
  std::uint8_t major;
  std::uint64_t argument;
};

// CTAP2's order of keys: by major type, then the shorter, then bytewise.
bool comes_before(Bytes left, Bytes right) {
  const auto major = [](Bytes key) { return std::to_integer<unsigned>(key.front()) >> 5; };
  if (major(left) != major(right)) return major(left) < major(right);
  if (left.size() != right.size()) return left.size() < right.size();
  return as_text(left) < as_text(right);
}

class Parser {
 public:
  Parser(Bytes bytes, const CborLimits& limits) : rest_(bytes), limits_(limits), items_left_(limits.items) {}

  Bytes rest() const { return rest_; }

  Result<Cbor> value(std::size_t depth) {
    if (items_left_ == 0) return over("values", limits_.items);
    --items_left_;
    const auto read = head();
    if (!read) return read.error();
    switch (read->major) {
      case kUnsigned:
      case kNegative: return integer(*read);
      case kBytes:
      case kText: return string(*read);
      case kArray:
      case kMap:
        if (depth == limits_.depth) return over("levels", limits_.depth);
        return read->major == kArray ? array(read->argument, depth + 1) : map(read->argument, depth + 1);
      case kTag: return malformed("has a tag");
      default: return simple(read->argument);
    }
  }

 private:
  Result<Head> head() {
    if (rest_.empty()) return malformed("ends too early");
    const auto first = std::to_integer<std::uint8_t>(rest_.front());
    const auto major = static_cast<std::uint8_t>(first >> 5);
    const unsigned info = first & 31;
    rest_ = rest_.subspan(1);
    if (info < 24) return Head{major, info};
    if (info > 27) return malformed("has an indefinite length or a reserved one");
    if (major == kSimple) return malformed("has a floating-point number or an unknown simple value");
    const std::size_t size = std::size_t{1} << (info - 24);
    if (rest_.size() < size) return malformed("ends too early");
    std::uint64_t argument = 0;
    for (const std::byte byte : rest_.first(size))
      argument = argument << 8 | std::to_integer<std::uint8_t>(byte);
    rest_ = rest_.subspan(size);
    const std::uint64_t smallest = size == 1 ? 24 : std::uint64_t{1} << (size * 4);
    if (argument < smallest) return malformed("has a number that is not in its shortest form");
    return Head{major, argument};
  }

  static Result<Cbor> integer(const Head& head) {
    if (head.argument > static_cast<std::uint64_t>(INT64_MAX))
      return malformed("has a number past 64 bits signed");
    const auto magnitude = static_cast<std::int64_t>(head.argument);
    return Cbor(head.major == kUnsigned ? magnitude : -1 - magnitude);
  }

  Result<Cbor> string(const Head& head) {
    if (head.argument > rest_.size()) return malformed("ends too early");
    const Bytes content = rest_.first(static_cast<std::size_t>(head.argument));
    rest_ = rest_.subspan(content.size());
    if (head.major == kBytes) return Cbor(content);
    return Cbor(as_text(content));
  }

  Result<Cbor> array(std::uint64_t count, std::size_t depth) {
    if (count > items_left_) return over("values", limits_.items);
    Cbor::Array elements;
    elements.reserve(static_cast<std::size_t>(count));
    for (std::uint64_t i = 0; i < count; ++i) {
      auto element = value(depth);
      if (!element) return element.error();
      elements.push_back(*std::move(element));
    }
    return Cbor(std::move(elements));
  }

  Result<Cbor> map(std::uint64_t count, std::size_t depth) {
    if (count > items_left_ / 2) return over("values", limits_.items);
    Cbor::Map members;
    members.reserve(static_cast<std::size_t>(count));
    Bytes previous;
    for (std::uint64_t i = 0; i < count; ++i) {
      const Bytes start = rest_;
      auto key = value(depth);
      if (!key) return key.error();
      if (!key->integer() && !key->text()) return malformed("has a key that is neither a number nor text");
      const Bytes encoded = start.first(start.size() - rest_.size());
      if (!previous.empty() && !comes_before(previous, encoded))
        return malformed("has keys out of order or twice");
      previous = encoded;
      auto member = value(depth);
      if (!member) return member.error();
      members.push_back({*std::move(key), *std::move(member)});
    }
    return Cbor(std::move(members));
  }

  // RFC 8949 section 3.3.
  static Result<Cbor> simple(std::uint64_t number) {
    switch (number) {
      case 20: return Cbor(false);
      case 21: return Cbor(true);
      case 22: return Cbor(Cbor::Null{});
      default: return malformed("has a floating-point number or an unknown simple value");
    }
  }

  Bytes rest_;
  CborLimits limits_;
  std::size_t items_left_;
};

template <class T, class Value>
std::optional<T> copy_if(const Value& value) {
  const T* held = std::get_if<T>(&value);
  if (held == nullptr) return std::nullopt;
  return *held;
}

}  // namespace

std::optional<std::int64_t> Cbor::integer() const { return copy_if<std::int64_t>(value_); }
std::optional<Bytes> Cbor::bytes() const { return copy_if<Bytes>(value_); }
std::optional<std::string_view> Cbor::text() const { return copy_if<std::string_view>(value_); }
const Cbor::Array* Cbor::array() const { return std::get_if<Array>(&value_); }
const Cbor::Map* Cbor::map() const { return std::get_if<Map>(&value_); }

template <class T>
const Cbor* Cbor::find_key(const T& key) const {
  const Map* members = map();
  if (members == nullptr) return nullptr;
  for (const Member& member : *members) {
    const T* held = std::get_if<T>(&member.key.value_);
    if (held != nullptr && *held == key) return &member.value;
  }
  return nullptr;
}

const Cbor* Cbor::find(std::int64_t key) const { return find_key(key); }
const Cbor* Cbor::find(std::string_view key) const { return find_key(key); }

Result<CborPrefix> parse_cbor_prefix(Bytes bytes, const CborLimits& limits) {
  Parser parser(bytes, limits);
  auto value = parser.value(0);
  if (!value) return value.error();
  return CborPrefix{*std::move(value), bytes.size() - parser.rest().size()};
}

Result<Cbor> parse_cbor(Bytes bytes, const CborLimits& limits) {
  auto prefix = parse_cbor_prefix(bytes, limits);
  if (!prefix) return prefix.error();
  if (prefix->size != bytes.size()) return malformed("has bytes after its end");
  return std::move(prefix->value);
}

}  // namespace bulkhead::crypto
