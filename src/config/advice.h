// What settings allow and hardly anybody means: said at the start and by `bulkhead config check`, one
// sentence each.
#pragma once

#include <string>
#include <vector>

#include "config/settings.h"

namespace bulkhead::config {

std::vector<std::string> advice(const Settings& settings);

}  // namespace bulkhead::config
