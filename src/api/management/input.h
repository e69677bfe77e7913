// Reads what came with a request into a Call, held to the operation's description.
#pragma once

#include <string_view>
#include <vector>

#include "api/management/operation.h"

namespace bulkhead::api::management {

// Of a body.
inline constexpr std::size_t kBodyBytes = 64 << 10;
// Entries of a page when no limit is given.
inline constexpr std::size_t kPageEntries = 100;
inline constexpr std::size_t kMostPageEntries = 1000;

// `limit` and `after`.
std::span<const Field> paging_parameters();

// The query's parameters as `query` describes them, `limit` and `after` for pages. A parameter that is given
// twice, or is not known, is a problem.
std::vector<FieldProblem> read_query(const Operation& operation, std::string_view query, Call& call);
// The path's parameters.
std::vector<FieldProblem> check_path(const Call& call);
// JSON text. Errc::invalid_argument when it is none, Errc::too_large.
Result<std::vector<FieldProblem>> read_body(const Operation& operation, std::string_view text, Call& call);

// application/json, with whatever parameters.
bool is_json(std::string_view content_type);

// Where a page begins, as clients see it.
std::string render_cursor(std::string_view last);
std::optional<std::string> parse_cursor(std::string_view text);

// Overwrites the texts of a value that may have held secrets.
void wipe(boost::json::value& value);

}  // namespace bulkhead::api::management
