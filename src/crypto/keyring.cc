#include "crypto/keyring.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <utility>

#include "base/clock.h"
#include "base/file.h"
#include "crypto/hash.h"
#include "crypto/private_file.h"

namespace bulkhead::crypto {
namespace {

constexpr std::array kPurposes{KeyPurpose::password_pepper, KeyPurpose::token_signing,
                               KeyPurpose::token_hash};
constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kFileLimit = 64 * 1024;  // some 600 versions

template <class Number>
bool parse_number(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

// Whether the text is what to_rfc3339() writes for some time: the one spelling, a real date, a real time of
// day.
bool is_rfc3339(std::string_view text) {
  using namespace std::chrono;
  if (text.size() != std::string_view("2026-01-31T08:15:00.123456Z").size()) return false;
  unsigned year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, micros = 0;
  if (!parse_number(text.substr(0, 4), year) || !parse_number(text.substr(5, 2), month) ||
      !parse_number(text.substr(8, 2), day) || !parse_number(text.substr(11, 2), hour) ||
      !parse_number(text.substr(14, 2), minute) || !parse_number(text.substr(17, 2), second) ||
      !parse_number(text.substr(20, 6), micros))
    return false;
  const year_month_day date{std::chrono::year(static_cast<int>(year)), std::chrono::month(month),
                            std::chrono::day(day)};
  return date.ok() && to_rfc3339(sys_days(date) + hours(hour) + minutes(minute) + seconds(second) +
                                 microseconds(micros)) == text;
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

std::optional<Key> parse_line(std::string_view line) {
  const auto version_text = take(line, ' ');
  const auto hex = take(line, ' ');
  if (!version_text || !hex || !is_rfc3339(line)) return std::nullopt;
  Key key;
  if (!parse_number(*version_text, key.version) || key.version == 0 || version_text->starts_with('0'))
    return std::nullopt;
  auto bytes = from_hex(*hex);
  if (!bytes || bytes->size() != kKeyBytes) return std::nullopt;
  key.bytes = Secret<>(std::move(*bytes));
  return key;
}

// What is wrong is told by line number alone: the line holds a key.
Result<std::map<std::uint32_t, Key>> parse(std::string_view text, const std::filesystem::path& path) {
  const auto corrupt = [&](std::string_view what) {
    return Error{Errc::corrupt,
                 fmt::format("key file {}: {}; restore it from a backup", path.string(), what)};
  };
  std::map<std::uint32_t, Key> keys;
  for (int number = 1; !text.empty(); ++number) {
    const auto line = take(text, '\n');
    if (!line) return corrupt(fmt::format("line {} is cut short", number));
    auto key = parse_line(*line);
    if (!key)
      return corrupt(
          fmt::format("line {} is not `version key created`, with the version a number from 1, the key 64 "
                      "lower-case hex digits and the time as 2026-01-31T08:15:00.000000Z",
                      number));
    if (!keys.empty() && key->version <= keys.rbegin()->first)
      return corrupt(fmt::format("the version in line {} is not above the one before", number));
    const auto version = key->version;
    keys.emplace(version, std::move(*key));
  }
  if (keys.empty()) return corrupt("it holds no key");
  return keys;
}

Secret<> first_key_text() {
  Secret<> bytes(random_bytes(kKeyBytes));
  const Secret<> hex(to_hex(as_bytes(bytes.reveal())));
  std::string text;
  text.reserve(128);  // so that growing leaves no copy behind
  text.append("1 ").append(hex.reveal()).append(" ").append(to_rfc3339(SystemClock().now())).append("\n");
  return Secret<>(std::move(text));
}

Result<std::map<std::uint32_t, Key>> load_or_create(const std::filesystem::path& path) {
  auto text = read_private_file(path, kFileLimit);
  if (!text && text.error().code == Errc::not_found) {
    const Secret<> first = first_key_text();
    if (auto created = create_private_file(path, as_bytes(first.reveal())); !created) return created.error();
    // Read back, whoever came first.
    text = read_private_file(path, kFileLimit);
  }
  if (!text) return text.error();
  return parse(text->reveal(), path);
}

}  // namespace

std::string_view name(KeyPurpose purpose) {
  switch (purpose) {
    case KeyPurpose::password_pepper: return "password-pepper";
    case KeyPurpose::token_signing: return "token-signing";
    case KeyPurpose::token_hash: return "token-hash";
  }
  return "unknown";
}

Result<Keyring> Keyring::open(const std::filesystem::path& directory) {
  if (auto made = make_private_directory(directory); !made) return made.error();
  Keyring keyring;
  for (const KeyPurpose purpose : kPurposes) {
    auto keys = load_or_create(directory / fmt::format("{}.keys", name(purpose)));
    if (!keys) return keys.error();
    keyring.keys_.emplace(purpose, std::move(*keys));
  }
  // Another process may have created a file and not yet synced its name: nothing is made with a key that a
  // power cut could take back.
  if (auto synced = sync_directory(directory); !synced) return synced.error();
  return keyring;
}

Keyring Keyring::ephemeral() {
  Keyring keyring;
  for (const KeyPurpose purpose : kPurposes)
    keyring.keys_[purpose].emplace(1, Key{1, Secret<>(random_bytes(kKeyBytes))});
  return keyring;
}

const Key& Keyring::current(KeyPurpose purpose) const { return keys_.at(purpose).rbegin()->second; }

const Key* Keyring::find(KeyPurpose purpose, std::uint32_t version) const {
  const auto& versions = keys_.at(purpose);
  const auto found = versions.find(version);
  return found == versions.end() ? nullptr : &found->second;
}

}  // namespace bulkhead::crypto
