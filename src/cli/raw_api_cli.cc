// api METHOD PATH: any request of the management API, as whoever is logged in or as the operator.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <cctype>
#include <cstdio>
#include <memory>

#include "base/say.h"
#include "base/shown.h"
#include "cli/api_cli.h"
#include "oci/strict_json.h"

namespace bulkhead::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t kBodyBytes = 64 << 10;  // what the API takes
constexpr std::string_view kRoot = "/api/v1";

struct RawOptions {
  std::string method;
  std::string path;
  std::string body;
  std::string if_match;
  std::vector<std::string> headers;
  bool all = false;
};

// "users/alice", "/users/alice" and "/api/v1/users/alice" are the same.
std::string path_below_root(std::string_view path) {
  if (path.starts_with(kRoot)) path.remove_prefix(kRoot.size());
  return fmt::format("{}{}", path.starts_with('/') ? "" : "/", path);
}

Result<json::value> read_body(const std::string& given) {
  if (given.empty()) return json::value(nullptr);
  std::string text = given;
  if (given == "-") {
    text.resize(kBodyBytes + 1);
    text.resize(std::fread(text.data(), 1, text.size(), stdin));
  }
  const Secret<> wiped(std::move(text));
  if (wiped.reveal().size() > kBodyBytes)
    return Error{Errc::too_large, "the body is longer than the 64 KiB that the API takes"};
  auto body = oci::parse_strict_json(wiped.reveal(), {.depth = 32, .values = 10'000});
  if (!body) return Error{body.error().code, fmt::format("--json: {}", body.error().message)};
  return body;
}

Result<void> check_headers(const std::vector<std::string>& headers) {
  for (const std::string& header : headers) {
    const auto colon = header.find(':');
    const bool named =
        colon != std::string::npos && colon > 0 &&
        std::all_of(header.begin(), header.begin() + static_cast<std::ptrdiff_t>(colon),
                    [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_'; });
    const bool printable = std::ranges::all_of(header, [](char c) { return c >= ' ' && c <= '~'; });
    if (!named || !printable)
      return Error{Errc::invalid_argument,
                   fmt::format("\"{}\" is no header; write it as in 'Idempotency-Key: 1'", header)};
    std::string name = header.substr(0, colon);
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
    if (name == "authorization")
      return Error{Errc::invalid_argument, "the log-in is the authorization; --server chooses another"};
    if (name == "if-match") return Error{Errc::invalid_argument, "give the ETag with --if-match"};
  }
  return {};
}

Result<ApiRequest> request_of(const RawOptions& options) {
  if (auto checked = check_headers(options.headers); !checked) return checked.error();
  auto body = read_body(options.body);
  if (!body) return body.error();
  ApiRequest request{.method = options.method,
                     .path = path_below_root(options.path),
                     .body = *std::move(body),
                     .if_match = options.if_match,
                     .headers = options.headers};
  std::ranges::transform(request.method, request.method.begin(),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  if (options.all && request.method != "GET")
    return Error{Errc::invalid_argument, "--all is for lists, which GET reads"};
  return request;
}

Result<ApiAnswer> answer_of(ApiClient& client, const RawOptions& options) {
  auto request = request_of(options);
  if (!request) return request.error();
  if (options.all) {
    auto items = client.list(request->path);
    if (!items) return items.error();
    return ApiAnswer{200, json::object{{"items", *std::move(items)}}, ""};
  }
  if (options.if_match == "auto") {
    const auto current = client.send({.path = request->path});
    if (!current) return current.error();
    request->if_match = current->etag;
  }
  return client.exchange(*request);
}

// Of a body it speaks in the API's words, which is what was typed.
Error problem_of(const ApiAnswer& answer, const std::string& path) {
  const json::object* document = answer.body.if_object();
  const json::value* detail = document != nullptr ? document->if_contains("detail") : nullptr;
  if (answer.status == 400 && detail != nullptr && detail->is_string())
    return {Errc::invalid_argument, shown(detail->get_string())};
  return problem_error(answer.status, answer.body, path_below_root(path));
}

Result<void> perform_raw(const CommandLine& line, const RawOptions& options) {
  std::optional<Error> problem;
  const auto done = perform_api(
      line,
      [&](ApiClient& client) -> Result<json::value> {
        auto answer = answer_of(client, options);
        if (!answer) return answer.error();
        if (answer->status < 200 || answer->status >= 300) problem = problem_of(*answer, options.path);
        return std::move(answer->body);
      },
      [](const json::value& body) {
        if (!body.is_null()) say_json(json::serialize(body));
      });
  if (!done) return done.error();
  if (problem) return *problem;
  return {};
}

}  // namespace

void add_raw_api_command(Command& app, CommandLine& line) {
  const auto options = std::make_shared<RawOptions>();
  auto* api = app.add_subcommand("api", "Make any request of the management API, and print what it answers");
  add_settings(*api, line, false);
  api->add_option("method", options->method, "GET, POST, PUT, PATCH or DELETE")->required();
  api->add_option("path", options->path, "Below /api/v1, with its query; slashes in names are written %2F")
      ->required();
  api->add_option("--json", options->body, "The body; \"-\" reads it from standard input")->type_name("BODY");
  api->add_option("--if-match", options->if_match,
                  "The ETag of what is to be changed; \"auto\" reads it first, \"*\" is for any")
      ->type_name("ETAG");
  api->add_option("--header", options->headers, "Another header, several times if need be")
      ->one_value()
      ->type_name("'NAME: VALUE'");
  api->add_flag("--all", options->all, "Of a list, all pages as one");
  api->callback([&line, options] { line.action = [&line, options] { return perform_raw(line, *options); }; });
  for (const char* example : {
           "api GET /users/alice",
           "api PATCH /users/alice --if-match auto --json '{\"display_name\": \"Alice\"}'",
       })
    app.example(example);
}

}  // namespace bulkhead::cli
