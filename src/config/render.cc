// Settings written out for people: the file that is in force, and the reference page.
#include <fmt/format.h>

#include <array>

#include "config/load.h"
#include "config/setting.h"

namespace bulkhead::config {
namespace {

constexpr std::string_view kIntroduction = R"(# Settings

<!-- Generated from src/config/settings_table.cc by `bulkhead config reference`; a test compares the two. -->

Every setting has a default that works; a server without any configuration is complete. A setting can be given in a
TOML file (`bulkhead serve --config bulkhead.toml`), in the environment, or as a flag. A flag goes before the
environment, the environment before the file, the file before the default.

The names follow from each other: `http.idle_timeout` in the file (or `idle_timeout` below `[http]`) is
`BULKHEAD_HTTP_IDLE_TIMEOUT` in the environment and `--http-idle-timeout` on the command line. The one exception is
`tls.mode`, whose flag is `--tls`.

Durations are text with a unit: `"500ms"`, `"5s"`, `"2m"`, `"24h"`, `"30d"`. Sizes are bytes, or text with a unit:
`67108864` or `"64MiB"`. In the environment and in flags a list is separated by commas.

An unknown or wrong setting is an error: the server does not start. `bulkhead config check` reports all mistakes at
once, and `bulkhead config print` shows what is in force and where each value comes from.
)";

struct Heading {
  std::string_view group;
  std::string_view title;
};

constexpr std::array<Heading, 11> kHeadings = {{{"", "General"},
                                                {"tls", "TLS"},
                                                {"log", "Logs"},
                                                {"http", "HTTP"},
                                                {"offload", "Work that blocks"},
                                                {"limits", "Limits"},
                                                {"auth", "Log-in and tokens"},
                                                {"storage", "Storage"},
                                                {"audit", "Audit journal"},
                                                {"metrics", "Metrics"},
                                                {"outbound", "Requests to other servers"}}};

std::string_view leaf_of(std::string_view key) {
  const auto group = group_of(key);
  return group.empty() ? key : key.substr(group.size() + 1);
}

}  // namespace

std::string render_toml(const Loaded& loaded) {
  std::string out;
  std::string_view group;
  for (const Setting& setting : table()) {
    if (group_of(setting.info.key) != group) {
      group = group_of(setting.info.key);
      out += fmt::format("\n[{}]\n", group);
    }
    // Quoted, because a file's name may hold anything, a line break included.
    const std::string origin = json_quote(loaded.origins.at(setting.info.key));
    out += fmt::format("{} = {}  # {}\n", leaf_of(setting.info.key), setting.render(loaded.settings),
                       std::string_view(origin).substr(1, origin.size() - 2));
  }
  return out;
}

std::vector<InForce> in_force(const Loaded& loaded) {
  std::vector<InForce> out;
  for (const Setting& setting : table())
    out.push_back({setting.info.key, setting.render(loaded.settings), loaded.origins.at(setting.info.key)});
  return out;
}

std::string render_reference() {
  std::string out(kIntroduction);
  for (const auto& [group, title] : kHeadings) {
    out += fmt::format("\n## {}\n", title);
    for (const Setting& setting : table()) {
      const SettingInfo& info = setting.info;
      if (group_of(info.key) != group) continue;
      out += fmt::format("\n### `{}`\n\n{}\n\n", info.key, info.doc);
      out += fmt::format("Default `{}`; takes {}.\\\n`{}`, `{}`\n", info.default_text, info.allowed,
                         info.environment, info.flag);
    }
  }
  return out;
}

}  // namespace bulkhead::config
