#include "cli/target.h"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>

#include "base/say.h"

namespace bulkhead::cli {
namespace {

class TellingClient final : public ApiClient {
 public:
  TellingClient(ApiClient& inner, std::string where) : inner_(inner), where_(std::move(where)) {}

  Result<ApiAnswer> send(const ApiRequest& request) override {
    if (request.method != "GET" && !told_) {
      tell_target(where_);
      told_ = true;
    }
    return inner_.send(request);
  }

 private:
  ApiClient& inner_;
  std::string where_;
  bool told_ = false;
};

}  // namespace

std::string data_target(const config::Settings& settings) {
  std::error_code unknown;
  const auto path = std::filesystem::absolute(settings.data, unknown).lexically_normal();
  return fmt::format("the data in {}", unknown ? std::string(settings.data) : path.string());
}

void tell_target(const std::string& where) {
  if (::isatty(STDERR_FILENO) == 1) tell("on {}\n", where);
}

std::unique_ptr<ApiClient> make_telling_client(ApiClient& client, std::string where) {
  return std::make_unique<TellingClient>(client, std::move(where));
}

}  // namespace bulkhead::cli
