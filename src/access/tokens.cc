// A token is checked in two parts. What it says (signature, shape, issuer, audience) never changes, and is
// kept by the SHA-256 of its text, as long as the keyring stays as it is: the comparison that finds it then
// depends on nothing that a guesser controls. Whether it still holds (expiry, the account's state and
// credential version, its access token, policies) is asked anew at each request, of identity/, whose memory
// is as current as the database.

#include "access/tokens.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "access/claims.h"
#include "base/bytes.h"
#include "base/exact_cache.h"
#include "crypto/hash.h"
#include "crypto/token.h"
#include "identity/secrets/token_hash.h"

namespace bulkhead::access {
namespace {

// How far ahead of ours the clock of the replica that issued a token may be.
constexpr std::chrono::seconds kLeeway{30};
constexpr crypto::JwtLimits kJwtLimits;
// With "Authorization: Bearer " in front it fits into the 8 KiB that proxies have for a line by themselves.
constexpr std::size_t kLongestIssued = 7680;

// What is kept of a token is about as large as its text. Of longer ones a part of the number is kept, so that
// the bytes are bounded too, to some 150 MiB of 100,000 whatever scopes somebody asks for.
constexpr std::size_t kShortToken = 1024;
constexpr std::size_t kPartOfLong = 16;

using identity::Fingerprint;
using identity::fingerprint;
using identity::FingerprintHash;

identity::Proof proof_of(const identity::AccessToken& token) {
  return {.by_password = false, .multi_factor = token.multi_factor, .life = token.life()};
}

// Of a credential that is no access token. A robot has no password: what it has instead, its workload has
// proved.
identity::Proof proof_without(const identity::Account& account) {
  const bool person = account.kind == identity::AccountKind::person;
  return {.by_password = person, .multi_factor = !person, .life = {}};
}

Error refused() {
  return {Errc::unauthenticated, "the bearer token is not valid or has expired; request a new one"};
}

}  // namespace

Principal principal_of(const identity::Account& account,
                       const std::shared_ptr<const identity::AccessToken>& token) {
  return {.account_id = account.id,
          .account = account.name,
          .administrator = account.administrator(),
          .credential_version = account.credential_version,
          .token_id = token ? token->id : 0,
          .ceiling = token ? token->scopes : nullptr,
          .proof = token ? proof_of(*token) : proof_without(account),
          .address = {}};
}

std::string Bearer::credential() const {
  if (principal.token_id != 0) return fmt::format("token:{}/{}", principal.token_id, token_id);
  return parent_id.empty() ? fmt::format("bearer:{}", token_id)
                           : fmt::format("bearer:{}/{}", parent_id, token_id);
}

bool Bearer::covers(std::string_view repository, Action action) const {
  for (const Scope& scope : scopes)
    if (scope.type == Scope::Type::repository && scope.actions.has(action) && scope.name == repository)
      return true;
  return hashed.cover(repository, action);
}

bool Bearer::covers_catalog() const {
  for (const Scope& scope : scopes)
    if (scope.type == Scope::Type::catalog && scope.name == "catalog" && scope.actions.all()) return true;
  return false;
}

struct Tokens::State {
  using Checked = std::shared_ptr<const Bearer>;
  using Cache = ExactCache<Fingerprint, Checked, FingerprintHash>;

  struct Print {
    Fingerprint of;
    bool is_long = false;
  };

  // What is known of the one whom a token names, as of now.
  struct Holder {
    const identity::Account& account;
    const identity::EffectivePolicy& policy;
    const identity::AccessToken* access_token;  // null when the bearer token was not made with one
  };

  const crypto::Keyring& keyring;
  identity::Accounts& accounts;
  identity::AccessTokens& access_tokens;
  identity::Policies& policies;
  Facts& facts;
  const Clock& clock;
  Options options;
  Cache short_ones;
  Cache long_ones;

  Print print_of(std::string_view token) const {
    return {fingerprint(keyring, crypto::KeyPurpose::token_signing, token), token.size() > kShortToken};
  }
  Cache& cache(const Print& print) { return print.is_long ? long_ones : short_ones; }

  // The signature, the claims and the time; the holder is the caller's to look up and judge().
  Result<Checked> read(const Print& print, std::string_view token);
  Result<Checked> judge(const Print& print, Checked bearer, const Holder& holder, std::string_view address);
  // Blocking.
  Result<Checked> look_up_and_judge(const Print& print, Checked bearer, std::string_view address);
  Result<Bearer> parse(std::string_view token) const;

  Result<std::optional<Scope>> granted(const Principal& principal, const Scope& requested);
  // Within what proxies take of a header; scopes are hashed, and then left out, where they are too many.
  std::string sign(Claims claims) const;
  // `with` is null for what is not made with another bearer token.
  Result<IssuedToken> issue(const Principal& principal, const std::vector<Scope>& requested,
                            std::chrono::seconds lifetime, const Bearer* with);
  void keep(const Print& print, const Checked& bearer) {
    cache(print).put(cache(print).begin(), print.of, bearer);
  }
};

Result<Bearer> Tokens::State::parse(std::string_view token) const {
  const auto json = crypto::verify_jwt(keyring, crypto::KeyPurpose::token_signing, token, kJwtLimits);
  if (!json) return refused();
  auto claims = parse_claims(*json);
  if (!claims || claims->issuer != options.issuer || claims->audience != options.service) return refused();
  const Time latest = clock.now() + kLeeway;
  if (claims->issued_at > latest || claims->not_before > latest) return refused();
  Bearer bearer;
  bearer.principal.account_id = claims->account_id;
  bearer.principal.account = std::move(claims->account);
  bearer.principal.credential_version = claims->credential_version;
  bearer.principal.token_id = claims->access_token_id;
  if (claims->ceiling)
    bearer.principal.ceiling = std::make_shared<const identity::TokenScopes>(*std::move(claims->ceiling));
  bearer.token_id = std::move(claims->token_id);
  bearer.parent_id = std::move(claims->parent_id);
  bearer.scopes = std::move(claims->scopes);
  bearer.hashed = std::move(claims->hashed);
  bearer.expires_at = claims->expires_at;
  return bearer;
}

Result<Tokens::State::Checked> Tokens::State::read(const Print& print, std::string_view token) {
  Checked bearer = cache(print).find(print.of).value_or(nullptr);
  const bool known = bearer != nullptr;
  if (!known) {
    auto parsed = parse(token);
    if (!parsed) return parsed.error();
    bearer = std::make_shared<const Bearer>(*std::move(parsed));
  }
  if (clock.now() >= bearer->expires_at) {
    if (known) cache(print).forget(print.of);
    return refused();
  }
  if (!known) keep(print, bearer);
  return bearer;
}

Result<Tokens::State::Checked> Tokens::State::judge(const Print& print, Checked bearer, const Holder& holder,
                                                    std::string_view address) {
  const Principal& principal = bearer->principal;
  const auto& [account, policy, access_token] = holder;
  // The name is compared because ids can come again when a database is restored from a backup.
  if (!account.active() || account.credential_version != principal.credential_version ||
      account.name != principal.account || !policy.allow(address))
    return refused();
  if (access_token != nullptr && access_token->account_id != account.id) return refused();
  const bool by_password = access_token == nullptr && principal.ceiling == nullptr &&
                           account.kind == identity::AccountKind::person;
  if (by_password && (policy.mfa_required || !policy.password_login)) return refused();
  const auto& ceiling = access_token != nullptr ? access_token->scopes : principal.ceiling;
  const identity::Proof proof = access_token != nullptr ? proof_of(*access_token) : proof_without(account);
  if (account.administrator() == principal.administrator && ceiling == principal.ceiling &&
      proof == principal.proof)
    return bearer;
  auto current = std::make_shared<Bearer>(*bearer);
  current->principal.proof = proof;
  current->principal.administrator = account.administrator();
  current->principal.ceiling = ceiling;
  keep(print, current);
  return Checked(std::move(current));
}

// The part of a scope that may be had now; nothing when that is none of it.
Result<std::optional<Scope>> Tokens::State::granted(const Principal& principal, const Scope& requested) {
  if (requested.type == Scope::Type::catalog) {
    // It lists what may be pulled, and so no more than the credential reaches.
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

std::string Tokens::State::sign(Claims claims) const {
  const auto signed_now = [&] {
    return crypto::sign_jwt(keyring, crypto::KeyPurpose::token_signing, render_claims(claims));
  };
  std::string token = signed_now();
  if (token.size() <= kLongestIssued) return token;
  std::vector<Scope> repositories;
  for (Scope& scope : claims.scopes)
    if (scope.type == Scope::Type::repository) repositories.push_back(std::move(scope));
  std::erase_if(claims.scopes, [](const Scope& scope) { return scope.type == Scope::Type::repository; });
  for (;;) {
    claims.hashed = HashedScopes(repositories);
    token = signed_now();
    if (token.size() <= kLongestIssued || repositories.empty()) return token;
    // A hashed scope takes 23 bytes of a token.
    const std::size_t too_many = std::min((token.size() - kLongestIssued) / 23 + 1, repositories.size());
    repositories.erase(repositories.begin(), repositories.begin() + static_cast<std::ptrdiff_t>(too_many));
  }
}

Result<IssuedToken> Tokens::State::issue(const Principal& principal, const std::vector<Scope>& requested,
                                         std::chrono::seconds lifetime, const Bearer* with) {
  Principal current;
  if (!principal.anonymous()) {
    const auto account = accounts.find(principal.account_id);
    if (!account && account.error().code != Errc::not_found) return account.error();
    if (!account || !account->active() || account->credential_version != principal.credential_version)
      return Error{Errc::unauthenticated, "the account has changed since it logged in; log in again"};
    current = principal_of(*account);
    current.token_id = principal.token_id;
    current.ceiling = principal.ceiling;
    current.proof = principal.proof;
    current.address = principal.address;
  }

  const Time now = std::chrono::floor<std::chrono::seconds>(clock.now());
  if (with != nullptr)
    lifetime = std::min(lifetime, std::chrono::floor<std::chrono::seconds>(with->expires_at - now));
  if (lifetime <= std::chrono::seconds::zero()) return refused();
  Claims claims{.issuer = options.issuer,
                .audience = options.service,
                .account_id = current.account_id,
                .account = current.account,
                .credential_version = current.credential_version,
                .token_id = to_hex(as_bytes(crypto::random_bytes(16))),
                .access_token_id = current.token_id,
                .ceiling = {},
                .parent_id = with != nullptr ? with->token_id : std::string(),
                .issued_at = now,
                .not_before = now,
                .expires_at = now + lifetime,
                .scopes = {}};
  // An access token's own scopes are looked up where the bearer token is used.
  if (current.token_id == 0 && current.ceiling != nullptr) claims.ceiling = *current.ceiling;
  for (const Scope& scope : requested) {
    auto part = granted(current, scope);
    if (!part) return part.error();
    if (*part) claims.scopes.push_back(**std::move(part));
  }
  std::vector<Scope> carried = claims.scopes;
  return IssuedToken{sign(std::move(claims)), lifetime, now, std::move(carried)};
}

Tokens::Tokens(const crypto::Keyring& keyring, identity::Accounts& accounts,
               identity::AccessTokens& access_tokens, identity::Policies& policies, Facts& facts,
               const Clock& clock, Options options)
    : state_(new State{keyring, accounts, access_tokens, policies, facts, clock, options,
                       State::Cache(options.cached), State::Cache(options.cached / kPartOfLong)}) {}

Tokens::~Tokens() = default;

Result<IssuedToken> Tokens::issue(const Principal& principal, const std::vector<Scope>& requested,
                                  std::optional<std::chrono::seconds> lifetime) {
  return state_->issue(principal, requested, lifetime.value_or(state_->options.lifetime), nullptr);
}

Result<IssuedToken> Tokens::issue(const Bearer& with, const std::vector<Scope>& requested,
                                  std::string_view address) {
  if (!with.logs_in()) return refused();
  std::vector<Scope> covered;
  for (const Scope& scope : requested) {
    if (scope.type == Scope::Type::catalog && with.covers_catalog()) covered.push_back(scope);
    if (scope.type != Scope::Type::repository) continue;
    Scope part{scope.type, scope.name, {}};
    for (const Action action : {Action::pull, Action::push, Action::remove})
      if (scope.actions.has(action) && with.covers(scope.name, action)) part.actions.add(action);
    if (!part.actions.empty()) covered.push_back(std::move(part));
  }
  Principal principal = with.principal;
  principal.address = address;
  return state_->issue(principal, covered, state_->options.lifetime, &with);
}

std::optional<Result<std::shared_ptr<const Bearer>>> Tokens::peek(std::string_view token,
                                                                  std::string_view address) const {
  if (token.size() > kJwtLimits.bytes) return refused();
  const State::Print print = state_->print_of(token);
  auto bearer = state_->read(print, token);
  if (!bearer || (*bearer)->principal.anonymous()) return bearer;
  const Principal& principal = (*bearer)->principal;
  const auto account = state_->accounts.peek(principal.account_id);
  const auto policy = state_->policies.peek(principal.account_id);
  if (account == nullptr || policy == nullptr) return std::nullopt;
  std::shared_ptr<const identity::AccessToken> access_token;
  if (principal.token_id != 0) {
    auto checked = state_->access_tokens.peek(principal.token_id, address);
    if (!checked) return std::nullopt;
    if (!*checked) return refused();
    access_token = **std::move(checked);
  }
  return state_->judge(print, *std::move(bearer), {*account, *policy, access_token.get()}, address);
}

Result<std::shared_ptr<const Bearer>> Tokens::verify(std::string_view token, std::string_view address) {
  if (token.size() > kJwtLimits.bytes) return refused();
  const State::Print print = state_->print_of(token);
  auto bearer = state_->read(print, token);
  if (!bearer) return bearer;
  return state_->look_up_and_judge(print, *std::move(bearer), address);
}

Result<std::shared_ptr<const Bearer>> Tokens::verify_again(std::string_view token, std::string_view address) {
  if (token.size() > kJwtLimits.bytes) return refused();
  // Not from memory, which keeps what has run out no longer: that says nothing of the keyring.
  auto parsed = state_->parse(token);
  if (!parsed) return parsed.error();
  const State::Print print = state_->print_of(token);
  return state_->look_up_and_judge(print, std::make_shared<const Bearer>(*std::move(parsed)), address);
}

Result<Tokens::State::Checked> Tokens::State::look_up_and_judge(const Print& print, Checked bearer,
                                                                std::string_view address) {
  if (bearer->principal.anonymous()) return bearer;
  const Principal& principal = bearer->principal;
  const auto account = accounts.find(principal.account_id);
  if (!account) return account.error().code == Errc::not_found ? refused() : account.error();
  const auto policy = policies.effective(principal.account_id);
  if (!policy) return policy.error();
  std::shared_ptr<const identity::AccessToken> access_token;
  if (principal.token_id != 0) {
    auto checked = access_tokens.check(principal.token_id, address);
    if (!checked) return checked.error().code == Errc::unauthenticated ? refused() : checked.error();
    access_token = *std::move(checked);
  }
  return judge(print, std::move(bearer), {*account, **policy, access_token.get()}, address);
}

}  // namespace bulkhead::access
