#include "oci/range.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

#include "oci/quote.h"

namespace bulkhead::oci {
namespace {

constexpr std::string_view kUnit = "bytes";
constexpr auto kMaxNumber = std::numeric_limits<std::uint64_t>::max();
constexpr auto kMaxLength = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

// Digits only. A number too large for the type is the largest one: it must never come out as a small one.
std::optional<std::uint64_t> parse_number(std::string_view digits) {
  std::uint64_t value = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, value);
  if (stop != end || error == std::errc::invalid_argument) return std::nullopt;
  return error == std::errc::result_out_of_range ? kMaxNumber : value;
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t";
  text.remove_prefix(std::min(text.find_first_not_of(kSpace), text.size()));
  return text.substr(0, text.find_last_not_of(kSpace) + 1);
}

// Takes "bytes", in any case, and one character of `delimiters` off the front of `text`.
bool consume_unit(std::string_view& text, std::string_view delimiters) {
  if (text.size() <= kUnit.size() || delimiters.find(text[kUnit.size()]) == std::string_view::npos)
    return false;
  const auto same_letter = [](char left, char right) { return (left | 0x20) == right; };
  if (!std::ranges::equal(text.substr(0, kUnit.size()), kUnit, same_letter)) return false;
  text = trim(text.substr(kUnit.size() + 1));
  return true;
}

// One range of a list: what it is of, nothing where it is not there, or that the header is malformed.
struct One {
  bool malformed = false;
  std::optional<ByteRange> range = std::nullopt;
};

One resolve_suffix(std::string_view digits, std::uint64_t size) {
  const auto wanted = parse_number(digits);
  if (!wanted) return {.malformed = true};
  if (*wanted == 0) return {};
  // All of an empty blob's last bytes are none, and none have no Content-Range.
  if (size == 0) return {.malformed = true};
  const std::uint64_t length = std::min(*wanted, size);
  return {.range = ByteRange{size - length, length}};
}

One resolve_one(std::string_view spec, std::uint64_t size) {
  const std::size_t dash = spec.find('-');
  if (dash == std::string_view::npos) return {.malformed = true};
  if (dash == 0) return resolve_suffix(spec.substr(1), size);
  const auto first = parse_number(spec.substr(0, dash));
  const std::string_view end = spec.substr(dash + 1);
  const auto last = end.empty() ? kMaxNumber : parse_number(end);
  if (!first || !last) return {.malformed = true};
  if (*first >= size || *last < *first) return {};
  return {.range = ByteRange{*first, std::min(*last, size - 1) - *first + 1}};
}

bool ends_before_it_starts(std::string_view spec) {
  const std::size_t dash = spec.find('-');
  const auto first = parse_number(spec.substr(0, dash));
  const auto last = parse_number(spec.substr(dash + 1));
  return first && last && *last < *first;
}

bool overlap(std::vector<ByteRange> ranges) {
  std::ranges::sort(ranges, {}, &ByteRange::offset);
  const auto runs_into_next = [](const ByteRange& left, const ByteRange& right) {
    return right.offset - left.offset < left.length;
  };
  return std::ranges::adjacent_find(ranges, runs_into_next) != ranges.end();
}

}  // namespace

ResolvedRanges resolve_ranges(std::string_view header, std::uint64_t size) {
  const ResolvedRanges whole;
  std::string_view rest = trim(header);
  if (!consume_unit(rest, "=")) return whole;
  ResolvedRanges resolved;
  std::size_t listed = 0;
  while (!rest.empty()) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    const std::string_view spec = trim(rest.substr(0, comma));
    rest.remove_prefix(std::min(comma + 1, rest.size()));
    if (spec.empty()) continue;
    if (++listed > kMaxRanges) return whole;
    const One one = resolve_one(spec, size);
    if (one.malformed) return whole;
    // RFC 9110 section 14.1.1: such a range makes the set invalid. Alone it is answered as what cannot be
    // had.
    if (!one.range && ends_before_it_starts(spec) && (listed > 1 || !rest.empty())) return whole;
    if (one.range) resolved.ranges.push_back(*one.range);
  }
  if (listed == 0 || overlap(resolved.ranges)) return whole;
  resolved.outcome = resolved.ranges.empty() ? RangeOutcome::unsatisfiable : RangeOutcome::partial;
  return resolved;
}

Result<ByteRange> parse_content_range(std::string_view header) {
  const auto invalid = [&](std::string_view why) {
    return Error{Errc::range_invalid, fmt::format("Content-Range {} {}", quote(header), why)};
  };
  std::string_view spec = trim(header);
  consume_unit(spec, " =");
  const std::size_t dash = spec.find('-');
  if (dash == std::string_view::npos) return invalid("is not <first>-<last>, such as 0-1023");
  const std::size_t slash = spec.find('/');
  const auto first = parse_number(spec.substr(0, dash));
  const auto last = slash == std::string_view::npos ? parse_number(spec.substr(dash + 1))
                    : slash > dash                  ? parse_number(spec.substr(dash + 1, slash - dash - 1))
                                                    : std::nullopt;
  if (!first || !last) return invalid("is not <first>-<last>, such as 0-1023");
  if (*last < *first) return invalid("ends before it starts");
  if (*last >= kMaxLength) return invalid("ends past 2^63 - 2");
  if (slash != std::string_view::npos && spec.substr(slash + 1) != "*") {
    const auto total = parse_number(spec.substr(slash + 1));
    if (!total) return invalid("has a total that is neither a number nor \"*\"");
    if (*last >= *total) return invalid("ends past its own total");
  }
  return ByteRange{*first, *last - *first + 1};
}

}  // namespace bulkhead::oci
