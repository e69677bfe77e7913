#include "registry/releases.h"

#include <fmt/format.h>

#include "audit/outbox.h"
#include "registry/children.h"
#include "registry/counted.h"
#include "registry/links.h"
#include "registry/references.h"

namespace bulkhead::registry {
namespace {

constexpr std::int64_t kUnlinkedAtOnce = 1000;

struct Linked {
  std::int64_t repository_id = 0;
  std::string repository;
  std::string digest;
};

Result<std::vector<BlobKey>> unlink(db::Session& session, const std::vector<Linked>& links, Time now) {
  std::vector<BlobKey> gone;
  for (const Linked& link : links) {
    const auto removed =
        session.execute("DELETE FROM repository_blobs WHERE repository_id = ? AND digest = ?",
                        {link.repository_id, link.digest});
    if (!removed) return removed.error();
    if (auto noted = note_removal(session, link.repository_id); !noted) return noted.error();
    auto digest = oci::Digest::parse(link.digest);
    if (!digest)
      return Error{Errc::internal, "the database holds what is no digest: " + digest.error().message};
    gone.push_back({link.repository_id, *digest});
    audit::Origin origin;
    origin.credential = "housekeeping";
    const auto recorded = audit::record(session, {.at = now,
                                                  .action = audit::Action::blob_deleted,
                                                  .origin = std::move(origin),
                                                  .repository = link.repository,
                                                  .target = link.digest,
                                                  .old_digest = link.digest,
                                                  .new_digest = {},
                                                  .detail = "unreferenced"});
    if (!recorded) return recorded.error();
  }
  return gone;
}

}  // namespace

Result<void> release(db::Session& session, const access::Repository& repository,
                     const std::vector<std::string>& children, Time now) {
  if (children.empty()) return {};
  const auto unread = session.query(
      "SELECT 1 FROM manifests WHERE repository_id = ? AND children_known = 0 LIMIT 1", {repository.id});
  if (!unread) return unread.error();
  if (!unread->empty()) return {};
  static const std::string condition =
      "repository_id = ? AND digest IN " + digest_places() +
      " AND released_at IS NULL AND NOT EXISTS (SELECT 1 FROM repository_digests d JOIN manifest_children c "
      "ON "
      "c.child = d.id WHERE d.repository_id = repository_blobs.repository_id AND d.digest = "
      "repository_blobs.digest)";
  static const std::string sizes =
      fmt::format("SELECT {} FROM blobs b WHERE b.digest IN (SELECT digest FROM repository_blobs WHERE {})",
                  kCountedSum, condition);
  static const std::string mark = "UPDATE repository_blobs SET released_at = ? WHERE " + condition;
  std::int64_t released = 0;
  auto done = in_batches(repository.id, children, [&](std::vector<db::Value>& parameters) -> Result<void> {
    const auto rows = session.query(sizes, parameters);
    if (!rows) return rows.error();
    released += rows->front().integer(0);
    parameters.insert(parameters.begin(), to_micros(now));
    const auto marked = session.execute(mark, parameters);
    if (!marked) return marked.error();
    return {};
  });
  if (!done) return done;
  return count_use(session, repository, -released);
}

Result<std::uint64_t> released_size(db::Session& session, const access::Repository& repository,
                                    const oci::Manifest& manifest) {
  static const std::string sql = fmt::format(
      "SELECT {} FROM repository_blobs r JOIN blobs b ON b.digest = r.digest "
      "WHERE r.repository_id = ? AND r.digest IN {} AND r.released_at IS NOT NULL",
      kCountedSum, digest_places());
  std::uint64_t size = 0;
  auto done = in_batches(repository.id, children_of(manifest),
                         [&](const std::vector<db::Value>& parameters) -> Result<void> {
                           const auto rows = session.query(sql, parameters);
                           if (!rows) return rows.error();
                           size += static_cast<std::uint64_t>(rows->front().integer(0));
                           return {};
                         });
  if (!done) return done.error();
  return size;
}

Result<void> take_back(db::Session& session, const access::Repository& repository,
                       const oci::Manifest& manifest, std::uint64_t released) {
  if (released == 0) return {};
  static const std::string sql =
      "UPDATE repository_blobs SET released_at = NULL WHERE repository_id = ? AND digest IN " +
      digest_places() + " AND released_at IS NOT NULL";
  auto done = in_batches(repository.id, children_of(manifest),
                         [&](const std::vector<db::Value>& parameters) -> Result<void> {
                           const auto marked = session.execute(sql, parameters);
                           if (!marked) return marked.error();
                           return {};
                         });
  if (!done) return done;
  if (auto noted = note_removal(session, repository.id); !noted) return noted;
  return count_use(session, repository, static_cast<std::int64_t>(released));
}

Result<std::vector<BlobKey>> unlink_released(db::Session& session, Time before, Time now) {
  const auto rows = session.query(
      "SELECT b.repository_id, r.name, b.digest FROM repository_blobs b JOIN repositories r ON r.id = "
      "b.repository_id WHERE b.released_at IS NOT NULL AND b.released_at <= ? AND r.removed_at IS NULL "
      "ORDER BY b.released_at, b.repository_id, b.digest LIMIT ?",
      {to_micros(before), kUnlinkedAtOnce});
  if (!rows) return rows.error();
  std::vector<Linked> links;
  for (const db::Row& row : *rows) links.push_back({row.integer(0), row.text(1), row.text(2)});
  return unlink(session, links, now);
}

Result<std::vector<BlobKey>> unlink_for(db::Session& session, const access::Repository& repository,
                                        std::uint64_t more, Time now) {
  const auto spaces = session.query(
      "SELECT n.id, n.quota_bytes, n.used_bytes FROM repositories r JOIN namespaces n ON n.id = "
      "r.namespace_id "
      "WHERE r.id = ?",
      {repository.id});
  if (!spaces) return spaces.error();
  std::vector<Linked> links;
  if (spaces->empty() || spaces->front().is_null(1)) return std::vector<BlobKey>();
  const auto rows = session.query(
      "SELECT b.repository_id, r.name, b.digest, s.size FROM repositories r "
      "JOIN repository_blobs b ON b.repository_id = r.id AND b.released_at IS NOT NULL "
      "JOIN blobs s ON s.digest = b.digest WHERE r.namespace_id = ? ORDER BY b.released_at, b.digest",
      {spaces->front().integer(0)});
  if (!rows) return rows.error();
  const auto quota = static_cast<std::uint64_t>(spaces->front().integer(1));
  std::uint64_t held = static_cast<std::uint64_t>(spaces->front().integer(2)) + more;
  for (const db::Row& row : *rows) held += counted(static_cast<std::uint64_t>(row.integer(3)));
  for (const db::Row& row : *rows) {
    if (held <= 2 * quota || std::ssize(links) >= kUnlinkedAtOnce) break;
    held -= counted(static_cast<std::uint64_t>(row.integer(3)));
    links.push_back({row.integer(0), row.text(1), row.text(2)});
  }
  return unlink(session, links, now);
}

}  // namespace bulkhead::registry
