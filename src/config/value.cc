#include "config/value.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <limits>
#include <utility>

#include "base/shown.h"

namespace bulkhead::config {
namespace {

struct Unit {
  std::string_view suffix;
  std::uint64_t factor;
};

// Largest first: rendering takes the first that divides.
constexpr std::array<Unit, 4> kSizes = {{{"TiB", 1024 * kGiB}, {"GiB", kGiB}, {"MiB", kMiB}, {"KiB", kKiB}}};
constexpr std::array<Unit, 5> kDurations = {
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};

template <class T>
const T* get(const Value& value) {
  return std::get_if<T>(&value);
}

// The text of a value that may be text, from any source.
const std::string* text_of(const Value& value) {
  if (const auto* untyped = get<Untyped>(value)) return &untyped->text;
  return get<std::string>(value);
}

std::optional<std::uint64_t> parse_digits(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

template <std::size_t N>
std::optional<std::uint64_t> parse_with_unit(std::string_view text, const std::array<Unit, N>& units) {
  const auto digits = text.substr(0, text.find_first_not_of("0123456789"));
  const auto number = parse_digits(digits);
  if (!number) return std::nullopt;
  for (const Unit& unit : units) {
    if (text.substr(digits.size()) != unit.suffix) continue;
    if (*number > std::numeric_limits<std::int64_t>::max() / unit.factor) return std::nullopt;
    return *number * unit.factor;
  }
  return std::nullopt;
}

template <std::size_t N>
std::string render_with_unit(std::uint64_t number, const std::array<Unit, N>& units) {
  for (const Unit& unit : units)
    if (number != 0 && number % unit.factor == 0)
      return fmt::format("{}{}", number / unit.factor, unit.suffix);
  return std::to_string(number);
}

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(' ');
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

}  // namespace

std::optional<bool> as_boolean(const Value& value) {
  if (const auto* typed = get<bool>(value)) return *typed;
  const auto* untyped = get<Untyped>(value);
  if (untyped && untyped->text == "true") return true;
  if (untyped && untyped->text == "false") return false;
  return std::nullopt;
}

std::optional<std::uint64_t> as_count(const Value& value) {
  if (const auto* typed = get<std::int64_t>(value); typed && *typed >= 0)
    return static_cast<std::uint64_t>(*typed);
  if (const auto* untyped = get<Untyped>(value)) return parse_digits(untyped->text);
  return std::nullopt;
}

std::optional<std::uint64_t> as_size(const Value& value) {
  if (const auto plain = as_count(value)) return plain;
  const auto* text = text_of(value);
  return text ? parse_with_unit(*text, kSizes) : std::nullopt;
}

std::optional<Duration> as_duration(const Value& value) {
  const auto* text = text_of(value);
  const auto count = text ? parse_with_unit(*text, kDurations) : std::nullopt;
  if (!count) return std::nullopt;
  return Duration(*count);
}

std::optional<std::string> as_text(const Value& value) {
  const auto* text = text_of(value);
  return text ? std::optional(*text) : std::nullopt;
}

std::optional<std::vector<std::string>> as_list(const Value& value) {
  if (const auto* typed = get<std::vector<std::string>>(value)) return *typed;
  const auto* untyped = get<Untyped>(value);
  if (!untyped) return std::nullopt;
  std::vector<std::string> items;
  std::string_view rest = untyped->text;
  if (trim(rest).empty()) return items;
  for (;;) {
    const auto comma = rest.find(',');
    items.emplace_back(trim(rest.substr(0, comma)));
    if (comma == rest.npos) return items;
    rest.remove_prefix(comma + 1);
  }
}

std::string describe(const Value& value) {
  if (const auto* unusable = get<Unusable>(value)) return unusable->description;
  if (const auto* boolean = get<bool>(value)) return *boolean ? "true" : "false";
  if (const auto* number = get<std::int64_t>(value)) return std::to_string(*number);
  if (const auto* text = text_of(value)) return json_quote(*text);
  std::string items;
  for (const auto& item : std::get<std::vector<std::string>>(value))
    items += (items.empty() ? "" : ", ") + json_quote(item);
  return "[" + items + "]";
}

std::string toml_quote(std::string_view text) { return "\"" + shown(text, Shown::toml) + "\""; }

std::string render_size(std::uint64_t bytes) { return render_with_unit(bytes, kSizes); }

std::string render_duration(Duration duration) {
  if (duration == Duration::zero()) return "0s";
  // Days are taken in but not written: "24h" says more than "1d" beside "36h".
  return render_with_unit(static_cast<std::uint64_t>(duration.count()),
                          std::array<Unit, 4>{kDurations[1], kDurations[2], kDurations[3], kDurations[4]});
}

std::optional<Endpoint> parse_endpoint(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == text.npos) return std::nullopt;
  auto address = text.substr(0, colon);
  const auto port = parse_digits(text.substr(colon + 1));
  if (!port || *port > std::numeric_limits<std::uint16_t>::max()) return std::nullopt;
  const bool bracketed = address.starts_with('[') && address.ends_with(']');
  if (bracketed) address = address.substr(1, address.size() - 2);
  const bool is_v6 = address.find(':') != address.npos;
  if (bracketed != is_v6 || !is_ip_address(address)) return std::nullopt;
  return Endpoint{std::string(address), static_cast<std::uint16_t>(*port)};
}

std::string render(const Endpoint& endpoint) {
  const bool is_v6 = endpoint.address.find(':') != std::string::npos;
  return is_v6 ? fmt::format("[{}]:{}", endpoint.address, endpoint.port)
               : fmt::format("{}:{}", endpoint.address, endpoint.port);
}

std::string without_password(std::string_view url) {
  std::string shown(url);
  // A password may hold '/', '?' or '@' that should have been encoded: all up to the last '@' may be its own.
  const auto scheme = url.find("://");
  const auto colon = shown.find(':', scheme == url.npos ? 0 : scheme + 3);
  const auto at = shown.rfind('@');
  if (colon != shown.npos && at != shown.npos && colon < at) shown.replace(colon + 1, at - colon - 1, "***");

  const std::string_view parameter = "password=";
  for (auto found = shown.find(parameter); found != shown.npos; found = shown.find(parameter, found)) {
    found += parameter.size();
    const auto end = shown.find('&', found);
    shown.replace(found, (end == shown.npos ? shown.size() : end) - found, "***");
  }
  return shown;
}

}  // namespace bulkhead::config
