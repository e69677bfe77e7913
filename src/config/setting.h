// One row of the declaration table with the code that its type brings.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "config/load.h"
#include "config/value.h"

namespace bulkhead::config {

struct Setting {
  SettingInfo info;
  bool may_hold_password = false;  // shown through without_password()
  // False, and nothing changed, when the value is not one of info.allowed.
  std::function<bool(Settings&, const Value&)> assign;
  // As TOML writes it.
  std::function<std::string(const Settings&)> render;
};

// In the order of the reference.
const std::vector<Setting>& table();

// The part of a key before the dot, "" for a top-level setting.
inline std::string_view group_of(std::string_view key) {
  const auto dot = key.find('.');
  return dot == key.npos ? std::string_view() : key.substr(0, dot);
}

}  // namespace bulkhead::config
