#include "registry/references.h"

#include <algorithm>
#include <set>
#include <utility>

#include "registry/links.h"

namespace bulkhead::registry {
namespace {

constexpr std::size_t kPairsAtOnce = 64;

struct Number {
  std::int64_t id = 0;
  bool is_new = false;
};

// Of a digest, which gets one where it has none.
Result<Number> number(db::Session& session, std::int64_t repository_id, const std::string& digest) {
  const auto made = session.query(
      "INSERT INTO repository_digests (repository_id, digest) VALUES (?, ?) ON CONFLICT DO NOTHING RETURNING "
      "id",
      {repository_id, digest});
  if (!made) return made.error();
  if (!made->empty()) return Number{made->front().integer(0), true};
  const auto rows = session.query("SELECT id FROM repository_digests WHERE repository_id = ? AND digest = ?",
                                  {repository_id, digest});
  if (!rows) return rows.error();
  if (rows->empty()) return Error{Errc::internal, "a digest that was written down is not there"};
  return Number{rows->front().integer(0), false};
}

// In the order of their numbers, which is that of the table.
Result<void> write_pairs(db::Session& session, std::int64_t parent, std::vector<std::int64_t> children) {
  std::ranges::sort(children);
  std::vector<db::Value> parameters;
  for (std::size_t from = 0; from < children.size(); from += kPairsAtOnce) {
    const std::size_t count = std::min(kPairsAtOnce, children.size() - from);
    std::string sql = "INSERT INTO manifest_children (child, parent) VALUES ";
    parameters.clear();
    for (std::size_t i = 0; i < count; ++i) {
      sql += i == 0 ? "(?, ?)" : ", (?, ?)";
      parameters.emplace_back(children[from + i]);
      parameters.emplace_back(parent);
    }
    if (const auto written = session.execute(sql, parameters); !written) return written.error();
  }
  return {};
}

}  // namespace

std::string digest_places() {
  std::string places = "(?";
  for (std::size_t i = 1; i < kDigestsAtOnce; ++i) places += ", ?";
  return places + ')';
}

Result<References> find_numbers(db::Session& session, std::int64_t repository_id,
                                const std::vector<std::string>& children) {
  static const std::string sql =
      "SELECT id, digest FROM repository_digests WHERE repository_id = ? AND digest IN " + digest_places();
  References found;
  std::set<std::string, std::less<>> numbered;
  auto done = in_batches(repository_id, children, [&](const std::vector<db::Value>& batch) -> Result<void> {
    const auto rows = session.query(sql, batch);
    if (!rows) return rows.error();
    for (const db::Row& row : *rows)
      if (numbered.insert(row.text(1)).second) found.numbers.push_back(row.integer(0));
    return {};
  });
  if (!done) return done.error();
  for (const std::string& child : children)
    if (!numbered.contains(child)) found.others.push_back(child);
  return found;
}

Result<void> write_references(db::Session& session, std::int64_t repository_id, const oci::Digest& parent,
                              const References& references) {
  if (references.size() == 0) return {};
  const auto above = number(session, repository_id, parent.render());
  if (!above) return above.error();
  // Others refer to it already: tags above those now reach further.
  if (!above->is_new)
    if (auto noted = note_hold(session, repository_id); !noted) return noted;
  std::vector<std::int64_t> children = references.numbers;
  for (const std::string& other : references.others) {
    const auto made = number(session, repository_id, other);
    if (!made) return made.error();
    children.push_back(made->id);
  }
  return write_pairs(session, above->id, std::move(children));
}

Result<std::vector<std::string>> read_references(db::Session& session, std::int64_t repository_id,
                                                 std::string_view parent) {
  const auto rows = session.query(
      "SELECT d.digest FROM repository_digests p JOIN manifest_children c ON c.parent = p.id "
      "JOIN repository_digests d ON d.id = c.child WHERE p.repository_id = ? AND p.digest = ? ORDER BY "
      "d.digest",
      {repository_id, std::string(parent)});
  if (!rows) return rows.error();
  std::vector<std::string> children;
  for (const db::Row& row : *rows) children.push_back(row.text(0));
  return children;
}

Result<void> delete_references(db::Session& session, std::int64_t repository_id, std::string_view parent,
                               const std::vector<std::string>& children) {
  const auto deleted = session.execute(
      "DELETE FROM manifest_children WHERE parent IN (SELECT id FROM repository_digests WHERE repository_id "
      "= ? "
      "AND digest = ?)",
      {repository_id, std::string(parent)});
  if (!deleted) return deleted.error();
  // Numbers that are of no use any more.
  static const std::string sql =
      "DELETE FROM repository_digests WHERE repository_id = ? AND digest IN " + digest_places() +
      " AND NOT EXISTS (SELECT 1 FROM manifest_children c WHERE c.child = repository_digests.id) "
      "AND NOT EXISTS (SELECT 1 FROM manifest_children c WHERE c.parent = repository_digests.id)";
  std::vector<std::string> digests = children;
  digests.emplace_back(parent);
  return in_batches(repository_id, digests, [&](const std::vector<db::Value>& batch) -> Result<void> {
    const auto forgotten = session.execute(sql, batch);
    if (!forgotten) return forgotten.error();
    return {};
  });
}

}  // namespace bulkhead::registry
