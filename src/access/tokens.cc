// A token is checked in two parts. What it says (signature, shape, issuer, audience) never changes, and is
// kept by the SHA-256 of its text, as long as the keyring stays as it is: the comparison that finds it then
// depends on nothing that a guesser controls. Whether it still holds (expiry, the account's state and
// credential version) is asked anew at each request, of identity::Accounts, whose memory is as current as the
// database.

#include "access/tokens.h"

#include <utility>

#include "access/claims.h"
#include "base/bytes.h"
#include "base/exact_cache.h"
#include "crypto/hash.h"
#include "crypto/token.h"
#include "identity/token_hash.h"

namespace bulkhead::access {
namespace {

// How far ahead of ours the clock of the replica that issued a token may be.
constexpr std::chrono::seconds kLeeway{30};
constexpr crypto::JwtLimits kJwtLimits;

using identity::Fingerprint;
using identity::fingerprint;
using identity::FingerprintHash;

Error refused() {
  return {Errc::unauthenticated, "the bearer token is not valid or has expired; request a new one"};
}

}  // namespace

Principal principal_of(const identity::Account& account) {
  return {.account_id = account.id,
          .account = account.name,
          .administrator = account.administrator(),
          .credential_version = account.credential_version};
}

bool Bearer::covers(std::string_view repository, Action action) const {
  for (const Scope& scope : scopes)
    if (scope.type == Scope::Type::repository && scope.actions.has(action) && scope.name == repository)
      return true;
  return false;
}

bool Bearer::covers_catalog() const {
  for (const Scope& scope : scopes)
    if (scope.type == Scope::Type::catalog && scope.name == "catalog" && scope.actions.all()) return true;
  return false;
}

struct Tokens::State {
  using Checked = std::shared_ptr<const Bearer>;

  const crypto::Keyring& keyring;
  identity::Accounts& accounts;
  Facts& facts;
  const Clock& clock;
  Options options;
  ExactCache<Fingerprint, Checked, FingerprintHash> cache;

  // The signature, the claims and the time; the account is the caller's to look up and judge().
  Result<Checked> read(const Fingerprint& print, std::string_view token);
  Result<Checked> judge(const Fingerprint& print, Checked bearer, const identity::Account& account);
  Result<Bearer> parse(std::string_view token) const;

  Result<std::optional<Scope>> granted(const Principal& principal, const Scope& requested);
  void keep(const Fingerprint& print, const Checked& bearer) { cache.put(cache.begin(), print, bearer); }
};

Result<Bearer> Tokens::State::parse(std::string_view token) const {
  const auto json = crypto::verify_jwt(keyring, crypto::KeyPurpose::token_signing, token, kJwtLimits);
  if (!json) return refused();
  auto claims = parse_claims(*json);
  if (!claims || claims->issuer != options.issuer || claims->audience != options.service) return refused();
  const Time latest = clock.now() + kLeeway;
  if (claims->issued_at > latest || claims->not_before > latest) return refused();
  return Bearer{.principal = {.account_id = claims->account_id,
                              .account = std::move(claims->account),
                              .administrator = false,
                              .credential_version = claims->credential_version},
                .token_id = std::move(claims->token_id),
                .scopes = std::move(claims->scopes),
                .expires_at = claims->expires_at};
}

Result<Tokens::State::Checked> Tokens::State::read(const Fingerprint& print, std::string_view token) {
  Checked bearer = cache.find(print).value_or(nullptr);
  const bool known = bearer != nullptr;
  if (!known) {
    auto parsed = parse(token);
    if (!parsed) return parsed.error();
    bearer = std::make_shared<const Bearer>(*std::move(parsed));
  }
  if (clock.now() >= bearer->expires_at) return refused();
  if (!known) keep(print, bearer);
  return bearer;
}

Result<Tokens::State::Checked> Tokens::State::judge(const Fingerprint& print, Checked bearer,
                                                    const identity::Account& account) {
  const Principal& principal = bearer->principal;
  // The name is compared because ids can come again when a database is restored from a backup.
  if (!account.active() || account.credential_version != principal.credential_version ||
      account.name != principal.account)
    return refused();
  if (account.administrator() == principal.administrator) return bearer;
  auto current = std::make_shared<Bearer>(*bearer);
  current->principal.administrator = account.administrator();
  keep(print, current);
  return Checked(std::move(current));
}

// The part of a scope that may be had now; nothing when that is none of it.
Result<std::optional<Scope>> Tokens::State::granted(const Principal& principal, const Scope& requested) {
  if (requested.type == Scope::Type::catalog) {
    const bool may_list = !principal.anonymous() || facts.anonymous_pull();
    return may_list ? std::optional(requested) : std::nullopt;
  }
  const auto repository = oci::RepositoryName::parse(requested.name);
  if (!repository) return std::optional<Scope>();
  const auto resolved = facts.resolve(principal, *repository);
  if (!resolved) return resolved.error();
  Scope part{requested.type, requested.name, {}};
  for (const Action action : {Action::pull, Action::push, Action::remove})
    if (requested.actions.has(action) && decide(principal, action, resolved->standing))
      part.actions.add(action);
  return part.actions.empty() ? std::nullopt : std::optional(std::move(part));
}

Tokens::Tokens(const crypto::Keyring& keyring, identity::Accounts& accounts, Facts& facts, const Clock& clock,
               Options options)
    : state_(new State{keyring, accounts, facts, clock, options,
                       ExactCache<Fingerprint, State::Checked, FingerprintHash>(options.cached)}) {}

Tokens::~Tokens() = default;

Result<IssuedToken> Tokens::issue(const Principal& principal, const std::vector<Scope>& requested) {
  Principal current;
  if (!principal.anonymous()) {
    const auto account = state_->accounts.find(principal.account_id);
    if (!account && account.error().code != Errc::not_found) return account.error();
    if (!account || !account->active() || account->credential_version != principal.credential_version)
      return Error{Errc::unauthenticated, "the account has changed since it logged in; log in again"};
    current = principal_of(*account);
  }

  const Time now = std::chrono::floor<std::chrono::seconds>(state_->clock.now());
  Claims claims{.issuer = state_->options.issuer,
                .audience = state_->options.service,
                .account_id = current.account_id,
                .account = current.account,
                .credential_version = current.credential_version,
                .token_id = to_hex(as_bytes(crypto::random_bytes(16))),
                .issued_at = now,
                .not_before = now,
                .expires_at = now + state_->options.lifetime,
                .scopes = {}};
  for (const Scope& scope : requested) {
    auto part = state_->granted(current, scope);
    if (!part) return part.error();
    if (*part) claims.scopes.push_back(**std::move(part));
  }
  std::string token =
      crypto::sign_jwt(state_->keyring, crypto::KeyPurpose::token_signing, render_claims(claims));
  if (token.size() > kJwtLimits.bytes)
    return Error{Errc::invalid_argument, "the scopes do not fit into one token; ask for fewer at once"};
  return IssuedToken{std::move(token), state_->options.lifetime, now};
}

std::optional<Result<std::shared_ptr<const Bearer>>> Tokens::peek(std::string_view token) const {
  if (token.size() > kJwtLimits.bytes) return refused();
  const Fingerprint print = fingerprint(state_->keyring, crypto::KeyPurpose::token_signing, token);
  auto bearer = state_->read(print, token);
  if (!bearer || (*bearer)->principal.anonymous()) return bearer;
  const auto account = state_->accounts.peek((*bearer)->principal.account_id);
  if (account == nullptr) return std::nullopt;
  return state_->judge(print, *std::move(bearer), *account);
}

Result<std::shared_ptr<const Bearer>> Tokens::verify(std::string_view token) {
  if (token.size() > kJwtLimits.bytes) return refused();
  const Fingerprint print = fingerprint(state_->keyring, crypto::KeyPurpose::token_signing, token);
  auto bearer = state_->read(print, token);
  if (!bearer || (*bearer)->principal.anonymous()) return bearer;
  const auto account = state_->accounts.find((*bearer)->principal.account_id);
  if (!account) return account.error().code == Errc::not_found ? refused() : account.error();
  return state_->judge(print, *std::move(bearer), *account);
}

}  // namespace bulkhead::access
