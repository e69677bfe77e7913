#include "app/arguments.h"

#include <fmt/format.h>

namespace bulkhead::app {

const boost::json::value* Arguments::find(std::string_view name) {
  known_.emplace(name);
  return object_.if_contains(name);
}

std::string Arguments::text(std::string_view name) {
  const auto* value = find(name);
  if (value == nullptr) return {};
  if (!value->is_string()) {
    problem_ = fmt::format("{} must be text", name);
    return {};
  }
  return std::string(value->get_string());
}

bool Arguments::has(std::string_view name) { return find(name) != nullptr; }

bool Arguments::flag(std::string_view name) {
  const auto* value = find(name);
  if (value == nullptr) return false;
  if (!value->is_bool()) problem_ = fmt::format("{} must be true or false", name);
  return value->is_bool() && value->get_bool();
}

std::optional<std::int64_t> Arguments::integer(std::string_view name) {
  const auto* value = find(name);
  if (value == nullptr) return std::nullopt;
  // Parsed text gives an int64, a value made in this process may be a uint64.
  boost::system::error_code not_one;
  const auto number = value->is_number() ? value->to_number<std::int64_t>(not_one) : 0;
  if (!value->is_number() || value->is_double() || not_one) {
    problem_ = fmt::format("{} must be an integer", name);
    return std::nullopt;
  }
  return number;
}

const boost::json::value* Arguments::object(std::string_view name) {
  const auto* value = find(name);
  if (value != nullptr && !value->is_object()) problem_ = fmt::format("{} must be an object", name);
  return value;
}

Result<void> Arguments::check() const {
  if (!problem_.empty()) return Error{Errc::invalid_argument, problem_};
  for (const auto& [key, value] : object_)
    if (!known_.contains(std::string_view(key)))
      return Error{Errc::invalid_argument, fmt::format("unknown argument {}", std::string_view(key))};
  return {};
}

}  // namespace bulkhead::app
