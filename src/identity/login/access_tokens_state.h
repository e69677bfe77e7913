// What AccessTokens keeps in memory, shared by its source files.
//
//   by_print  fingerprint of a token -> its id; a fact that never changes
//   by_id     id -> the token's row, forgotten by every change of it
#pragma once

#include <cstdint>
#include <memory>

#include "base/exact_cache.h"
#include "identity/login/access_tokens.h"
#include "identity/login/token_uses.h"
#include "identity/secrets/token_hash.h"

namespace bulkhead::identity {

struct AccessTokens::State {
  using Known = std::shared_ptr<const AccessToken>;

  db::Database& database;
  const crypto::Keyring& keyring;
  Accounts& accounts;
  Policies& policies;
  const Clock& clock;
  Options options;
  ExactCache<Fingerprint, std::int64_t, FingerprintHash> by_print;
  ExactCache<std::int64_t, Known> by_id;
  TokenUses uses;

  State(db::Database& d, const crypto::Keyring& k, Accounts& a, Policies& p, const Clock& c, Options o)
      : database(d),
        keyring(k),
        accounts(a),
        policies(p),
        clock(c),
        options(o),
        by_print(o.cached),
        by_id(o.cached),
        uses(d, o.cached) {}

  // Null when memory does not have it.
  Known find(const Fingerprint& print) const;
  Result<Known> load(const Fingerprint& print, std::string_view token);
  Result<Known> load(std::int64_t id);
  // Whether the keyring still has the key that the token is stored under, as far as memory knows which.
  bool has_key(const AccessToken& token) const {
    return keyring.find(crypto::KeyPurpose::token_hash, token.key_version) != nullptr;
  }

  // Whether it may be used from there now; nothing when the database must be asked.
  std::optional<Checked> peek_judgement(const Known& token, std::string_view address) const;
  Checked judge(const Known& token, std::string_view address);

  // Makes up the secret and writes the row and its scopes.
  Result<Created> insert(db::Session& session, AccessToken token, bool robot,
                         const audit::Origin& origin) const;
  // `token` as the event's detail; `successor` is 0 where there is none.
  Result<void> record(db::Session& session, audit::Action action, std::string_view account,
                      const AccessToken& token, std::int64_t successor, const audit::Origin& origin) const;
};

Error no_access_token(std::int64_t id);

}  // namespace bulkhead::identity
