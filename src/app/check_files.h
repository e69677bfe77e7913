// What a start with these settings would find of the files that they name: for `bulkhead config check`.
#pragma once

#include <string>
#include <vector>

#include "config/settings.h"

namespace bulkhead::app {

struct FileFindings {
  std::vector<std::string> mistakes;  // a start would fail; each begins with the setting
  std::vector<std::string> advice;    // and of these it would warn
};
FileFindings check_files(const config::Settings& settings);

}  // namespace bulkhead::app
