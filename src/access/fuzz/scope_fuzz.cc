// Whatever `scope` says, what is kept is a repository's valid name with actions or the whole catalog, and
// rendering it and reading it again gives the same.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "access/scope.h"

using namespace bulkhead::access;

namespace {

void require(bool held) {
  if (!held) std::abort();
}

std::string render(const Scope& scope) {
  std::string text = std::string(name(scope.type)) + ":" + scope.name + ":";
  for (const std::string& action : scope.actions.render()) text += action + ",";
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kLimit = 16;
  const std::vector<std::string> values = {std::string(reinterpret_cast<const char*>(data), size)};
  const auto scopes = parse_scopes(values, kLimit);
  require(scopes.size() <= kLimit);
  for (const Scope& scope : scopes) {
    require(!scope.actions.empty());
    if (scope.type == Scope::Type::repository)
      require(bulkhead::oci::RepositoryName::parse(scope.name).has_value());
    else
      require(scope.name == "catalog" && scope.actions.all());
    const auto again = parse_scopes({render(scope)}, 1);
    require(again.size() == 1);
    require(again.front().name == scope.name && again.front().type == scope.type &&
            again.front().actions == scope.actions);
  }
  const HashedScopes hashed(scopes);
  const auto read = HashedScopes::parse(hashed.render());
  require(read.has_value() && read->render() == hashed.render());
  for (const Scope& scope : scopes)
    if (scope.type == Scope::Type::repository)
      for (const Action action : {Action::pull, Action::push, Action::remove})
        require(read->cover(scope.name, action) == scope.actions.has(action));
  return 0;
}
