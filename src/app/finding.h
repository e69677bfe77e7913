// What `bulkhead doctor` finds: one line each, with the cure where something is wrong.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace bulkhead::app {

struct Finding {
  enum class Level : std::uint8_t { ok, warn, fail };

  Level level = Level::ok;
  std::string name;    // "database"
  std::string detail;  // what was found; may hold text from outside
  std::string cure;    // what to do; "" where nothing is
};
using Findings = std::vector<Finding>;

inline Finding good(std::string name, std::string detail) {
  return {Finding::Level::ok, std::move(name), std::move(detail), {}};
}
inline Finding warn(std::string name, std::string detail, std::string cure = {}) {
  return {Finding::Level::warn, std::move(name), std::move(detail), std::move(cure)};
}
inline Finding fail(std::string name, std::string detail, std::string cure = {}) {
  return {Finding::Level::fail, std::move(name), std::move(detail), std::move(cure)};
}

}  // namespace bulkhead::app
