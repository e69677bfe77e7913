#include "registry/removed.h"

#include <fmt/format.h>

#include <string_view>

namespace bulkhead::registry {
namespace {

constexpr std::int64_t kRowsPerStep = 1000;
constexpr std::int64_t kDigestsPerStep = 500;

// Of rows of the repository, by a key that its index orders them by.
Result<std::int64_t> delete_some(db::Session& session, std::int64_t repository_id, std::string_view table,
                                 std::string_view key) {
  return session.execute(
      fmt::format("DELETE FROM {0} WHERE repository_id = ? AND {1} IN (SELECT {1} FROM {0} "
                  "WHERE repository_id = ? ORDER BY {1} LIMIT ?)",
                  table, key),
      {repository_id, repository_id, kRowsPerStep});
}

// The first numbers of the repository, once no reference needs them; the references that do go first.
Result<std::int64_t> delete_some_references(db::Session& session, std::int64_t repository_id) {
  constexpr std::string_view kNumbers =
      "(SELECT id FROM repository_digests WHERE repository_id = ? ORDER BY digest LIMIT ?)";
  std::int64_t gone = 0;
  for (const std::string_view side : {"child", "parent"}) {
    const auto deleted = session.execute(
        fmt::format(
            "DELETE FROM manifest_children WHERE (child, parent) IN (SELECT c.child, c.parent FROM {} "
            "AS d JOIN manifest_children c ON c.{} = d.id LIMIT ?)",
            kNumbers, side),
        {repository_id, kDigestsPerStep, kRowsPerStep});
    if (!deleted) return deleted.error();
    gone += *deleted;
    if (*deleted == kRowsPerStep) return gone;
  }
  const auto deleted = session.execute(fmt::format("DELETE FROM repository_digests WHERE id IN {}", kNumbers),
                                       {repository_id, kDigestsPerStep});
  if (!deleted) return deleted.error();
  return gone + *deleted;
}

// What refers to other rows goes before them.
Result<void> take_step(db::Session& session, std::int64_t repository_id) {
  const auto references = delete_some_references(session, repository_id);
  if (!references) return references.error();
  if (*references > 0) return {};
  for (const auto& [table, key] :
       {std::pair("tags", "name"), std::pair("manifests", "digest"), std::pair("repository_blobs", "digest"),
        std::pair("access_token_scopes", "token_id"), std::pair("workload_trust_scopes", "trust_id")}) {
    const auto deleted = delete_some(session, repository_id, table, key);
    if (!deleted) return deleted.error();
    if (*deleted > 0) return {};
  }
  const auto gone = session.execute("DELETE FROM repositories WHERE id = ?", {repository_id});
  if (!gone) return gone.error();
  return {};
}

}  // namespace

Result<bool> clean_up_removed(db::Database& database) {
  std::int64_t repository_id = 0;
  constexpr std::string_view kNext =
      "SELECT id FROM repositories WHERE removed_at IS NOT NULL ORDER BY removed_at, id LIMIT 1";
  const auto looked = database.read([&](db::Session& session) -> Result<void> {
    const auto rows = session.query(kNext);
    if (!rows) return rows.error();
    repository_id = rows->empty() ? 0 : rows->front().integer(0);
    return {};
  });
  if (!looked) return looked.error();
  if (repository_id == 0) return false;
  const auto done = database.write([&](db::Session& session) { return take_step(session, repository_id); });
  if (!done) return done.error();
  return true;
}

}  // namespace bulkhead::registry
