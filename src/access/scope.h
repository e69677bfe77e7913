// Token scopes (Docker token protocol, "Token scope documentation"): type:name:action,action.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "access/decide.h"
#include "base/error.h"
#include "oci/name.h"

namespace bulkhead::access {

// A set of the actions pull, push and delete; "*" stands for all three.
class Actions {
 public:
  void add(Action action) { bits_ |= bit(action); }
  // "pull", "push", "delete" or "*"; false, and no change, for any other word.
  bool add(std::string_view word);
  void add(const Actions& other) { bits_ |= other.bits_; }
  bool has(Action action) const { return (bits_ & bit(action)) != 0; }
  bool empty() const { return bits_ == 0; }
  bool all() const { return has(Action::pull) && has(Action::push) && has(Action::remove); }
  std::vector<std::string> render() const;
  friend bool operator==(const Actions&, const Actions&) = default;

 private:
  static std::uint8_t bit(Action action) {
    return static_cast<std::uint8_t>(1u << static_cast<unsigned>(action));
  }
  std::uint8_t bits_ = 0;
};

struct Scope {
  enum class Type : std::uint8_t { repository, catalog };  // "repository:NAME:…", "registry:catalog:*"
  Type type = Type::repository;
  std::string name;  // a valid repository name, or "catalog"
  Actions actions;
};

std::string_view name(Scope::Type type);  // "repository", "registry"

// Parses the values of every `scope` parameter, each of which may hold several separated by spaces. Scopes of
// unknown types, and unknown actions, are dropped, as the protocol asks; a bad repository name is dropped
// too, and so is a scope that is left without actions. A repository type's class, as in "repository(plugin)",
// is passed over. Scopes of one repository become one. More than `limit` scopes, counted before any is
// dropped, is Errc::invalid_argument.
Result<std::vector<Scope>> parse_scopes(const std::vector<std::string>& values, std::size_t limit);

}  // namespace bulkhead::access
