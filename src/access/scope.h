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
  bool has(Action action) const { return (bits_ & bit(action)) != 0; }
  bool empty() const { return bits_ == 0; }
  std::vector<std::string> render() const;
  friend bool operator==(const Actions&, const Actions&) = default;

 private:
  static std::uint8_t bit(Action action) { return static_cast<std::uint8_t>(1u << static_cast<unsigned>(action)); }
  std::uint8_t bits_ = 0;
};

struct Scope {
  enum class Type : std::uint8_t { repository, catalog };  // "repository:NAME:…", "registry:catalog:*"
  Type type = Type::repository;
  std::string name;  // a valid repository name, or "catalog"
  Actions actions;
};

// Parses the values of every `scope` parameter, each of which may hold several separated by spaces. Scopes of unknown
// types, and unknown actions, are dropped, as the protocol asks; a bad repository name is dropped too; more than `limit`
// scopes is Errc::invalid_argument.
Result<std::vector<Scope>> parse_scopes(const std::vector<std::string>& values, std::size_t limit);

}  // namespace bulkhead::access
