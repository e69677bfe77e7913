#include "crypto/key_file.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "crypto/aead.h"

namespace bulkhead::crypto {
namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr std::string_view kSealed = "sealed:";
constexpr std::size_t kLongestLine = 192;

template <class Number>
bool parse_number(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

// Only what to_rfc3339() writes for some time: the one spelling, a real date, a real time of day.
std::optional<Time> parse_time(std::string_view text) {
  using namespace std::chrono;
  if (text.size() != std::string_view("2026-01-31T08:15:00.123456Z").size()) return std::nullopt;
  unsigned year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, micros = 0;
  if (!parse_number(text.substr(0, 4), year) || !parse_number(text.substr(5, 2), month) ||
      !parse_number(text.substr(8, 2), day) || !parse_number(text.substr(11, 2), hour) ||
      !parse_number(text.substr(14, 2), minute) || !parse_number(text.substr(17, 2), second) ||
      !parse_number(text.substr(20, 6), micros))
    return std::nullopt;
  const year_month_day date{std::chrono::year(static_cast<int>(year)), std::chrono::month(month),
                            std::chrono::day(day)};
  if (!date.ok()) return std::nullopt;
  const Time time = sys_days(date) + hours(hour) + minutes(minute) + seconds(second) + microseconds(micros);
  return to_rfc3339(time) == text ? std::optional(time) : std::nullopt;
}

// Cuts the text before the next separator, and the separator, off its front. Empty when there is no
// separator.
std::optional<std::string_view> take(std::string_view& text, char separator) {
  const auto position = text.find(separator);
  if (position == std::string_view::npos) return std::nullopt;
  const auto taken = text.substr(0, position);
  text.remove_prefix(position + 1);
  return taken;
}

// A line moved to another purpose's file or given another number does not open.
AssociatedData identity_of(KeyPurpose purpose, std::uint32_t version) {
  AssociatedData data("bulkhead key file v1");
  data.add(name(purpose)).add(std::int64_t{version});
  return data;
}

struct Line {
  std::uint32_t version = 0;
  std::string_view key;
  Time created_at{};
};

std::optional<Line> split(std::string_view text) {
  const auto version = take(text, ' ');
  const auto key = take(text, ' ');
  if (!version || !key) return std::nullopt;
  const auto time = parse_time(text);
  Line line{0, *key, time.value_or(Time{})};
  if (!time || !parse_number(*version, line.version) || line.version == 0 || version->starts_with('0'))
    return std::nullopt;
  return line;
}

std::optional<LockedBytes> plain_key(std::string_view hex) {
  auto bytes = from_hex(hex);
  if (!bytes || bytes->size() != kKeyBytes) return std::nullopt;
  const Secret<> secret(std::move(*bytes));
  return LockedBytes(secret.reveal());
}

}  // namespace

Result<KeyFile> parse_key_file(std::string_view text, KeyPurpose purpose, const LockedBytes* master,
                               std::string_view where) {
  const auto corrupt = [&](std::string_view what) {
    return Error{Errc::corrupt, fmt::format("key file {}: {}; restore it from a backup", where, what)};
  };
  KeyFile file;
  for (int number = 1; !text.empty(); ++number) {
    const auto line_text = take(text, '\n');
    if (!line_text) return corrupt(fmt::format("line {} is cut short", number));
    const auto line = split(*line_text);
    const bool sealed = line && line->key.starts_with(kSealed);
    std::optional<LockedBytes> bytes;
    if (sealed) {
      const auto box = from_base64url(line->key.substr(kSealed.size()));
      if (box && master == nullptr)
        return corrupt(fmt::format("line {} is sealed, and master.key is missing", number));
      if (box) bytes = aead_open_key(*master, identity_of(purpose, line->version), *box);
      if (!bytes || bytes->size() != kKeyBytes)
        return corrupt(fmt::format("line {} is not what was sealed there", number));
    } else if (line) {
      bytes = plain_key(line->key);
      file.all_sealed = false;
    }
    if (!bytes)
      return corrupt(
          fmt::format("line {} is not `version key created`, with the version a number from 1, the key 64 "
                      "lower-case hex digits and the time as 2026-01-31T08:15:00.000000Z",
                      number));
    if (!file.keys.empty() && line->version <= file.keys.rbegin()->first)
      return corrupt(fmt::format("the version in line {} is not above the one before", number));
    file.keys.emplace(line->version,
                      std::make_shared<const Key>(Key{line->version, std::move(*bytes), line->created_at}));
  }
  if (file.keys.empty()) return corrupt("it holds no key");
  return file;
}

Secret<> render_key_file(const KeyVersions& keys, KeyPurpose purpose, const LockedBytes* master) {
  std::string text;
  text.reserve(keys.size() * kLongestLine);  // so that growing leaves no copy behind
  for (const auto& [version, key] : keys) {
    text.append(std::to_string(version)).append(" ");
    if (master != nullptr) {
      const std::string box = aead_seal(*master, identity_of(purpose, version), key->bytes.reveal());
      text.append(kSealed).append(to_base64url(as_bytes(box)));
    } else {
      const Secret<> hex(to_hex(as_bytes(key->bytes.reveal())));
      text.append(hex.reveal());
    }
    text.append(" ").append(to_rfc3339(key->created_at)).append("\n");
  }
  return Secret<>(std::move(text));
}

}  // namespace bulkhead::crypto
