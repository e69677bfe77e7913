#include "identity/login/access_tokens.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "identity/login/access_token_rows.h"
#include "identity/login/access_tokens_state.h"
#include "identity/secrets/token_format.h"
#include "oci/quote.h"

namespace bulkhead::identity {
namespace {

Error refused() {
  return {Errc::unauthenticated,
          "the access token is not valid here: it may be mistyped, expired, revoked, of an account that is "
          "disabled, or kept from this use by its networks or a policy"};
}

bool well_formed(std::string_view token) {
  return token_is_well_formed(kPersonalTokenPrefix, token) || token_is_well_formed(kRobotTokenPrefix, token);
}

// "" where it may be used.
std::string_view why_not(const AccessToken& token, const Account& account, const EffectivePolicy& policy,
                         std::string_view address, Time now) {
  if (token.revoked()) return "token_revoked";
  if (now >= token.expires_at) return "token_expired";
  if (!account.active() || token.token_version != account.token_version) return "token_dead";
  if (token.life() > policy.token_life || (policy.mfa_required && !token.multi_factor))
    return "token_suspended";
  if (!token.networks.allow(address) || !policy.allow(address)) return AccessTokens::kWrongNetwork;
  return {};
}

bool stands(const AccessToken& token, const Account& account, const EffectivePolicy& policy,
            std::string_view address, Time now) {
  return why_not(token, account, policy, address, now).empty();
}

}  // namespace

Error no_access_token(std::int64_t id) {
  return {Errc::not_found, fmt::format("the account has no access token number {}", id)};
}

std::string_view name(Management management) {
  switch (management) {
    case Management::none: return "none";
    case Management::read: return "read";
    case Management::write: return "write";
  }
  return "none";
}

std::string_view name(TokenState state) {
  switch (state) {
    case TokenState::active: return "active";
    case TokenState::rotated: return "rotated";
    case TokenState::suspended: return "suspended";
    case TokenState::expired: return "expired";
    case TokenState::revoked: return "revoked";
    case TokenState::dead: return "dead";
  }
  return "dead";
}

Result<Management> parse_management(std::string_view text) {
  for (const Management each : {Management::none, Management::read, Management::write})
    if (text == name(each)) return each;
  return Error{Errc::invalid_argument,
               fmt::format("{} is not one of none, read and write", oci::quote(text))};
}

AccessTokens::State::Known AccessTokens::State::find(const Fingerprint& print) const {
  const auto id = by_print.find(print);
  return id ? by_id.find(*id).value_or(nullptr) : nullptr;
}

Result<AccessTokens::State::Known> AccessTokens::State::load(const Fingerprint& print,
                                                             std::string_view token) {
  const auto hashes = token_hashes(keyring, token);
  const auto print_ticket = by_print.begin();
  const auto id_ticket = by_id.begin();
  std::optional<StoredToken> stored;
  const auto done = database.read([&](db::Session& session) -> Result<void> {
    auto found = read_token(session, hashes);
    if (!found) return found.error();
    stored = *std::move(found);
    return {};
  });
  if (!done) return done.error();
  if (!stored) return refused();
  const std::int64_t id = stored->token.id;
  // Under the newest key, so that older ones can go once their tokens were used or have expired. The token
  // stands whether or not this can be written now.
  if (stored->hash != hashes.front())
    static_cast<void>(database.write([&](db::Session& session) -> Result<void> {
      const auto written = session.execute("UPDATE access_tokens SET hash = ? WHERE id = ? AND hash = ?",
                                           {hashes.front(), id, stored->hash});
      if (!written) return written.error();
      return {};
    }));
  auto known = std::make_shared<const AccessToken>(std::move(stored->token));
  by_print.put(print_ticket, print, id);
  // Written under another key: what memory knows of the old one is read anew when it is asked for.
  if (stored->hash != hashes.front())
    by_id.forget(id);
  else
    by_id.put(id_ticket, id, known);
  return Known(std::move(known));
}

Result<AccessTokens::State::Known> AccessTokens::State::load(std::int64_t id) {
  const auto ticket = by_id.begin();
  std::optional<AccessToken> stored;
  const auto done = database.read([&](db::Session& session) -> Result<void> {
    auto found = read_token(session, id);
    if (!found) return found.error();
    stored = *std::move(found);
    return {};
  });
  if (!done) return done.error();
  if (!stored || !has_key(*stored)) return refused();
  auto known = std::make_shared<const AccessToken>(*std::move(stored));
  by_id.put(ticket, id, known);
  return Known(std::move(known));
}

std::optional<AccessTokens::Checked> AccessTokens::State::peek_judgement(const Known& token,
                                                                         std::string_view address) const {
  const auto account = accounts.peek(token->account_id);
  const auto policy = policies.peek(token->account_id);
  if (account == nullptr || policy == nullptr) return std::nullopt;
  if (!stands(*token, *account, *policy, address, clock.now())) return refused();
  return Checked(token);
}

AccessTokens::Checked AccessTokens::State::judge(const Known& token, std::string_view address) {
  const auto account = accounts.find(token->account_id);
  if (!account) return account.error().code == Errc::not_found ? refused() : account.error();
  const auto policy = policies.effective(token->account_id);
  if (!policy) return policy.error();
  if (!stands(*token, *account, **policy, address, clock.now())) return refused();
  return token;
}

AccessTokens::AccessTokens(db::Database& database, const crypto::Keyring& keyring, Accounts& accounts,
                           Policies& policies, const Clock& clock, Options options)
    : state_(new State(database, keyring, accounts, policies, clock, options)) {}

AccessTokens::~AccessTokens() = default;

bool AccessTokens::is_access_token(std::string_view text) {
  return text.starts_with(kPersonalTokenPrefix) || text.starts_with(kRobotTokenPrefix);
}

std::optional<AccessTokens::Checked> AccessTokens::peek(std::string_view token, const TokenSource& source) {
  if (!well_formed(token)) return refused();
  const State::Known known =
      state_->find(fingerprint(state_->keyring, crypto::KeyPurpose::token_hash, token));
  if (known == nullptr) return std::nullopt;
  auto checked = state_->peek_judgement(known, source.address);
  if (checked && *checked) state_->uses.note(known->id, state_->clock.now(), source.address, source.client);
  return checked;
}

AccessTokens::Checked AccessTokens::verify(std::string_view token, const TokenSource& source) {
  if (!well_formed(token)) return refused();
  const Fingerprint print = fingerprint(state_->keyring, crypto::KeyPurpose::token_hash, token);
  State::Known known = state_->find(print);
  if (known == nullptr) {
    auto loaded = state_->load(print, token);
    if (!loaded) return loaded.error();
    known = *std::move(loaded);
  }
  auto checked = state_->judge(known, source.address);
  if (checked) state_->uses.note(known->id, state_->clock.now(), source.address, source.client);
  return checked;
}

std::string_view AccessTokens::why_refused(std::string_view token, std::string_view address,
                                           std::optional<std::string_view> name) {
  if (!well_formed(token)) return kWrongToken;
  const Fingerprint print = fingerprint(state_->keyring, crypto::KeyPurpose::token_hash, token);
  State::Known known = state_->find(print);
  if (known == nullptr) {
    auto loaded = state_->load(print, token);
    if (!loaded) return kWrongToken;
    known = *std::move(loaded);
  }
  const auto account = state_->accounts.find(known->account_id);
  if (!account || (name && *name != account->name)) return kWrongToken;
  const auto policy = state_->policies.effective(known->account_id);
  if (!policy) return kWrongToken;
  const std::string_view why = why_not(*known, *account, **policy, address, state_->clock.now());
  return why.empty() ? kWrongToken : why;  // it is taken by now
}

Error AccessTokens::kept_out(std::string_view address) {
  return {Errc::unauthenticated,
          fmt::format(
              "the access token is not taken from {}: its own networks, or those that a policy allows, are "
              "others",
              address)};
}

std::optional<AccessTokens::Checked> AccessTokens::peek(std::int64_t token_id,
                                                        std::string_view address) const {
  const State::Known known = state_->by_id.find(token_id).value_or(nullptr);
  if (known == nullptr || !state_->has_key(*known)) return std::nullopt;
  return state_->peek_judgement(known, address);
}

AccessTokens::Checked AccessTokens::check(std::int64_t token_id, std::string_view address) {
  State::Known known = state_->by_id.find(token_id).value_or(nullptr);
  if (known == nullptr || !state_->has_key(*known)) {
    auto loaded = state_->load(token_id);
    if (!loaded) return loaded.error();
    known = *std::move(loaded);
  }
  return state_->judge(known, address);
}

Result<std::vector<AccessToken>> AccessTokens::list(std::int64_t account_id, std::int64_t after,
                                                    std::size_t limit) {
  std::vector<AccessToken> tokens;
  const auto done = state_->database.read([&](db::Session& session) -> Result<void> {
    auto read = read_tokens(session, account_id, after, limit);
    if (!read) return read.error();
    tokens = *std::move(read);
    return {};
  });
  if (!done) return done.error();
  for (AccessToken& token : tokens)
    if (auto use = state_->uses.find(token.id)) token.last_use = std::move(use);
  return tokens;
}

Result<AccessToken> AccessTokens::find(std::int64_t account_id, std::int64_t token_id) {
  if (token_id <= 0) return no_access_token(token_id);
  auto tokens = list(account_id, token_id - 1, 1);
  if (!tokens) return tokens.error();
  if (tokens->empty() || tokens->front().id != token_id) return no_access_token(token_id);
  return std::move(tokens->front());
}

Result<TokenState> AccessTokens::state(const AccessToken& token) {
  if (token.revoked()) return TokenState::revoked;
  if (state_->clock.now() >= token.expires_at) return TokenState::expired;
  const auto account = state_->accounts.find(token.account_id);
  if (!account) return account.error();
  if (!state_->has_key(token) || !account->active() || token.token_version != account->token_version)
    return TokenState::dead;
  const auto policy = state_->policies.effective(token.account_id);
  if (!policy) return policy.error();
  if (token.life() > (*policy)->token_life || ((*policy)->mfa_required && !token.multi_factor))
    return TokenState::suspended;
  return token.successor_id != 0 ? TokenState::rotated : TokenState::active;
}

Result<void> AccessTokens::flush() { return state_->uses.flush(state_->clock.now()); }

void AccessTokens::forget(std::int64_t token_id) { state_->by_id.forget(token_id); }

void AccessTokens::forget_all() {
  state_->by_print.forget_all();
  state_->by_id.forget_all();
}

}  // namespace bulkhead::identity
