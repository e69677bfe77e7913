#include "config/load.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/file.h"
#include "config/checks.h"
#include "config/setting.h"
#include "config/suggest.h"
#include "config/toml_source.h"

namespace bulkhead::config {
namespace {

constexpr std::size_t kLargestFile = 1 * kMiB;
constexpr std::string_view kPrefix = "BULKHEAD_";

const Setting* find_by(std::string SettingInfo::*name, std::string_view text) {
  const auto found = std::find_if(table().begin(), table().end(),
                                  [&](const Setting& setting) { return setting.info.*name == text; });
  return found == table().end() ? nullptr : &*found;
}

std::vector<std::string> names(std::string SettingInfo::*name) {
  std::vector<std::string> all;
  for (const Setting& setting : table()) all.push_back(setting.info.*name);
  return all;
}

std::string did_you_mean(std::string_view text, std::string SettingInfo::*name, std::string_view separators) {
  const auto meant = nearest(text, names(name), separators);
  return meant ? fmt::format("; did you mean \"{}\"?", *meant) : "";
}

bool is_group(std::string_view key) {
  return std::any_of(table().begin(), table().end(),
                     [&](const Setting& setting) { return group_of(setting.info.key) == key; });
}

// Whether the name ends as `_PORT_5000_TCP` and `_PORT_5000_TCP_ADDR` do.
bool names_a_port(std::string_view name) {
  for (auto at = name.find("_PORT_"); at != name.npos; at = name.find("_PORT_", at + 1)) {
    std::string_view rest = name.substr(at + 6);
    const auto digits = rest.find_first_not_of("0123456789");
    if (digits == 0 || digits == rest.npos) continue;
    rest.remove_prefix(digits);
    for (const std::string_view protocol : {"_TCP", "_UDP", "_SCTP"})
      if (rest.starts_with(protocol) && (rest.size() == protocol.size() || rest[protocol.size()] == '_'))
        return true;
  }
  return false;
}

// What Kubernetes (and Docker's links) put into the environment for a service named "bulkhead":
// BULKHEAD_SERVICE_HOST, BULKHEAD_SERVICE_PORT, BULKHEAD_SERVICE_PORT_HTTP, BULKHEAD_PORT,
// BULKHEAD_PORT_5000_TCP…; and for those beside it, "bulkhead-postgresql", as charts call them:
// BULKHEAD_POSTGRESQL_SERVICE_HOST… A setting of such a name would be found before.
bool belongs_to_the_platform(std::string_view name, std::string_view value) {
  name.remove_prefix(kPrefix.size() - 1);
  return name.ends_with("_SERVICE_HOST") || name.ends_with("_SERVICE_PORT") ||
         name.find("_SERVICE_PORT_") != name.npos || name == "_PORT" || name.starts_with("_PORT_") ||
         (name.ends_with("_PORT") && value.find("://") != value.npos) || names_a_port(name);
}

class Loader {
 public:
  Loader() {
    for (const Setting& setting : table()) loaded_.origins[setting.info.key] = "default";
  }

  void read_file(std::string_view text, const std::string& file) {
    const TomlContents contents = read_toml(text);
    if (!contents.problem.empty())
      errors_.push_back(fmt::format("{}:{}: {}", file, contents.problem_line, contents.problem));
    for (const auto& [key, line, value] : contents.entries) {
      const std::string origin = fmt::format("{}:{}", file, line);
      if (const Setting* setting = find_by(&SettingInfo::key, key))
        set(*setting, value, origin, fmt::format("{}: {}", origin, key));
      else if (!is_group(key))
        errors_.push_back(fmt::format("{}: unknown setting {}{}", origin, json_quote(key),
                                      did_you_mean(key, &SettingInfo::key, ".")));
      else if (!std::holds_alternative<Unusable>(value))
        errors_.push_back(fmt::format("{}: \"{}\" is a group of settings, not a setting", origin, key));
    }
  }

  void read_environment(const std::map<std::string, std::string>& environment) {
    for (auto each = environment.lower_bound(std::string(kPrefix));
         each != environment.end() && each->first.starts_with(kPrefix); ++each) {
      const auto& [name, text] = *each;
      if (const Setting* setting = find_by(&SettingInfo::environment, name))
        set(*setting, Untyped{text}, name, name);
      else if (!belongs_to_the_platform(name, text))
        errors_.push_back(fmt::format("{}: unknown environment variable{}", printable(name),
                                      did_you_mean(name, &SettingInfo::environment, "")));
    }
  }

  void read_flags(const std::map<std::string, std::string>& flags) {
    for (const auto& [key, text] : flags) {
      if (const Setting* setting = find_by(&SettingInfo::key, key))
        set(*setting, Untyped{text}, setting->info.flag, setting->info.flag);
      else
        errors_.push_back(
            fmt::format("{}: unknown setting{}", printable(key), did_you_mean(key, &SettingInfo::key, ".")));
    }
  }

  Result<Loaded> finish() && {
    // A contradiction between values that are wrong anyway would only be noise.
    if (errors_.empty()) errors_ = contradictions(loaded_);
    if (errors_.empty()) return std::move(loaded_);
    std::string all;
    for (const auto& error : errors_) all += (all.empty() ? "" : "\n") + error;
    return Error{Errc::invalid_argument, std::move(all)};
  }

 private:
  // A name that somebody else chose, safe to print.
  static std::string printable(std::string_view name) {
    const std::string quoted = json_quote(name);
    return quoted.substr(1, quoted.size() - 2);
  }

  void set(const Setting& setting, const Value& value, const std::string& origin, std::string_view where) {
    if (setting.assign(loaded_.settings, value)) {
      loaded_.origins[setting.info.key] = origin;
      return;
    }
    const std::string given = describe(value);
    errors_.push_back(fmt::format("{}: expected {}, not {}", where, setting.info.allowed,
                                  setting.may_hold_password ? without_password(given) : given));
  }

  Loaded loaded_;
  std::vector<std::string> errors_;
};

}  // namespace

Result<Loaded> load(const Sources& sources) {
  Loader loader;
  if (sources.file) {
    const auto text = read_file(*sources.file, kLargestFile);
    if (!text) return text.error();
    loader.read_file(*text, sources.file->string());
  }
  loader.read_environment(sources.environment);
  loader.read_flags(sources.flags);
  return std::move(loader).finish();
}

}  // namespace bulkhead::config
