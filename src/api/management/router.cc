#include "api/management/router.h"

#include <algorithm>

namespace bulkhead::api::management {
namespace {

constexpr std::size_t kSegments = 12;

std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> out;
  while (path.starts_with('/') && out.size() <= kSegments) {
    path.remove_prefix(1);
    const std::size_t slash = path.find('/');
    out.push_back(path.substr(0, slash));
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash);
  }
  return out;
}

bool is_parameter(std::string_view segment) { return segment.starts_with('{'); }
std::string_view parameter_name(std::string_view segment) { return segment.substr(1, segment.size() - 2); }

// "/users/{user}" before "/users/{user}/teams"; "/sessions/current" before "/sessions/{session}".
bool comes_before(const std::vector<std::string_view>& left, const std::vector<std::string_view>& right) {
  for (std::size_t i = 0; i < std::min(left.size(), right.size()); ++i)
    if (is_parameter(left[i]) != is_parameter(right[i])) return is_parameter(right[i]);
  return left.size() < right.size();
}

}  // namespace

std::string_view method_name(http::Method method) {
  switch (method) {
    case http::Method::get: return "GET";
    case http::Method::head: return "HEAD";
    case http::Method::post: return "POST";
    case http::Method::put: return "PUT";
    case http::Method::patch: return "PATCH";
    case http::Method::delete_: return "DELETE";
    case http::Method::options: return "OPTIONS";
    case http::Method::other: break;
  }
  return "";
}

Router::Router(std::vector<const Operation*> operations) : operations_(std::move(operations)) {
  for (const Operation* operation : operations_) {
    auto segments = split(operation->path);
    const auto found = std::ranges::find(templates_, segments, &Template::segments);
    if (found != templates_.end())
      found->operations.push_back(operation);
    else
      templates_.push_back({std::move(segments), {operation}});
  }
  std::ranges::stable_sort(templates_, comes_before, &Template::segments);
}

std::variant<Router::Match, Router::WrongMethod, Router::NoRoute> Router::match(http::Method method,
                                                                                std::string_view path) const {
  if (method == http::Method::head) method = http::Method::get;
  // No request line holds other bytes as they are; encoded, they are looked at below.
  if (std::ranges::any_of(path, [](char c) { return c <= ' ' || c > '~'; })) return NoRoute{};
  const auto segments = split(path);
  for (const Template& candidate : templates_) {
    if (candidate.segments.size() != segments.size()) continue;
    Call::PathValues values;
    const bool same = std::ranges::equal(candidate.segments, segments, [&](auto wanted, auto given) {
      if (!is_parameter(wanted)) return wanted == given;
      auto decoded = http::percent_decode(given);
      if (!decoded || decoded->empty()) return false;
      values.emplace_back(parameter_name(wanted), std::move(*decoded));
      return true;
    });
    if (!same) continue;
    Match match{nullptr, std::move(values), nullptr};
    std::string allowed;
    for (const Operation* operation : candidate.operations) {
      if (!allowed.empty()) allowed += ", ";
      allowed += method_name(operation->method);
      if (operation->method == http::Method::get) {
        match.reading = operation;
        allowed += ", HEAD";
      }
      if (operation->method == method) match.operation = operation;
    }
    if (match.operation == nullptr) return WrongMethod{std::move(allowed)};
    return match;
  }
  return NoRoute{};
}

}  // namespace bulkhead::api::management
