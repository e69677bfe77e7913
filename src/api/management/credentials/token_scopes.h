// What tokens may do at most, by the names that people know; the rest of the program goes by ids.
#pragma once

#include <boost/json/array.hpp>
#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "api/management/operation.h"
#include "db/database.h"
#include "identity/login/token_scopes.h"

namespace bulkhead::api::management {

extern const Schema kTokenScopes;

// Errc::name_unknown for what the caller cannot see, and for what is not there.
Result<identity::TokenScopes> read_scopes(Call& call, const boost::json::value& scopes);
// The names behind scopes, as one viewer may see them. A name is looked up once for as long as this lives, so
// that a page of tokens with the same thousand scopes costs no more than one of them. One thread; the call
// must outlive it.
class ScopeNames {
 public:
  explicit ScopeNames(const Call& call);  // for the caller's account, whatever its credential
  ScopeNames(const Call& call, access::Principal viewer);

  // A scope of what is gone is left out, and of what the viewer may not see, which are not told apart: the
  // token may have kept in touch with it longer than the account. Blocking.
  Result<boost::json::array> represent(const identity::TokenScopes& scopes);

 private:
  Result<void> learn(const identity::TokenScopes& scopes);
  Result<void> learn_repositories(db::Session& session, const std::set<std::int64_t>& ids);
  Result<void> learn_namespaces(db::Session& session, const std::set<std::int64_t>& ids);

  db::Database& database_;
  const access::Principal viewer_;
  const bool sees_all_;
  // "" for what is not to be shown.
  std::map<std::int64_t, std::string> repositories_;
  std::map<std::int64_t, std::string> namespaces_;
};

}  // namespace bulkhead::api::management
