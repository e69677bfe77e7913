#include "registry/links.h"

#include <fmt/format.h>

#include <chrono>

#include "registry/counted.h"

namespace bulkhead::registry {
namespace {

// Longer than any commit of an upload takes.
constexpr std::chrono::hours kReservationLife{1};
constexpr std::int64_t kSweptAtOnce = 1000;
// The namespace that a repository is in now, or where one that is not there yet (unborn.h) is going to be.
constexpr std::string_view kNamespaceOf =
    "COALESCE((SELECT namespace_id FROM repositories WHERE id = ?), CAST(? AS BIGINT))";

Result<void> add_use(db::Session& session, std::int64_t namespace_id, std::int64_t more) {
  const auto counted =
      session.execute("UPDATE namespaces SET used_bytes = used_bytes + ? WHERE id = ?", {more, namespace_id});
  if (!counted) return counted.error();
  return {};
}

}  // namespace

// In the namespace that the repository is in now: it may have been given to another since it was looked up.
Result<void> count_use(db::Session& session, const access::Repository& repository, std::int64_t more) {
  const auto spaces =
      session.query("UPDATE repositories SET used_bytes = used_bytes + ? WHERE id = ? RETURNING namespace_id",
                    {more, repository.id});
  if (!spaces) return spaces.error();
  if (spaces->empty()) return {};
  return add_use(session, spaces->front().integer(0), more);
}

Result<std::int64_t> read_removals(db::Session& session, std::int64_t repository_id) {
  const auto rows = session.query("SELECT removals FROM repositories WHERE id = ?", {repository_id});
  if (!rows) return rows.error();
  return rows->empty() ? 0 : rows->front().integer(0);
}

Result<void> note_removal(db::Session& session, std::int64_t repository_id) {
  const auto noted =
      session.execute("UPDATE repositories SET removals = removals + 1 WHERE id = ?", {repository_id});
  if (!noted) return noted.error();
  return {};
}

Result<void> note_hold(db::Session& session, std::int64_t repository_id) {
  const auto noted =
      session.execute("UPDATE repositories SET holds = holds + 1 WHERE id = ?", {repository_id});
  if (!noted) return noted.error();
  return {};
}

Result<std::int64_t> reserve_room(db::Session& session, const access::Repository& repository,
                                  std::uint64_t size, Time now) {
  const auto rows =
      session.query("SELECT n.id, n.quota_bytes FROM namespaces n WHERE n.id = " + std::string(kNamespaceOf),
                    {repository.id, repository.namespace_id});
  if (!rows) return rows.error();
  if (rows->empty() || rows->front().is_null(1)) return 0;
  const auto bytes = static_cast<std::int64_t>(counted(size));
  if (auto fits = check_quota(session, repository, counted(size)); !fits) return fits.error();
  const std::int64_t namespace_id = rows->front().integer(0);
  if (auto added = add_use(session, namespace_id, bytes); !added) return added.error();
  const auto made = session.query(
      "INSERT INTO quota_reservations (namespace_id, bytes, expires_at) VALUES (?, ?, ?) RETURNING id",
      {namespace_id, bytes, to_micros(now + kReservationLife)});
  if (!made) return made.error();
  return made->front().integer(0);
}

Result<bool> has_quota(db::Session& session, const access::Repository& repository) {
  const auto rows = session.query(
      "SELECT 1 FROM namespaces n WHERE n.quota_bytes IS NOT NULL AND n.id = " + std::string(kNamespaceOf),
      {repository.id, repository.namespace_id});
  if (!rows) return rows.error();
  return !rows->empty();
}

Result<bool> end_reservation(db::Session& session, std::int64_t reservation) {
  const auto ended = session.query(
      "DELETE FROM quota_reservations WHERE id = ? RETURNING namespace_id, bytes", {reservation});
  if (!ended) return ended.error();
  if (ended->empty()) return false;
  if (auto counted = add_use(session, ended->front().integer(0), -ended->front().integer(1)); !counted)
    return counted.error();
  return true;
}

Result<void> end_old_reservations(db::Session& session, Time now) {
  const auto old =
      session.query("SELECT id FROM quota_reservations WHERE expires_at <= ? ORDER BY expires_at LIMIT ?",
                    {to_micros(now), kSweptAtOnce});
  if (!old) return old.error();
  for (const db::Row& row : *old)
    if (auto ended = end_reservation(session, row.integer(0)); !ended) return ended.error();
  return {};
}

Result<void> check_exists(db::Session& session, const access::Repository& repository) {
  auto rows =
      session.query("SELECT 1 FROM repositories WHERE id = ? AND removed_at IS NULL", {repository.id});
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
  auto rows = session.query("SELECT n.name, n.quota_bytes, n.used_bytes FROM namespaces n WHERE n.id = " +
                                std::string(kNamespaceOf),
                            {repository.id, repository.namespace_id});
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
                       std::uint64_t size, Time now, bool reserved) {
  if (auto exists = check_exists(session, repository); !exists) return exists.error();
  auto linked = session.execute(
      "INSERT INTO repository_blobs (repository_id, digest, created_at) VALUES (?, ?, ?) ON CONFLICT DO "
      "NOTHING",
      {repository.id, digest.render(), to_micros(now)});
  if (!linked) return linked.error();
  if (*linked == 0) {
    // One that was released counts again, and is there for who pushes it as if it were new.
    const auto back = session.execute(
        "UPDATE repository_blobs SET released_at = NULL WHERE repository_id = ? AND digest = ? AND "
        "released_at "
        "IS NOT NULL",
        {repository.id, digest.render()});
    if (!back) return back.error();
    if (*back == 0) return false;
    if (auto noted = note_removal(session, repository.id); !noted) return noted.error();
  }
  if (!reserved)
    if (auto fits = check_quota(session, repository, counted(size)); !fits) return fits.error();
  if (auto added = count_use(session, repository, static_cast<std::int64_t>(counted(size))); !added)
    return added.error();
  return true;
}

Result<bool> unlink_blob(db::Session& session, const access::Repository& repository,
                         const oci::Digest& digest) {
  auto size = counted_size(session, repository.id, digest);
  if (!size) return size.error();
  auto removed = session.execute("DELETE FROM repository_blobs WHERE repository_id = ? AND digest = ?",
                                 {repository.id, digest.render()});
  if (!removed) return removed.error();
  if (*removed == 0) return false;
  if (auto noted = note_removal(session, repository.id); !noted) return noted.error();
  if (!*size) return true;
  if (auto lowered = count_use(session, repository, -static_cast<std::int64_t>(counted(**size))); !lowered)
    return lowered.error();
  return true;
}

namespace {

Result<std::optional<std::uint64_t>> size_where(db::Session& session, std::string_view sql,
                                                std::int64_t repository_id, const oci::Digest& digest) {
  auto rows = session.query(sql, {repository_id, digest.render()});
  if (!rows) return rows.error();
  if (rows->empty()) return std::optional<std::uint64_t>();
  return std::optional(static_cast<std::uint64_t>(rows->front().integer(0)));
}

}  // namespace

Result<std::optional<std::uint64_t>> linked_size(db::Session& session, std::int64_t repository_id,
                                                 const oci::Digest& digest) {
  return size_where(session,
                    "SELECT b.size FROM repository_blobs r JOIN blobs b ON b.digest = r.digest "
                    "WHERE r.repository_id = ? AND r.digest = ?",
                    repository_id, digest);
}

Result<std::optional<std::uint64_t>> counted_size(db::Session& session, std::int64_t repository_id,
                                                  const oci::Digest& digest) {
  return size_where(session,
                    "SELECT b.size FROM repository_blobs r JOIN blobs b ON b.digest = r.digest "
                    "WHERE r.repository_id = ? AND r.digest = ? AND r.released_at IS NULL",
                    repository_id, digest);
}

}  // namespace bulkhead::registry
