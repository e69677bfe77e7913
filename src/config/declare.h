// The vocabulary that settings_table.cc is written in: where a setting lives, and one function for each type.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/ip_network.h"
#include "base/log.h"
#include "config/setting.h"

namespace bulkhead::config {

// A field of Settings, or of one of its groups.
template <class T>
auto at(T Settings::*field) {
  return [field](auto& settings) -> auto& { return settings.*field; };
}
template <class Group, class T>
auto at(Group Settings::*group, T Group::*field) {
  return [ group, field ](auto& settings) -> auto& { return settings.*group.*field; };
}

template <class At>
using FieldOf = std::remove_reference_t<std::invoke_result_t<At, Settings&>>;

inline std::string render_default(const Setting& setting) { return setting.render(Settings{}); }

// What the other functions are made of. `parse` gives the field's value or nothing; `render` gives TOML.
template <class At, class Parse, class Render>
Setting declare(std::string key, SettingType type, At field, Parse parse, Render render, std::string allowed,
                std::string doc) {
  std::string environment = "BULKHEAD_" + key;
  std::string flag = "--" + key;
  for (char& c : environment)
    c = c == '.' ? '_' : (c >= 'a' && c <= 'z') ? static_cast<char>(c - 'a' + 'A') : c;
  std::replace_if(
      flag.begin(), flag.end(), [](char c) { return c == '.' || c == '_'; }, '-');

  Setting setting;
  setting.assign = [field, parse = std::move(parse)](Settings& settings, const Value& value) {
    auto parsed = parse(value);
    if (parsed) field(settings) = std::move(*parsed);
    return parsed.has_value();
  };
  setting.render = [field, render = std::move(render)](const Settings& settings) {
    return render(field(settings));
  };
  std::string default_text = render_default(setting);
  setting.info = {std::move(key),          std::move(environment), std::move(flag), type,
                  std::move(default_text), std::move(allowed),     std::move(doc)};
  return setting;
}

template <class At>
Setting boolean(std::string key, At field, std::string doc) {
  return declare(
      std::move(key), SettingType::boolean, field, as_boolean,
      [](bool value) { return value ? std::string("true") : std::string("false"); }, "true or false",
      std::move(doc));
}

template <class At, std::unsigned_integral T = FieldOf<At>>
Setting count(std::string key, At field, T least, T most, std::string doc) {
  const auto parse = [least, most](const Value& value) -> std::optional<T> {
    const auto parsed = as_count(value);
    if (!parsed || *parsed < least || *parsed > most) return std::nullopt;
    return static_cast<T>(*parsed);
  };
  return declare(
      std::move(key), SettingType::count, field, parse, [](T value) { return std::to_string(value); },
      fmt::format("an integer from {} to {}", least, most), std::move(doc));
}

inline std::string quoted_size(std::uint64_t bytes) {
  const std::string text = render_size(bytes);
  return text.back() == 'B' ? json_quote(text) : text;
}

template <class At>
Setting size(std::string key, At field, std::uint64_t least, std::uint64_t most, std::string doc) {
  const auto parse = [least, most](const Value& value) -> std::optional<std::uint64_t> {
    const auto parsed = as_size(value);
    return parsed && *parsed >= least && *parsed <= most ? parsed : std::nullopt;
  };
  return declare(std::move(key), SettingType::size, field, parse, quoted_size,
                 fmt::format("a number of bytes, or text with KiB, MiB, GiB or TiB, from {} to {}",
                             quoted_size(least), quoted_size(most)),
                 std::move(doc));
}

template <class At>
Setting duration(std::string key, At field, Duration least, Duration most, std::string doc) {
  const auto parse = [least, most](const Value& value) -> std::optional<Duration> {
    const auto parsed = as_duration(value);
    return parsed && *parsed >= least && *parsed <= most ? parsed : std::nullopt;
  };
  return declare(
      std::move(key), SettingType::duration, field, parse,
      [](Duration value) { return json_quote(render_duration(value)); },
      fmt::format(R"(a duration with its unit (ms, s, m, h or d) from "{}" to "{}")", render_duration(least),
                  render_duration(most)),
      std::move(doc));
}

template <class T>
struct Choice {
  std::string_view name;
  T value;
};

template <class At, class T = FieldOf<At>>
Setting choice(std::string key, At field, std::vector<Choice<T>> choices, std::string doc) {
  std::string allowed = "one of";
  for (const auto& each : choices)
    allowed += fmt::format("{} {}", each.name == choices.front().name ? "" : ",", json_quote(each.name));
  const auto parse = [choices](const Value& value) -> std::optional<T> {
    const auto text = as_text(value);
    for (const auto& each : choices)
      if (text == each.name) return each.value;
    return std::nullopt;
  };
  const auto render = [choices](T value) {
    const auto found =
        std::find_if(choices.begin(), choices.end(), [&](const auto& each) { return each.value == value; });
    return json_quote(found->name);
  };
  return declare(std::move(key), SettingType::choice, field, parse, render, std::move(allowed),
                 std::move(doc));
}

using Accepts = bool (*)(std::string_view);

inline bool anything(std::string_view) { return true; }

// Text that `accepts` likes; `allowed` says what that is.
template <class At>
Setting text(std::string key, At field, Accepts accepts, std::string allowed, std::string doc) {
  const auto parse = [accepts](const Value& value) -> std::optional<std::string> {
    auto parsed = as_text(value);
    return parsed && accepts(*parsed) ? parsed : std::nullopt;
  };
  return declare(std::move(key), SettingType::text, field, parse, toml_quote, std::move(allowed),
                 std::move(doc));
}

template <class At>
Setting path(std::string key, At field, Accepts accepts, std::string allowed, std::string doc) {
  const auto parse = [accepts](const Value& value) -> std::optional<std::filesystem::path> {
    auto parsed = as_text(value);
    if (!parsed || !accepts(*parsed) || parsed->find('\0') != parsed->npos) return std::nullopt;
    return std::filesystem::path(std::move(*parsed));
  };
  return declare(
      std::move(key), SettingType::path, field, parse,
      [](const std::filesystem::path& value) { return toml_quote(value.native()); }, std::move(allowed),
      std::move(doc));
}

// A list whose items `parse_item` (text -> optional item) reads and `render_item` writes.
template <class At, class ParseItem, class RenderItem>
Setting list(std::string key, At field, ParseItem parse_item, RenderItem render_item, std::string allowed,
             std::string doc) {
  using Items = FieldOf<At>;
  const auto parse = [parse_item](const Value& value) -> std::optional<Items> {
    const auto texts = as_list(value);
    if (!texts) return std::nullopt;
    Items items;
    for (const auto& text : *texts) {
      auto item = parse_item(text);
      if (!item) return std::nullopt;
      items.push_back(std::move(*item));
    }
    return items;
  };
  const auto render = [render_item](const Items& items) {
    std::string out;
    for (const auto& item : items) out += (out.empty() ? "" : ", ") + toml_quote(render_item(item));
    return "[" + out + "]";
  };
  return declare(std::move(key), SettingType::list, field, parse, render, std::move(allowed), std::move(doc));
}

}  // namespace bulkhead::config
