// What of a management request comes from anybody: its path, parameters, conditions, cursor and body. For any
// input: a path leads to at most one operation, whose parameters lead back to it; what is checked gives the
// same answer twice; a cursor means one place.
//
// The first byte is the method, the second says what the rest is: a path, a condition, a cursor, or (then up
// to the first line break) a path and after it the body that is held to the description of the path's
// operation.
#include <boost/json.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "api/management/conditions.h"
#include "api/management/input.h"
#include "api/management/router.h"
#include "base/percent.h"
#include "oci/strict_json.h"

namespace management = bulkhead::api::management;
namespace http = bulkhead::http;

namespace {

void require(bool promise) {
  if (!promise) std::abort();
}

// The path that a match was made of.
std::string render(const management::Router::Match& match) {
  std::string out(match.operation->path);
  for (const auto& [name, value] : match.values) {
    const std::string parameter = "{" + std::string(name) + "}";
    const std::size_t at = out.find(parameter);
    require(at != std::string::npos);
    out.replace(at, parameter.size(), bulkhead::percent_encode(value));
  }
  return out;
}

const management::Operation* route(const management::Router& router, http::Method method,
                                   std::string_view path) {
  const auto found = router.match(method, path);
  const auto* match = std::get_if<management::Router::Match>(&found);
  if (match == nullptr) return nullptr;
  const auto again = router.match(method, render(*match));
  const auto* same = std::get_if<management::Router::Match>(&again);
  require(same != nullptr && same->operation == match->operation && same->values == match->values);
  for (const auto& [name, value] : match->values) {
    const management::Field* field = management::path_parameter(name);
    require(field != nullptr);
    if (const auto read = management::read_parameter(*field->schema, value))
      management::check(*field->schema, *read);
  }
  return match->operation;
}

void check_body(const management::Operation& operation, std::string_view text) {
  if (operation.request == nullptr) return;
  const auto parsed = bulkhead::oci::parse_strict_json(text, {.depth = 16, .values = 5000});
  if (!parsed) return;
  const auto problems = management::check(*operation.request, *parsed);
  require(problems.size() <= management::kMaxFieldProblems);
  require(problems == management::check(*operation.request, *parsed));
  for (const auto& problem : problems) require(!problem.detail.empty());
  boost::json::value wiped = *parsed;
  management::wipe(wiped);
}

void check_cursor(std::string_view text) {
  const auto cursor = management::parse_cursor(text);
  if (cursor) require(management::render_cursor(*cursor) == text);
}

void check_condition(std::string_view text) {
  const std::string tag = management::etag_of("{}");
  const auto strong = management::if_match(text, tag);
  const auto weak = management::if_none_match(text, tag);
  require(strong.has_value() == weak.has_value());
  if (strong && *strong) require(*weak);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const management::Router router(management::all_operations());
  if (size < 2) return 0;
  const auto method = static_cast<http::Method>(data[0] % 8);
  const std::string_view rest(reinterpret_cast<const char*>(data + 2), size - 2);
  switch (data[1] % 4) {
    case 0: route(router, method, rest); break;
    case 1: check_condition(rest); break;
    case 2: check_cursor(rest); break;
    default: {
      const std::size_t line = std::min(rest.find('\n'), rest.size());
      const auto* operation = route(router, method, rest.substr(0, line));
      if (operation != nullptr) check_body(*operation, rest.substr(std::min(line + 1, rest.size())));
    }
  }
  return 0;
}
