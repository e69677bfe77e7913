#include "identity/workload/workload_trust.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/plain_text.h"
#include "identity/workload/workload_presets.h"
#include "oci/quote.h"

namespace bulkhead::identity {
namespace {

constexpr std::string_view kColumns =
    "id, robot_id, name, issuer, audience, claims, lifetime_seconds, created_at";

Error refused(std::string why) { return {Errc::invalid_argument, std::move(why)}; }

Result<void> check_label(std::string_view what, std::string_view text, std::size_t most) {
  if (text.empty() || text.size() > most || !is_plain_text(text))
    return refused(fmt::format("{} has 1 to {} characters, none of them a control character", what, most));
  return {};
}

Result<void> apply_preset(NewWorkloadTrust& trust) {
  if (trust.preset.empty()) return {};
  const WorkloadPreset* preset = find_preset(trust.preset);
  if (preset == nullptr) {
    std::string known;
    for (const auto& each : workload_presets())
      known += fmt::format("{}{}", known.empty() ? "" : ", ", each.name);
    return refused(fmt::format("{} is not a preset; the presets are {}", oci::quote(trust.preset), known));
  }
  if (trust.issuer.empty()) trust.issuer = preset->issuer;
  const auto knows = [](std::span<const std::string_view> names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  bool pinned = false;
  for (const auto& [name, value] : trust.rule) {
    const bool immutable = knows(preset->immutable, name);
    if (!immutable && !knows(preset->claims, name))
      return refused(fmt::format("tokens of {} have no claim {}; they have {}, {}", preset->name,
                                 oci::quote(name), fmt::join(preset->immutable, ", "),
                                 fmt::join(preset->claims, ", ")));
    pinned = pinned || (immutable && value.find('*') == std::string::npos);
  }
  if (!pinned)
    return refused(fmt::format("names are given away again: a rule for {} needs the exact value of one of {}",
                               preset->name, fmt::join(preset->immutable, ", ")));
  return {};
}

Result<void> check_scopes(const std::vector<TokenScope>& scopes) {
  if (scopes.empty() || scopes.size() > kMostWorkloadScopes)
    return refused(fmt::format("a trust has 1 to {} scopes", kMostWorkloadScopes));
  for (const TokenScope& scope : scopes) {
    if ((scope.repository_id == 0) == (scope.namespace_id == 0))
      return refused("each scope names one repository or one namespace");
    if (!scope.actions.any()) return refused("each scope allows at least one of pull, push and delete");
  }
  return {};
}

db::Value id_or_null(std::int64_t id) { return id == 0 ? db::Value() : db::Value(id); }

Result<void> require_row(db::Session& session, std::string_view sql, std::int64_t id, const char* what) {
  if (id == 0) return {};
  const auto rows = session.query(sql, {id});
  if (!rows) return rows.error();
  if (rows->empty()) return Error{Errc::name_unknown, fmt::format("there is no {} with the id {}", what, id)};
  return {};
}

Result<void> insert_scope(db::Session& session, std::int64_t trust_id, std::int64_t position,
                          const TokenScope& scope) {
  const auto repository =
      require_row(session, "SELECT 1 FROM repositories WHERE id = ? AND removed_at IS NULL",
                  scope.repository_id, "repository");
  if (!repository) return repository.error();
  const auto space =
      require_row(session, "SELECT 1 FROM namespaces WHERE id = ?", scope.namespace_id, "namespace");
  if (!space) return space.error();
  const auto stored = session.execute(
      "INSERT INTO workload_trust_scopes (trust_id, position, repository_id, namespace_id, actions) "
      "VALUES (?, ?, ?, ?, ?)",
      {trust_id, position, id_or_null(scope.repository_id), id_or_null(scope.namespace_id),
       scope.actions.text()});
  if (!stored) return stored.error();
  return {};
}

Result<std::vector<TokenScope>> read_scopes(db::Session& session, std::int64_t trust_id) {
  const auto rows = session.query(
      "SELECT repository_id, namespace_id, actions FROM workload_trust_scopes WHERE trust_id = ? "
      "ORDER BY position",
      {trust_id});
  if (!rows) return rows.error();
  std::vector<TokenScope> scopes;
  for (const db::Row& row : *rows) {
    const auto actions = TokenActions::parse(row.text(2));
    if (!actions) return Error{Errc::corrupt, "a stored scope has actions that are none"};
    scopes.push_back({.namespace_id = row.is_null(1) ? 0 : row.integer(1),
                      .repository_id = row.is_null(0) ? 0 : row.integer(0),
                      .actions = *actions});
  }
  return scopes;
}

Result<std::vector<WorkloadTrust>> read_where(db::Session& session, std::string_view condition,
                                              std::int64_t id) {
  const auto rows = session.query(
      fmt::format("SELECT {} FROM workload_trusts WHERE {} ORDER BY id", kColumns, condition), {id});
  if (!rows) return rows.error();
  std::vector<WorkloadTrust> trusts;
  for (const db::Row& row : *rows) {
    auto rule = parse_rule(row.text(5));
    if (!rule) return rule.error();
    auto scopes = read_scopes(session, row.integer(0));
    if (!scopes) return scopes.error();
    trusts.push_back({.id = row.integer(0),
                      .robot_id = row.integer(1),
                      .name = row.text(2),
                      .issuer = row.text(3),
                      .audience = row.text(4),
                      .rule = *std::move(rule),
                      .scopes = *std::move(scopes),
                      .lifetime = std::chrono::seconds(row.integer(6)),
                      .created_at = from_micros(row.integer(7))});
  }
  return trusts;
}

}  // namespace

Result<NewWorkloadTrust> complete_trust(NewWorkloadTrust trust, const PlainHosts& plain) {
  if (const auto named = check_label("a trust's name", trust.name, kLongestTrustName); !named)
    return named.error();
  if (const auto applied = apply_preset(trust); !applied) return applied.error();
  if (const auto issuer = parse_issuer(trust.issuer, plain); !issuer) return issuer.error();
  if (const auto audience = check_label("an audience", trust.audience, kLongestAudience); !audience)
    return audience.error();
  if (const auto rule = check_rule(trust.issuer, trust.rule); !rule) return rule.error();
  if (const auto scopes = check_scopes(trust.scopes); !scopes) return scopes.error();
  if (trust.lifetime < kShortestWorkload || trust.lifetime > kLongestWorkload)
    return refused(fmt::format("a trust's tokens last {} to {} seconds", kShortestWorkload.count(),
                               kLongestWorkload.count()));
  return trust;
}

Result<std::int64_t> insert_trust(db::Session& session, const NewWorkloadTrust& trust, Time now) {
  const auto rows = session.query(
      "INSERT INTO workload_trusts (robot_id, name, issuer, audience, claims, lifetime_seconds, created_at) "
      "VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id",
      {trust.robot_id, trust.name, trust.issuer, trust.audience, render_rule(trust.rule),
       std::int64_t{trust.lifetime.count()}, to_micros(now)});
  if (!rows) return rows.error();
  const std::int64_t id = rows->front().integer(0);
  for (std::size_t i = 0; i < trust.scopes.size(); ++i) {
    const auto stored = insert_scope(session, id, static_cast<std::int64_t>(i), trust.scopes[i]);
    if (!stored) return stored.error();
  }
  return id;
}

Result<void> delete_trust(db::Session& session, std::int64_t id) {
  for (const std::string_view sql :
       {"DELETE FROM workload_trust_scopes WHERE trust_id = ?", "DELETE FROM workload_trusts WHERE id = ?"})
    if (const auto done = session.execute(sql, {id}); !done) return done.error();
  return {};
}

Result<std::vector<WorkloadTrust>> read_trust(db::Session& session, std::int64_t id) {
  return read_where(session, "id = ?", id);
}

Result<std::vector<WorkloadTrust>> read_trusts_of(db::Session& session, std::int64_t robot_id) {
  return read_where(session, "robot_id = ?", robot_id);
}

Result<std::vector<TrustCandidate>> read_candidates(db::Session& session, std::string_view issuer,
                                                    std::string_view robot) {
  const auto rows = session.query(
      "SELECT t.id, t.audience, t.claims FROM workload_trusts t "
      "JOIN accounts a ON a.id = t.robot_id WHERE t.issuer = ? AND a.name = ? ORDER BY t.id",
      {std::string(issuer), std::string(robot)});
  if (!rows) return rows.error();
  std::vector<TrustCandidate> candidates;
  for (const db::Row& row : *rows) {
    auto rule = parse_rule(row.text(2));
    if (!rule) return rule.error();
    candidates.push_back({row.integer(0), row.text(1), *std::move(rule)});
  }
  return candidates;
}

}  // namespace bulkhead::identity
