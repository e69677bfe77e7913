#include "access/scope.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace bulkhead::access {
namespace {

constexpr std::string_view kCatalog = "catalog";

// Calls `each` with the parts of `text` between separators, until it returns false.
template <class F>
bool split(std::string_view text, char separator, const F& each) {
  for (;;) {
    const auto end = text.find(separator);
    if (!each(text.substr(0, end))) return false;
    if (end == std::string_view::npos) return true;
    text.remove_prefix(end + 1);
  }
}

std::optional<Scope::Type> parse_type(std::string_view text) {
  if (text == "registry") return Scope::Type::catalog;
  constexpr std::string_view kRepository = "repository";
  if (!text.starts_with(kRepository)) return std::nullopt;
  const auto resource_class = text.substr(kRepository.size());
  if (resource_class.empty() || (resource_class.front() == '(' && resource_class.back() == ')'))
    return Scope::Type::repository;
  return std::nullopt;
}

std::optional<Scope> parse_scope(std::string_view text) {
  // A name may hold colons, when a client puts the registry's host and port before it; so the ends are cut
  // off first.
  const auto first = text.find(':');
  const auto last = text.rfind(':');
  if (first == last) return std::nullopt;
  const auto type = parse_type(text.substr(0, first));
  if (!type) return std::nullopt;
  Scope scope{*type, std::string(text.substr(first + 1, last - first - 1)), {}};
  split(text.substr(last + 1), ',', [&](std::string_view word) {
    scope.actions.add(word);
    return true;
  });
  if (scope.type == Scope::Type::catalog) {
    if (scope.name != kCatalog || !scope.actions.all()) return std::nullopt;
  } else if (scope.actions.empty() || !oci::RepositoryName::parse(scope.name)) {
    return std::nullopt;
  }
  return scope;
}

}  // namespace

bool Actions::add(std::string_view word) {
  bool known = false;
  for (const Action action : {Action::pull, Action::push, Action::remove}) {
    if (word != "*" && word != name(action)) continue;
    add(action);
    known = true;
  }
  return known;
}

std::vector<std::string> Actions::render() const {
  std::vector<std::string> words;
  for (const Action action : {Action::pull, Action::push, Action::remove})
    if (has(action)) words.emplace_back(name(action));
  return words;
}

std::string_view name(Scope::Type type) {
  return type == Scope::Type::repository ? "repository" : "registry";
}

Result<std::vector<Scope>> parse_scopes(const std::vector<std::string>& values, std::size_t limit) {
  std::vector<Scope> scopes;
  std::size_t seen = 0;
  const auto take = [&](std::string_view text) {
    if (text.empty()) return true;
    if (++seen > limit) return false;
    auto scope = parse_scope(text);
    if (!scope) return true;
    const auto same = std::ranges::find_if(
        scopes, [&](const Scope& other) { return other.type == scope->type && other.name == scope->name; });
    if (same != scopes.end())
      same->actions.add(scope->actions);
    else
      scopes.push_back(*std::move(scope));
    return true;
  };
  for (const std::string& value : values)
    if (!split(value, ' ', take))
      return Error{Errc::invalid_argument, fmt::format("more than {} scopes are asked for at once", limit)};
  return scopes;
}

}  // namespace bulkhead::access
