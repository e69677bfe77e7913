// What only depends on the token is checked first, so that its answer says nothing of what is stored here;
// then the issuer must be one that somebody trusts before it is asked for anything; and nothing is read from
// the claims, but for the issuer, before the signature has been verified.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "audit/outbox.h"
#include "base/log.h"
#include "identity/workload/workload.h"

namespace bulkhead::identity {

// Why an exchange was refused, for the journal; the caller is told less. What the token says is there to be
// compared with the trusts: its issuer as it stands there, the rest once the signature has been verified.
struct Workload::Refusal {
  std::string_view reason;  // "" while it was not refused
  std::string error;
  std::string issuer;
  std::shared_ptr<const JwtClaims> claims = {};
};

namespace {

// How long a used token is remembered beyond its end, so that a clock that is set back does not make it
// usable again.
constexpr std::chrono::hours kRemembered{1};
// Cleared away with each exchange: more than one adds.
constexpr std::int64_t kForgottenAtOnce = 100;

constexpr std::size_t kShownAudiences = 3;

Error not_accepted() {
  return {
      Errc::unauthenticated,
      "no trust here accepts the token; compare its issuer, audience and claims with the robot's trusts, and "
      "use each token once"};
}

bool may_be_name(std::string_view text) {
  return text.size() <= 200 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

// A long text is cut, so that what holds it stays whole.
std::string quote_in_part(std::string_view text) { return json_quote(text.substr(0, 512)); }

Result<bool> trusted(db::Session& session, const std::string& issuer) {
  const auto rows = session.query("SELECT 1 FROM workload_trusts WHERE issuer = ? LIMIT 1", {issuer});
  if (!rows) return rows.error();
  return !rows->empty();
}

// False when the token was used before.
Result<bool> use_up(db::Session& session, const JwtClaims& claims, Time now) {
  const auto forgotten = session.execute(
      "DELETE FROM workload_tokens_seen WHERE (issuer, jti) IN "
      "(SELECT issuer, jti FROM workload_tokens_seen WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)",
      {to_micros(now), kForgottenAtOnce});
  if (!forgotten) return forgotten.error();
  const auto marked = session.execute(
      "INSERT INTO workload_tokens_seen (issuer, jti, expires_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
      {claims.issuer, claims.once, to_micros(claims.expires_at + kRemembered)});
  if (!marked) return marked.error();
  return *marked == 1;
}

void merge(std::vector<TokenScope>& scopes, const TokenScope& scope) {
  for (TokenScope& known : scopes) {
    if (known.repository_id != scope.repository_id || known.namespace_id != scope.namespace_id) continue;
    known.actions.pull = known.actions.pull || scope.actions.pull;
    known.actions.push = known.actions.push || scope.actions.push;
    known.actions.remove = known.actions.remove || scope.actions.remove;
    return;
  }
  scopes.push_back(scope);
}

template <class Refusal>
std::string describe(const Refusal& refusal) {
  std::string detail = fmt::format(R"({{"reason":"{}")", refusal.reason);
  if (!refusal.error.empty()) detail += fmt::format(R"(,"error":{})", json_quote(refusal.error));
  if (!refusal.issuer.empty()) detail += fmt::format(R"(,"issuer":{})", quote_in_part(refusal.issuer));
  if (refusal.claims != nullptr) {
    detail += fmt::format(R"(,"subject":{},"audience":[)", quote_in_part(refusal.claims->subject));
    const auto& audiences = refusal.claims->audiences;
    for (std::size_t i = 0; i < std::min(audiences.size(), kShownAudiences); ++i)
      detail += fmt::format("{}{}", i == 0 ? "" : ",", quote_in_part(audiences[i]));
    detail += ']';
  }
  return detail + '}';
}

}  // namespace

std::optional<std::string> Workload::unheard_issuer(const Secret<>& token) {
  const auto jwt = UnverifiedJwt::parse(token.reveal(), clock_.now(), options_.jwt);
  if (!jwt) return std::nullopt;
  bool known = false;
  const auto looked = database_.read([&](db::Session& session) -> Result<void> {
    const auto found = trusted(session, jwt->issuer());
    if (!found) return found.error();
    known = *found;
    return {};
  });
  if (!looked || !known || !keys_.would_wait(jwt->issuer(), jwt->key_id())) return std::nullopt;
  return jwt->issuer();
}

Result<WorkloadGrant> Workload::exchange(const Secret<>& token, std::string_view robot,
                                         const audit::Origin& origin, bool may_wait) {
  Refusal refusal;
  auto grant = attempt(token.reveal(), robot, origin, may_wait, refusal);
  if (!grant && !refusal.reason.empty()) {
    const std::string detail = describe(refusal);
    journal_.append({.at = clock_.now(),
                     .action = audit::Action::login_failed,
                     .origin = origin,
                     .repository = {},
                     .target = may_be_name(robot) ? std::string(robot) : std::string(),
                     .old_digest = {},
                     .new_digest = {},
                     .detail = detail});
  }
  return grant;
}

Result<WorkloadGrant> Workload::attempt(std::string_view token, std::string_view robot,
                                        const audit::Origin& origin, bool may_wait, Refusal& refusal) {
  const Time now = clock_.now();
  const auto claims = authenticate(token, now, may_wait, refusal);
  if (!claims) return claims.error();
  const auto trusts = accepting_trusts(*claims, robot, refusal);
  if (!trusts) return trusts.error();
  std::optional<WorkloadGrant> grant;
  const auto done = database_.write([&](db::Session& session) -> Result<void> {
    refusal = {};
    auto redeemed = redeem(session, *trusts, *claims, now, origin, refusal);
    if (!redeemed) return redeemed.error();
    grant = *std::move(redeemed);
    return {};
  });
  if (!done) return done.error();
  return *std::move(grant);
}

Workload::Refusal Workload::refused_with(std::string_view reason, const JwtClaims& claims) {
  return {reason, {}, claims.issuer, std::make_shared<const JwtClaims>(claims)};
}

Result<JwtClaims> Workload::authenticate(std::string_view token, Time now, bool may_wait, Refusal& refusal) {
  const auto jwt = UnverifiedJwt::parse(token, now, options_.jwt);
  if (!jwt) {
    refusal = {"workload_token_invalid", jwt.error().message, {}};
    return jwt.error();
  }
  const std::string& issuer = jwt->issuer();
  bool known = false;
  const auto looked = database_.read([&](db::Session& session) -> Result<void> {
    const auto found = trusted(session, issuer);
    if (!found) return found.error();
    known = *found;
    return {};
  });
  if (!looked) return looked.error();
  if (!known) {
    refusal = {"workload_issuer_unknown", {}, issuer};
    return not_accepted();
  }
  bool signature_wrong = false;
  auto claims = keys_.verify(*jwt, signature_wrong, may_wait);
  if (!claims && claims.error().code == Errc::unauthenticated) {
    refusal = {signature_wrong ? "workload_signature_wrong" : "workload_key_unknown", {}, issuer};
    return not_accepted();
  }
  if (!claims) {
    refusal = {"workload_issuer_unavailable", claims.error().message, issuer};
    return Error{Errc::unavailable, "the keys of the token's issuer cannot be fetched now; try again later",
                 claims.error().retry_after};
  }
  if (claims->expires_at - claims->issued_at > options_.longest_life) {
    refusal = refused_with("workload_token_lives_too_long", *claims);
    return not_accepted();
  }
  return claims;
}

Result<std::vector<std::int64_t>> Workload::accepting_trusts(const JwtClaims& claims, std::string_view robot,
                                                             Refusal& refusal) {
  std::vector<TrustCandidate> candidates;
  if (may_be_name(robot)) {
    const auto looked = database_.read([&](db::Session& session) -> Result<void> {
      auto found = read_candidates(session, claims.issuer, robot);
      if (!found) return found.error();
      candidates = *std::move(found);
      return {};
    });
    if (!looked) return looked.error();
  }
  std::erase_if(candidates, [&](const TrustCandidate& trust) {
    return !claims.names(trust.audience) || !matches(trust.rule, claims);
  });
  if (candidates.empty()) {
    refusal = refused_with("workload_no_trust_matches", claims);
    return not_accepted();
  }
  std::vector<std::int64_t> ids;
  for (const TrustCandidate& trust : candidates) ids.push_back(trust.id);
  return ids;
}

Result<WorkloadGrant> Workload::redeem(db::Session& session, const std::vector<std::int64_t>& trusts,
                                       const JwtClaims& claims, Time now, const audit::Origin& origin,
                                       Refusal& refusal) const {
  WorkloadGrant grant;
  grant.lifetime = kLongestWorkload;
  std::string ids;
  for (const std::int64_t id : trusts) {
    // Trusts never change, so one that is still there still accepts the token.
    const auto found = read_trust(session, id);
    if (!found) return found.error();
    if (found->empty()) continue;
    const WorkloadTrust& trust = found->front();
    grant.robot_id = trust.robot_id;
    grant.lifetime = std::min(grant.lifetime, trust.lifetime);
    for (const TokenScope& scope : trust.scopes) merge(grant.scopes, scope);
    ids += fmt::format("{}{}", ids.empty() ? "" : ",", id);
  }
  if (ids.empty()) {
    refusal = refused_with("workload_no_trust_matches", claims);
    return not_accepted();
  }
  const auto robots =
      session.query("SELECT name, state, credential_version FROM accounts WHERE id = ?", {grant.robot_id});
  if (!robots) return robots.error();
  grant.robot = robots->front().text(0);
  grant.credential_version = robots->front().integer(2);
  if (robots->front().text(1) != "active") {
    refusal = refused_with("workload_robot_inactive", claims);
    return not_accepted();
  }
  const auto first = use_up(session, claims, now);
  if (!first) return first.error();
  if (!*first) {
    refusal = refused_with("workload_token_used_before", claims);
    return not_accepted();
  }
  audit::Origin robot = origin;
  robot.account = grant.robot;
  robot.credential = "workload";
  const auto recorded =
      record(session, audit::Action::workload_token_exchanged, now, grant.robot,
             fmt::format(R"({{"trusts":[{}],"issuer":{},"subject":{},"token":"{}","seconds":{}}})", ids,
                         quote_in_part(claims.issuer), quote_in_part(claims.subject), claims.once,
                         grant.lifetime.count()),
             robot);
  if (!recorded) return recorded.error();
  return grant;
}

}  // namespace bulkhead::identity
