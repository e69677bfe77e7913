// Trying a log-in provider out.
#pragma once

#include <string>

#include "cli/api_client.h"

namespace bulkhead::cli {

// Says on standard error where a provider that was just made or changed cannot be asked.
void warn_of_provider(ApiClient& client, const std::string& provider);

}  // namespace bulkhead::cli
