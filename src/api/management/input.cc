#include "api/management/input.h"

#include <string.h>

#include <algorithm>

#include "base/bytes.h"
#include "oci/strict_json.h"

namespace bulkhead::api::management {
namespace {

namespace json = boost::json;

constexpr std::size_t kBodyDepth = 16;
constexpr std::size_t kBodyValues = 5000;

constexpr Schema kLimit = integer(1, static_cast<std::int64_t>(kMostPageEntries));
constexpr Schema kAfter = text(1, 1024, kVisible);
constexpr Field kPaging[] = {
    {"limit", &kLimit, "The most entries to answer with; 100 when absent", false},
    {"after", &kAfter, "The `next` of the page before", false},
};

const Field* find(std::span<const Field> fields, std::string_view name) {
  const auto found = std::ranges::find(fields, name, &Field::name);
  return found == fields.end() ? nullptr : &*found;
}

FieldProblem parameter_problem(std::string_view name, std::string detail) {
  return {FieldProblem::Place::parameter, std::string(name), std::move(detail)};
}

// What is wrong with one parameter, and its value when nothing is.
std::optional<FieldProblem> read_one(const Field& field, std::string_view text, json::value& into) {
  auto value = read_parameter(*field.schema, text);
  if (!value)
    return parameter_problem(field.name, field.schema->kind == Schema::Kind::boolean ? "must be true or false"
                                                                                     : "must be an integer");
  const auto problems = check(*field.schema, *value);
  if (!problems.empty()) return parameter_problem(field.name, problems.front().detail);
  into = std::move(*value);
  return std::nullopt;
}

}  // namespace

std::span<const Field> paging_parameters() { return kPaging; }

std::string render_cursor(std::string_view last) { return to_base64url(as_bytes(last)); }

std::optional<std::string> parse_cursor(std::string_view text) {
  auto decoded = from_base64url(text);
  if (!decoded || decoded->find('\0') != std::string::npos) return std::nullopt;
  constexpr Schema kAnyText = management::text(0, 1024);
  if (!check(kAnyText, json::value(json::string(*decoded))).empty()) return std::nullopt;
  return decoded;
}

std::vector<FieldProblem> read_query(const Operation& operation, std::string_view query, Call& call) {
  const auto parameters = http::parse_query(query);
  if (!parameters) return {parameter_problem("", "the query is not properly encoded")};
  std::vector<FieldProblem> problems;
  for (const auto& [name, value] : *parameters) {
    const Field* field = find(operation.query, name);
    if (field == nullptr && operation.paged) field = find(kPaging, name);
    if (problems.size() >= kMaxFieldProblems) break;
    if (field == nullptr)
      problems.push_back(parameter_problem(name, "is not known here"));
    else if (call.query.contains(name))
      problems.push_back(parameter_problem(name, "is given more than once"));
    else if (auto problem = read_one(*field, value, call.query[name]))
      problems.push_back(std::move(*problem));
  }
  for (const Field& field : operation.query)
    if (field.required && !call.query.contains(field.name))
      problems.push_back(parameter_problem(field.name, "is required"));
  if (!operation.paged || !problems.empty()) return problems;

  call.limit = std::min(kPageEntries, call.options.page_size);
  if (const json::value* limit = call.query.if_contains("limit"))
    call.limit = std::min(static_cast<std::size_t>(limit->as_int64()), call.options.page_size);
  const json::value* after = call.query.if_contains("after");
  if (after == nullptr) return problems;
  auto cursor = parse_cursor(after->as_string());
  if (!cursor)
    problems.push_back(parameter_problem("after", "must be the `next` of a page"));
  else
    call.after = std::move(*cursor);
  return problems;
}

std::vector<FieldProblem> check_path(const Call& call) {
  std::vector<FieldProblem> problems;
  for (const auto& [name, text] : call.path_values) {
    const Field* field = path_parameter(name);
    json::value ignored;
    if (field == nullptr)
      problems.push_back(parameter_problem(name, "is not described"));
    else if (auto problem = read_one(*field, text, ignored))
      problems.push_back(std::move(*problem));
  }
  return problems;
}

Result<std::vector<FieldProblem>> read_body(const Operation& operation, std::string_view text, Call& call) {
  if (operation.request == nullptr) {
    if (text.empty()) return std::vector<FieldProblem>();
    return Error{Errc::invalid_argument, "this request takes no body"};
  }
  auto parsed = oci::parse_strict_json(text, {.depth = kBodyDepth, .values = kBodyValues});
  if (!parsed) return parsed.error();
  auto problems = check(*operation.request, *parsed);
  if (problems.empty()) call.body = std::move(parsed->as_object());
  wipe(*parsed);
  return problems;
}

bool is_json(std::string_view content_type) {
  std::string_view type = content_type.substr(0, content_type.find(';'));
  while (type.ends_with(' ')) type.remove_suffix(1);
  return http::equals_ignoring_case(type, "application/json");
}

void wipe(json::value& value) {
  if (value.is_string()) {
    json::string& text = value.get_string();
    ::explicit_bzero(text.data(), text.size());
    return;
  }
  if (value.is_array())
    for (json::value& entry : value.get_array()) wipe(entry);
  if (value.is_object())
    for (auto& [key, member] : value.get_object()) wipe(member);
}

}  // namespace bulkhead::api::management
