#include "api/management/openapi.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cctype>
#include <map>

#include "api/management/input.h"
#include "api/management/router.h"

namespace bulkhead::api::management {
namespace {

namespace json = boost::json;

constexpr std::string_view kAbout =
    "The management API of a Bulkhead installation. Names of repositories are one path segment, their "
    "slashes "
    "written %2F. Lists come in pages: `limit` entries after `after`, the next page in `next` and in a Link "
    "header. Changes that need it take the ETag of what was read as If-Match. Creations take an "
    "Idempotency-Key: the same request with the same key within 24 hours is answered with what the first one "
    "made, without its secrets. Errors are problem details (RFC 9457). What may not be seen and what is not "
    "there are the same 404.";

constexpr Schema kWord = text(0, 4096);
constexpr Schema kStatus = integer(400, 599);
constexpr Field kPartFields[] = {
    {"pointer", &kWord, "Where in the body (RFC 6901)"},
    {"parameter", &kWord, "The parameter's name"},
    {"header", &kWord, "The header's name"},
    {"detail", &kWord, "What is wrong with it", kRequired},
};
constexpr Schema kPart = object("", kPartFields);
constexpr Schema kParts = list(kPart, static_cast<std::int64_t>(kMaxFieldProblems));
constexpr Field kProblemFields[] = {
    {"type", &kWord, "A URN that ends in the code", kRequired},
    {"title", &kWord, "The same for each problem of the type", kRequired},
    {"status", &kStatus, "", kRequired},
    {"detail", &kWord, "What was wrong this time, and what to do", kRequired},
    {"instance", &kWord, "The request's id, which logs and evidence carry too", kRequired},
    {"code", &kWord, "For programs, such as not_found", kRequired},
    {"errors", &kParts, "The parts of the request that are wrong"},
};
constexpr Schema kProblem = object("Problem", kProblemFields);

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

// The named objects that descriptions lead to; `true` for those that come in requests and are closed.
using Components = std::map<std::string_view, std::pair<const Schema*, bool>>;

void collect(const Schema& schema, bool closed, Components& into) {
  if (!schema.name.empty()) {
    auto& entry = into[schema.name];
    const bool seen = entry.first != nullptr && (entry.second || !closed);
    entry = {&schema, entry.second || closed};
    if (seen) return;
  }
  if (schema.items != nullptr) collect(*schema.items, closed, into);
  for (const Field& field : schema.fields) collect(*field.schema, closed, into);
}

json::object parameter(std::string_view place, const Field& field, bool required) {
  json::object out{{"name", json::string(field.name)},
                   {"in", json::string(place)},
                   {"required", required},
                   {"schema", describe(*field.schema, true)}};
  if (!field.about.empty()) out["description"] = field.about;
  return out;
}

constexpr Schema kCondition = text(1, 1024);
constexpr Schema kKey = text(1, 255, kVisible);
constexpr Field kIfMatch{"If-Match", &kCondition, "The ETag of what is to be changed, or *"};
constexpr Field kIfNoneMatch{"If-None-Match", &kCondition,
                             "ETags that are known already; 304 if one is current"};
constexpr Field kIdempotencyKey{"Idempotency-Key", &kKey, "Makes sending the request again harmless"};

// Path parameters in the order of the template.
void add_path_parameters(std::string_view path, json::array& into) {
  for (std::size_t at = path.find('{'); at != std::string_view::npos; at = path.find('{', at + 1)) {
    const std::string_view name = path.substr(at + 1, path.find('}', at) - at - 1);
    if (const Field* field = path_parameter(name)) into.push_back(parameter("path", *field, true));
  }
}

json::array parameters_of(const Operation& operation) {
  json::array out;
  add_path_parameters(operation.path, out);
  for (const Field& field : operation.query) out.push_back(parameter("query", field, field.required));
  if (operation.paged)
    for (const Field& field : paging_parameters()) out.push_back(parameter("query", field, false));
  if (operation.if_match != IfMatch::unused)
    out.push_back(parameter("header", kIfMatch, operation.if_match == IfMatch::required));
  if (operation.method == http::Method::get && !operation.secret)
    out.push_back(parameter("header", kIfNoneMatch, false));
  if (operation.creates) out.push_back(parameter("header", kIdempotencyKey, false));
  return out;
}

json::object content(std::string_view type, const Schema& schema, bool closed) {
  return {{type, json::object{{"schema", describe(schema, closed)}}}};
}

json::object header(std::string_view about) {
  return {{"description", json::string(about)}, {"schema", json::object{{"type", "string"}}}};
}

json::object responses_of(const Operation& operation) {
  json::object success{{"description", operation.response == nullptr ? "Done" : "The representation"}};
  json::object headers;
  if (operation.creates) {
    headers["Location"] = header("Of what was created");
    headers["Idempotency-Replayed"] = header("\"true\" when an earlier request created it");
  }
  if (operation.response != nullptr && operation.method != http::Method::post && !operation.secret)
    headers["ETag"] = header("Of the representation");
  if (operation.paged) headers["Link"] = header("rel=\"next\": the next page");
  if (!headers.empty()) success["headers"] = std::move(headers);
  if (operation.response != nullptr)
    success["content"] = content("application/json", *operation.response, false);
  json::object out{{std::to_string(operation.status), std::move(success)}};
  if (operation.method == http::Method::get && !operation.secret)
    out["304"] = json::object{{"description", "If-None-Match names the current representation"}};
  out["default"] = json::object{{"description", "A problem"},
                                {"content", content("application/problem+json", kProblem, false)}};
  return out;
}

json::object describe_operation(const Operation& operation) {
  json::object out{{"operationId", json::string(operation.id)},
                   {"tags", json::array{json::string(operation.tag)}},
                   {"summary", json::string(operation.summary)},
                   {"x-bulkhead-permission", json::string(describe(operation.permission))}};
  if (operation.proof) out["x-bulkhead-proof"] = true;
  if (operation.proof_for != nullptr) out["x-bulkhead-proof-where-it-gives-power"] = true;
  json::array parameters = parameters_of(operation);
  if (!parameters.empty()) out["parameters"] = std::move(parameters);
  if (operation.request != nullptr)
    out["requestBody"] =
        json::object{{"required", true}, {"content", content("application/json", *operation.request, true)}};
  out["responses"] = responses_of(operation);
  if (operation.permission.kind == Permission::Kind::anyone) out["security"] = json::array();
  return out;
}

}  // namespace

boost::json::object render_openapi(const std::vector<const Operation*>& operations) {
  json::object paths;
  Components components;
  collect(kProblem, false, components);
  for (const Operation* operation : operations) {
    const std::string path = fmt::format("/api/v1{}", operation->path);
    json::value& item = paths[path];
    if (item.is_null()) item = json::object();
    item.as_object()[lower(method_name(operation->method))] = describe_operation(*operation);
    if (operation->request != nullptr) collect(*operation->request, true, components);
    if (operation->response != nullptr) collect(*operation->response, false, components);
  }
  json::object schemas;
  for (const auto& [name, component] : components)
    schemas[name] = describe_object(*component.first, component.second);
  const json::object bearer{{"type", "http"},
                            {"scheme", "bearer"},
                            {"description", "A session's token (POST /api/v1/sessions) or an access token"}};
  return {
      {"openapi", "3.1.0"},
      {"info", json::object{{"title", "Bulkhead"}, {"version", "1"}, {"description", json::string(kAbout)}}},
      {"security", json::array{json::object{{"bearer", json::array()}}}},
      {"paths", std::move(paths)},
      {"components",
       json::object{{"schemas", std::move(schemas)}, {"securitySchemes", json::object{{"bearer", bearer}}}}}};
}

}  // namespace bulkhead::api::management
