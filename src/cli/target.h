// Where a change goes, told to whoever sits at a terminal: "on https://registry.example.com".
#pragma once

#include <string>
#include <utility>

#include "cli/api_client.h"
#include "config/settings.h"

namespace bulkhead::cli {

// As it follows "on": the data's directory, absolute.
std::string data_target(const config::Settings& settings);

// To standard error, where that is a terminal.
void tell_target(const std::string& where);

// Tells `where` before the first request through it that changes something. `client` outlives it.
class TellingClient final : public ApiClient {
 public:
  TellingClient(ApiClient& client, std::string where) : client_(client), where_(std::move(where)) {}

  Result<ApiAnswer> exchange(const ApiRequest& request) override;
  // What was asked for last.
  const std::string& last_path() const { return last_path_; }

 private:
  ApiClient& client_;
  std::string where_;
  std::string last_path_;
  bool told_ = false;
};

}  // namespace bulkhead::cli
