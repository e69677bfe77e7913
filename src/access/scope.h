// Token scopes (Docker token protocol, "Token scope documentation"): type:name:action,action.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
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
  // One bit for each, as hashed scopes hold them; nothing for a byte with others.
  std::uint8_t bits() const { return bits_; }
  static std::optional<Actions> of_bits(std::uint8_t bits);
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
// is passed over. "library/NAME" is NAME. Scopes of one repository become one, in the place of the last. Of
// more than `limit` those named last are kept: clients add what they need next to what they have needed
// before.
std::vector<Scope> parse_scopes(const std::vector<std::string>& values, std::size_t limit);

// Scopes of repositories whose names are kept as hashes, so that hundreds fit into one header whatever they
// are called: 12 bytes of the name's SHA-256 and one of actions each. Another name with the same 96 bits is
// out of reach, and would only widen what its holder has asked for, never what he may do.
class HashedScopes {
 public:
  HashedScopes() = default;
  explicit HashedScopes(const std::vector<Scope>& repositories);
  // As render() writes them; nothing for any other text.
  static std::optional<HashedScopes> parse(std::string_view text);
  std::string render() const;  // base64url

  bool empty() const { return entries_.empty(); }
  bool cover(std::string_view repository, Action action) const;

 private:
  struct Entry {
    std::array<char, 12> name{};
    Actions actions;
  };
  static std::array<char, 12> hash_of(std::string_view repository);
  std::vector<Entry> entries_;  // by name
};

}  // namespace bulkhead::access
