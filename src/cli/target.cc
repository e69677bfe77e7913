#include "cli/target.h"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>

#include "base/say.h"

namespace bulkhead::cli {
Result<ApiAnswer> TellingClient::exchange(const ApiRequest& request) {
  if (request.method != "GET" && !told_) {
    tell_target(where_);
    told_ = true;
  }
  last_path_ = request.path;
  return client_.exchange(request);
}

std::string data_target(const config::Settings& settings) {
  std::error_code unknown;
  const auto path = std::filesystem::absolute(settings.data, unknown).lexically_normal();
  return fmt::format("the data in {}", unknown ? std::string(settings.data) : path.string());
}

void tell_target(const std::string& where) {
  if (::isatty(STDERR_FILENO) == 1) tell("on {}\n", where);
}

}  // namespace bulkhead::cli
