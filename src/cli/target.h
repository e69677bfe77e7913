// Where a change goes, told to whoever sits at a terminal: "on https://registry.example.com".
#pragma once

#include <memory>
#include <string>

#include "cli/api_client.h"
#include "config/settings.h"

namespace bulkhead::cli {

// As it follows "on": the data's directory, absolute.
std::string data_target(const config::Settings& settings);

// To standard error, where that is a terminal.
void tell_target(const std::string& where);

// Tells `where` before the first request through it that changes something. `client` outlives it.
std::unique_ptr<ApiClient> make_telling_client(ApiClient& client, std::string where);

}  // namespace bulkhead::cli
