#include "access/scope.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "base/bytes.h"
#include "crypto/hash.h"

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
  } else {
    const auto repository = oci::RepositoryName::parse_asked(scope.name);
    if (scope.actions.empty() || !repository) return std::nullopt;
    scope.name = repository->render();
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

std::optional<Actions> Actions::of_bits(std::uint8_t bits) {
  Actions actions;
  for (const Action action : {Action::pull, Action::push, Action::remove})
    if ((bits & bit(action)) != 0) actions.add(action);
  return actions.bits() == bits ? std::optional(actions) : std::nullopt;
}

std::vector<Scope> parse_scopes(const std::vector<std::string>& values, std::size_t limit) {
  std::vector<Scope> scopes;  // from the last to the first
  std::map<std::pair<Scope::Type, std::string>, std::size_t> places;
  const auto take = [&](std::string_view text) {
    auto scope = parse_scope(text);
    if (!scope) return;
    const auto found = places.find({scope->type, scope->name});
    if (found != places.end()) {
      scopes[found->second].actions.add(scope->actions);
    } else if (scopes.size() < limit) {
      places.emplace(std::pair(scope->type, scope->name), scopes.size());
      scopes.push_back(*std::move(scope));
    }
  };
  for (auto value = values.rbegin(); value != values.rend(); ++value) {
    for (std::string_view rest = *value; !rest.empty();) {
      const std::size_t space = rest.rfind(' ');
      take(space == std::string_view::npos ? rest : rest.substr(space + 1));
      rest = space == std::string_view::npos ? std::string_view() : rest.substr(0, space);
    }
  }
  std::ranges::reverse(scopes);
  return scopes;
}

std::array<char, 12> HashedScopes::hash_of(std::string_view repository) {
  const std::string whole = crypto::hash(crypto::HashAlgorithm::sha256, as_bytes(repository));
  std::array<char, 12> first{};
  std::copy_n(whole.begin(), first.size(), first.begin());
  return first;
}

HashedScopes::HashedScopes(const std::vector<Scope>& repositories) {
  for (const Scope& scope : repositories)
    if (scope.type == Scope::Type::repository) entries_.push_back({hash_of(scope.name), scope.actions});
  std::ranges::sort(entries_, {}, &Entry::name);
}

std::optional<HashedScopes> HashedScopes::parse(std::string_view text) {
  const auto bytes = from_base64url(text);
  constexpr std::size_t kSize = sizeof(Entry::name) + 1;
  if (!bytes || bytes->size() % kSize != 0) return std::nullopt;
  HashedScopes scopes;
  for (std::size_t at = 0; at < bytes->size(); at += kSize) {
    Entry entry;
    std::copy_n(bytes->begin() + static_cast<std::ptrdiff_t>(at), entry.name.size(), entry.name.begin());
    const auto actions = Actions::of_bits(static_cast<std::uint8_t>((*bytes)[at + entry.name.size()]));
    const bool in_order = scopes.entries_.empty() || scopes.entries_.back().name < entry.name;
    if (!actions || actions->empty() || !in_order) return std::nullopt;
    entry.actions = *actions;
    scopes.entries_.push_back(entry);
  }
  return scopes;
}

std::string HashedScopes::render() const {
  std::string bytes;
  for (const Entry& entry : entries_) {
    bytes.append(entry.name.begin(), entry.name.end());
    bytes.push_back(static_cast<char>(entry.actions.bits()));
  }
  return to_base64url(as_bytes(bytes));
}

bool HashedScopes::cover(std::string_view repository, Action action) const {
  if (entries_.empty()) return false;
  const auto name = hash_of(repository);
  const auto found = std::ranges::lower_bound(entries_, name, {}, &Entry::name);
  return found != entries_.end() && found->name == name && found->actions.has(action);
}

}  // namespace bulkhead::access
