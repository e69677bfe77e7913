// A TOML file as a flat list of keys and values with their lines. The only file that knows toml++.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/value.h"

namespace bulkhead::config {

struct TomlEntry {
  std::string key;  // dotted
  unsigned line = 0;
  Value value;
};

struct TomlContents {
  std::vector<TomlEntry> entries;  // by line
  // Set when the text is not TOML, a duplicated key included; there are no entries then.
  std::string problem;
  unsigned problem_line = 0;
};

// An empty table is an entry of its own (Unusable), so that a misspelt one does not go unnoticed.
TomlContents read_toml(std::string_view text);

}  // namespace bulkhead::config
