#include "registry/links.h"

#include <fmt/format.h>

namespace bulkhead::registry {
namespace {

// In the namespace that the repository is in now: it may have been given to another since it was looked up.
Result<void> count_use(db::Session& session, const access::Repository& repository, std::int64_t more) {
  const auto counted = session.execute(
      "UPDATE namespaces SET used_bytes = used_bytes + ? "
      "WHERE id = (SELECT namespace_id FROM repositories WHERE id = ?)",
      {more, repository.id});
  if (!counted) return counted.error();
  return {};
}

}  // namespace

Result<void> check_exists(db::Session& session, const access::Repository& repository) {
  auto rows = session.query("SELECT 1 FROM repositories WHERE id = ?", {repository.id});
  if (!rows) return rows.error();
  if (rows->empty())
    return Error{Errc::name_unknown, fmt::format("there is no repository {}", repository.name.render())};
  return {};
}

Result<void> note_stored(db::Session& session, const oci::Digest& digest, std::uint64_t size, Time now) {
  auto noted =
      session.execute("INSERT INTO blobs (digest, size, created_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                      {digest.render(), static_cast<std::int64_t>(size), to_micros(now)});
  if (!noted) return noted.error();
  return {};
}

Result<void> check_quota(db::Session& session, const access::Repository& repository, std::uint64_t more) {
  auto rows = session.query(
      "SELECT n.name, n.quota_bytes, n.used_bytes FROM repositories r JOIN namespaces n ON n.id = "
      "r.namespace_id "
      "WHERE r.id = ?",
      {repository.id});
  if (!rows) return rows.error();
  if (rows->empty() || rows->front().is_null(1)) return {};
  const auto quota = static_cast<std::uint64_t>(rows->front().integer(1));
  const auto used = static_cast<std::uint64_t>(rows->front().integer(2));
  if (used <= quota && more <= quota - used) return {};
  return Error{
      Errc::quota_exceeded,
      fmt::format(
          "the namespace \"{}\" may hold {} bytes and holds {}; {} more do not fit: delete something, "
          "or ask an administrator to raise the quota",
          rows->front().text(0), quota, used, more)};
}

Result<bool> link_blob(db::Session& session, const access::Repository& repository, const oci::Digest& digest,
                       std::uint64_t size, Time now) {
  if (auto exists = check_exists(session, repository); !exists) return exists.error();
  auto linked = session.execute(
      "INSERT INTO repository_blobs (repository_id, digest, created_at) VALUES (?, ?, ?) ON CONFLICT DO "
      "NOTHING",
      {repository.id, digest.render(), to_micros(now)});
  if (!linked) return linked.error();
  if (*linked == 0) return false;
  if (auto fits = check_quota(session, repository, size); !fits) return fits.error();
  if (auto counted = count_use(session, repository, static_cast<std::int64_t>(size)); !counted)
    return counted.error();
  return true;
}

Result<bool> unlink_blob(db::Session& session, const access::Repository& repository,
                         const oci::Digest& digest) {
  auto size = linked_size(session, repository.id, digest);
  if (!size) return size.error();
  if (!*size) return false;
  auto removed = session.execute("DELETE FROM repository_blobs WHERE repository_id = ? AND digest = ?",
                                 {repository.id, digest.render()});
  if (!removed) return removed.error();
  if (auto counted = count_use(session, repository, -static_cast<std::int64_t>(**size)); !counted)
    return counted.error();
  return true;
}

Result<std::optional<std::uint64_t>> linked_size(db::Session& session, std::int64_t repository_id,
                                                 const oci::Digest& digest) {
  auto rows = session.query(
      "SELECT b.size FROM repository_blobs r JOIN blobs b ON b.digest = r.digest "
      "WHERE r.repository_id = ? AND r.digest = ?",
      {repository_id, digest.render()});
  if (!rows) return rows.error();
  if (rows->empty()) return std::optional<std::uint64_t>();
  return std::optional(static_cast<std::uint64_t>(rows->front().integer(0)));
}

}  // namespace bulkhead::registry
