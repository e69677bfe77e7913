#include "cli/proof.h"

#include <fmt/format.h>

#include <utility>

#include "base/say.h"
#include "cli/terminal.h"

namespace bulkhead::cli {
namespace {

namespace json = boost::json;

constexpr int kTries = 3;
constexpr const char* kPath = "/sessions/current/proof";

std::string_view text(const json::value& document, std::string_view key) {
  const json::object* object = document.if_object();
  const json::value* value = object != nullptr ? object->if_contains(key) : nullptr;
  return value != nullptr && value->is_string() ? std::string_view(value->get_string()) : std::string_view();
}

bool asks_for_factor(const ApiAnswer& answer) {
  return answer.status == 401 && text(answer.body, "detail").find("second factor") != std::string_view::npos;
}

class ProvingClient final : public ApiClient {
 public:
  ProvingClient(std::unique_ptr<ApiClient> client, std::string server, std::string name)
      : client_(std::move(client)), server_(std::move(server)), name_(std::move(name)) {}

  Result<ApiAnswer> exchange(const ApiRequest& request) override {
    auto answer = client_->exchange(request);
    if (!answer || answer->status != 401 || text(answer->body, "code") != "proof_required") return answer;
    if (auto proved = prove(); !proved) return proved.error();
    return client_->exchange(request);
  }

 private:
  Result<ApiAnswer> attempt(const json::object& body) {
    return client_->exchange({.method = "POST", .path = kPath, .body = body});
  }
  static Error refused(const ApiAnswer& answer) { return problem_error(answer.status, answer.body, kPath); }

  // Which of the two the session takes the server says: of an OpenID provider's it is the factor alone.
  Result<void> prove() {
    if (!at_terminal())
      return Error{
          Errc::unauthenticated,
          fmt::format(
              "this takes a fresh proof of who you are, and there is no terminal to ask for it: log in "
              "again with `bulkhead login {}`, and do it within 15 minutes",
              server_)};
    const auto answer = attempt({});
    if (!answer) return answer.error();
    if (answer->status < 300) return {};
    const bool factor_alone = asks_for_factor(*answer);
    if (!factor_alone && answer->status != 400) return refused(*answer);
    tell("This takes a fresh proof that you are {}.\n", name_);
    return factor_alone ? give_code({}) : give({}, "password", fmt::format("Password at {}: ", server_));
  }

  Result<void> give_code(json::object body) {
    return give(std::move(body), "code", "Code of the second factor: ");
  }

  Result<void> give(json::object body, std::string_view field, const std::string& prompt) {
    for (int tries = 1;; ++tries) {
      const Secret<> given = ask_secret(prompt.c_str());
      // Nobody types none but to get away.
      if (given.empty())
        return Error{Errc::unauthenticated, fmt::format("no {} was given, and nothing is done", field)};
      body[field] = given.reveal();
      const auto answer = attempt(body);
      if (!answer) return answer.error();
      if (answer->status < 300) return {};
      if (field == "password" && asks_for_factor(*answer)) return give_code(std::move(body));
      if (answer->status != 401 || tries == kTries) return refused(*answer);
      tell("{}\n", refused(*answer).message);
    }
  }

  std::unique_ptr<ApiClient> client_;
  const std::string server_;
  const std::string name_;
};

}  // namespace

std::unique_ptr<ApiClient> make_proving_client(std::unique_ptr<ApiClient> client, std::string server,
                                               std::string name) {
  return std::make_unique<ProvingClient>(std::move(client), std::move(server), std::move(name));
}

}  // namespace bulkhead::cli
