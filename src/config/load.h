// Settings from a TOML file, the environment and flags. A flag goes before the environment, the environment
// before the file, the file before the default. Nothing unknown is passed over, and every mistake is
// reported, not just the first.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "config/settings.h"

namespace bulkhead::config {

enum class SettingType { text, path, boolean, count, size, duration, choice, list };

// One row of the declaration table.
struct SettingInfo {
  std::string key;          // "http.idle_timeout", in TOML
  std::string environment;  // "BULKHEAD_HTTP_IDLE_TIMEOUT"
  std::string flag;         // "--http-idle-timeout"
  SettingType type = SettingType::text;
  std::string default_text;  // as TOML writes it
  std::string allowed;       // as it follows "expected": "a duration from \"100ms\" to \"1h\""
  std::string doc;           // sentences
};

// In the order of the reference. Top-level settings come first, groups are contiguous.
std::span<const SettingInfo> settings();

struct Sources {
  std::optional<std::filesystem::path> file;
  // May be the whole environment: names that do not begin with BULKHEAD_, and those that Kubernetes and
  // Docker add for a service called "bulkhead", are left alone. A caller that reads a BULKHEAD_ variable
  // itself takes it out first.
  std::map<std::string, std::string> environment;
  // Values by key, not by flag.
  std::map<std::string, std::string> flags;
};

struct Loaded {
  Settings settings;
  // Where each value comes from, by key: "default", "bulkhead.toml:12", "BULKHEAD_LISTEN" or "--listen".
  std::map<std::string, std::string> origins;
};

// Errc::invalid_argument with one line for each mistake; a file that cannot be read is the error of reading
// it. No line holds the password of a database URL.
Result<Loaded> load(const Sources& sources);

// A complete file that sets everything to what is in force, each line with its origin. A database URL's
// password is shown as ***.
std::string render_toml(const Loaded& loaded);

// A file to begin with: every setting explained, and commented out with its default unless something set it.
std::string render_example(const Loaded& loaded);

// The same for programs; the values as TOML writes them.
struct InForce {
  std::string key;
  std::string value;
  std::string origin;
};
std::vector<InForce> in_force(const Loaded& loaded);

// The reference page, in Markdown.
std::string render_reference();

}  // namespace bulkhead::config
