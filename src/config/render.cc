// Settings written out for people: the file that is in force, and the reference page.
#include <fmt/format.h>

#include <algorithm>
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

`bulkhead config example` writes all of this as a file to begin with.

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

// `text` as lines of a comment, of at most 100 columns.
std::string commented(std::string_view text) {
  constexpr std::size_t kColumns = 98;
  std::string out;
  while (!text.empty()) {
    std::size_t end = text.size();
    if (end > kColumns) {
      end = text.rfind(' ', kColumns);
      if (end == text.npos) end = std::min(text.find(' '), text.size());
    }
    out += fmt::format("# {}\n", text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
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

std::string render_example(const Loaded& loaded) {
  std::string out =
      "# Settings of Bulkhead. Those that begin with # show their defaults: take the # away to change one.\n"
      "# \"bulkhead config check\" finds mistakes, and a restart puts the file in force.\n";
  std::string_view group;
  for (const Setting& setting : table()) {
    const SettingInfo& info = setting.info;
    if (group_of(info.key) != group) {
      group = group_of(info.key);
      out += fmt::format("\n[{}]\n", group);
    }
    const bool set = loaded.origins.at(info.key) != "default";
    out += fmt::format("\n{}{}{}{} = {}\n", commented(info.doc), commented("Takes " + info.allowed + "."),
                       set ? "" : "#", leaf_of(info.key), setting.render(loaded.settings));
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
