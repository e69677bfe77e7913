#include "cli/api_client.h"

#include <fmt/format.h>

#include <utility>

#include "base/shown.h"
#include "cli/field_words.h"
#include "cli/operator.h"

namespace bulkhead::cli {
namespace {

namespace json = boost::json;

class LocalClient final : public ApiClient {
 public:
  LocalClient(const config::Settings& settings, bool named) : operator_(settings, named) {}

  Result<ApiAnswer> exchange(const ApiRequest& request) override {
    if (!request.headers.empty())
      return Error{Errc::unsupported, "the operator's requests have no headers; leave them out, or log in"};
    json::object command{{"command", "api.request"},
                         {"method", request.method},
                         {"path", request.path},
                         {"if_match", request.if_match}};
    if (!request.body.is_null()) command["body"] = request.body;
    auto value = operator_.run(command);
    if (!value) return value.error();
    const json::object& answer = value->as_object();
    return ApiAnswer{static_cast<unsigned>(answer.at("status").to_number<std::int64_t>()), answer.at("body"),
                     std::string(answer.at("etag").as_string())};
  }

 private:
  Operator operator_;
};

const json::string* text(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr ? value->if_string() : nullptr;
}

// Of {"errors": [{"message": …}]}, the shape of what is said in front of the management API; nullptr else.
const json::string* registry_message(const json::value& document) {
  const json::object* object = document.if_object();
  const json::value* errors = object != nullptr ? object->if_contains("errors") : nullptr;
  const json::array* list = errors != nullptr ? errors->if_array() : nullptr;
  if (list == nullptr || list->empty() || !list->front().is_object()) return nullptr;
  return text(list->front().get_object(), "message");
}

// What the management API says of what is not there, and of what it hides.
constexpr std::string_view kNothingThere = "there is nothing at this address, or it is not yours to see";

// "repositories/acme/app" of "/repositories/acme%2Fapp?limit=1000": of what names have in them, path_of()
// encodes no more than these.
std::string readable(std::string_view path) {
  std::string out(path.substr(0, path.find('?')).substr(path.starts_with('/') ? 1 : 0));
  for (const auto& [code, character] : {std::pair("%2F", "/"), std::pair("%2B", "+")})
    for (auto at = out.find(code); at != std::string::npos; at = out.find(code))
      out.replace(at, 3, character);
  return out;
}

Errc errc_of(unsigned status, std::string_view code) {
  for (int i = 0; i <= static_cast<int>(Errc::internal); ++i)
    if (name(static_cast<Errc>(i)) == code) return static_cast<Errc>(i);
  // Of a log-in in a browser: go on asking, and more slowly.
  if (code == "authorization_pending") return Errc::conflict;
  if (code == "slow_down") return Errc::rate_limited;
  if (code == "busy") return Errc::upload_busy;
  if (status == 401) return Errc::unauthenticated;
  if (status == 403) return Errc::denied;
  if (status == 412 || status == 428) return Errc::conflict;
  return status < 500 ? Errc::invalid_argument : Errc::unavailable;
}

Result<json::value> body_of(Result<ApiAnswer> answer) {
  if (!answer) return answer.error();
  return std::move(answer->body);
}

}  // namespace

Error problem_error(unsigned status, const json::value& document, std::string_view path) {
  const json::object* object = document.if_object();
  const json::string* code = object != nullptr ? text(*object, "code") : nullptr;
  const json::string* detail = object != nullptr ? text(*object, "detail") : nullptr;
  if (code == nullptr || detail == nullptr) {
    if (const json::string* said = registry_message(document))
      return {errc_of(status, ""), fmt::format("the server answered {}: {}", status, shown(*said))};
    return {Errc::unavailable,
            fmt::format("the server answered {}, in words that are not understood", status)};
  }
  // Of a mistyped name: people have given no address.
  if (*detail == kNothingThere)
    return {errc_of(status, *code),
            fmt::format("there is nothing at {}, or it is not yours to see", shown(readable(path)))};
  if (const json::value* parts = object->if_contains("errors"); parts != nullptr && parts->is_array())
    if (std::string words = in_flags(parts->get_array()); !words.empty())
      return {errc_of(status, *code), std::move(words)};
  if (*code == "proof_required")
    return {errc_of(status, *code), fmt::format("{} (bulkhead login)", shown(*detail))};
  // A server's words are somebody else's, and one line of ours.
  return {errc_of(status, *code), shown(*detail)};
}

Result<ApiAnswer> ApiClient::send(const ApiRequest& request) {
  auto answer = exchange(request);
  if (!answer || (answer->status >= 200 && answer->status < 300)) return answer;
  problem_ = std::move(answer->body);
  return problem_error(answer->status, problem_, request.path);
}

Result<json::value> ApiClient::get(std::string_view path) {
  return body_of(send({.path = std::string(path)}));
}

Result<json::array> ApiClient::list(std::string_view path) {
  json::array out;
  std::string next;
  const char joint = path.find('?') == std::string_view::npos ? '?' : '&';
  do {
    std::string page = fmt::format("{}{}limit=1000", path, joint);
    if (!next.empty()) page += "&after=" + next;
    auto answer = send({.path = std::move(page)});
    if (!answer) return answer.error();
    json::object& object = answer->body.as_object();
    for (json::value& item : object.at("items").as_array()) out.push_back(std::move(item));
    const json::string* cursor = text(object, "next");
    next = cursor != nullptr ? std::string(*cursor) : std::string();
  } while (!next.empty());
  return out;
}

Result<json::value> ApiClient::create(std::string_view path, json::object body) {
  return body_of(send({.method = "POST", .path = std::string(path), .body = std::move(body)}));
}

Result<json::value> ApiClient::put(std::string_view path, json::object body) {
  return body_of(send({.method = "PUT", .path = std::string(path), .body = std::move(body)}));
}

Result<json::value> ApiClient::change(std::string_view path, json::object body) {
  const auto current = send({.path = std::string(path)});
  if (!current) return current.error();
  return body_of(send(
      {.method = "PATCH", .path = std::string(path), .body = std::move(body), .if_match = current->etag}));
}

Result<void> ApiClient::remove(std::string_view path) {
  auto answer = send({.method = "DELETE", .path = std::string(path)});
  if (!answer) return answer.error();
  return {};
}

std::unique_ptr<ApiClient> make_local_client(const config::Settings& settings, bool named) {
  return std::make_unique<LocalClient>(settings, named);
}

}  // namespace bulkhead::cli
