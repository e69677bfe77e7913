// One step of something that is tried out, as people are told of it.
#pragma once

#include <string>

namespace bulkhead {

struct Step {
  std::string name;  // "discovery", "bind"
  bool good = true;
  std::string detail;  // what was found, or what is wrong; never a secret. May hold text from outside.
};

}  // namespace bulkhead
