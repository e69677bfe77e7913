#include "identity/login/token_scopes.h"

#include <fmt/format.h>

#include <algorithm>

#include "oci/quote.h"

namespace bulkhead::identity {

Result<TokenActions> TokenActions::parse(std::string_view text) {
  TokenActions actions;
  for (;;) {
    const auto comma = text.find(',');
    const std::string_view word = text.substr(0, comma);
    const bool all = word == "*";
    if (!all && word != "pull" && word != "push" && word != "delete")
      return Error{Errc::invalid_argument,
                   fmt::format("{} is not an action; the actions are pull, push and delete, or * for all",
                               oci::quote(word))};
    actions.pull = actions.pull || all || word == "pull";
    actions.push = actions.push || all || word == "push";
    actions.remove = actions.remove || all || word == "delete";
    if (comma == std::string_view::npos) return actions;
    text.remove_prefix(comma + 1);
  }
}

bool TokenActions::has(TokenAction action) const {
  switch (action) {
    case TokenAction::pull: return pull;
    case TokenAction::push: return push;
    case TokenAction::remove: return remove;
  }
  return false;
}

std::string TokenActions::text() const {
  std::string text;
  const auto add = [&](bool has, std::string_view word) {
    if (!has) return;
    if (!text.empty()) text += ',';
    text += word;
  };
  add(pull, "pull");
  add(push, "push");
  add(remove, "delete");
  return text;
}

bool TokenScopes::allow(TokenAction action, std::int64_t namespace_id, std::int64_t repository_id) const {
  return std::ranges::any_of(scopes_, [&](const TokenScope& scope) {
    if (!scope.actions.has(action)) return false;
    if (scope.repository_id != 0) return scope.repository_id == repository_id;
    return scope.namespace_id == 0 || scope.namespace_id == namespace_id;
  });
}

bool TokenScopes::write() const {
  return std::ranges::any_of(
      scopes_, [](const TokenScope& scope) { return scope.actions.push || scope.actions.remove; });
}

}  // namespace bulkhead::identity
