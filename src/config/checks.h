// What must hold between settings that are each right on their own.
#pragma once

#include <string>
#include <vector>

#include "config/load.h"

namespace bulkhead::config {

// One line for each contradiction, beginning with the origin of the value to change.
std::vector<std::string> contradictions(const Loaded& loaded);

}  // namespace bulkhead::config
