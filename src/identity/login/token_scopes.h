// What a token may do at most in repositories: a ceiling over what its account's roles allow, bound to ids,
// so that a new thing of an old name is beyond it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace bulkhead::identity {

enum class TokenAction : std::uint8_t { pull, push, remove };

// A set of actions.
struct TokenActions {
  bool pull = false;
  bool push = false;
  bool remove = false;

  // "pull", "push" and "delete" with commas between, or "*" for the three; Errc::invalid_argument for any
  // other word, and for none.
  static Result<TokenActions> parse(std::string_view text);
  bool has(TokenAction action) const;
  bool any() const { return pull || push || remove; }
  std::string text() const;  // "pull,push,delete"

  friend bool operator==(const TokenActions&, const TokenActions&) = default;
};

// In one repository, in the repositories of one namespace, or, with both ids 0, wherever the account may.
struct TokenScope {
  std::int64_t namespace_id = 0;
  std::int64_t repository_id = 0;
  TokenActions actions;

  friend bool operator==(const TokenScope&, const TokenScope&) = default;
};

// Several scopes, each of which allows on its own; none allow nothing.
class TokenScopes {
 public:
  static constexpr std::size_t kMost = 100;

  TokenScopes() = default;
  explicit TokenScopes(std::vector<TokenScope> scopes) : scopes_(std::move(scopes)) {}

  const std::vector<TokenScope>& list() const { return scopes_; }
  // The ids are 0 for what does not exist: a scope of a namespace also covers repositories to come.
  bool allow(TokenAction action, std::int64_t namespace_id, std::int64_t repository_id) const;
  // Wherever the account may.
  bool allow_everywhere(TokenAction action) const { return allow(action, 0, 0); }
  // Whether anything may be changed with it.
  bool write() const;

 private:
  std::vector<TokenScope> scopes_;
};

}  // namespace bulkhead::identity
