#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <stdexcept>

#include "api/management/operation.h"

namespace bulkhead::api::management {
namespace {

namespace json = boost::json;

// The member when it is there and not null.
const json::value* member(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value == nullptr || value->is_null() ? nullptr : value;
}

std::int64_t number_in(std::string_view text) {
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

}  // namespace

std::string_view name(Reach reach) {
  switch (reach) {
    case Reach::none: return "none";
    case Reach::read: return "read";
    case Reach::write: return "write";
  }
  return "";
}

const std::string& Call::path(std::string_view name) const {
  const auto found = std::ranges::find(path_values, name, [](const auto& value) { return value.first; });
  if (found == path_values.end())
    throw std::logic_error(fmt::format("the operation's path has no parameter {}", name));
  return found->second;
}

std::int64_t Call::number(std::string_view name) const { return number_in(path(name)); }
std::int64_t Call::after_number() const { return number_in(after); }

bool Call::is_null(std::string_view name) const {
  const json::value* value = body.if_contains(name);
  return value != nullptr && value->is_null();
}

std::optional<std::string> Call::text(std::string_view name) const {
  const json::value* value = member(body, name);
  if (value == nullptr) return std::nullopt;
  return std::string(value->as_string());
}

std::optional<std::int64_t> Call::integer(std::string_view name) const {
  const json::value* value = member(body, name);
  if (value == nullptr) return std::nullopt;
  return value->as_int64();
}

bool Call::flag(std::string_view name, bool otherwise) const {
  const json::value* value = member(body, name);
  return value == nullptr ? otherwise : value->as_bool();
}

Secret<> Call::secret(std::string_view name) const {
  const json::value* value = member(body, name);
  return value == nullptr ? Secret<>() : Secret<>(std::string(value->as_string()));
}

std::string Call::filter(std::string_view name) const {
  const json::value* value = member(query, name);
  return value == nullptr ? std::string() : std::string(value->as_string());
}

std::optional<bool> Call::filter_flag(std::string_view name) const {
  const json::value* value = member(query, name);
  if (value == nullptr) return std::nullopt;
  return value->as_bool();
}

}  // namespace bulkhead::api::management
