#include "registry/reach.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "access/roles.h"
#include "registry/children.h"
#include "registry/counted.h"
#include "registry/links.h"
#include "registry/references.h"
#include "registry/tag_pattern.h"

namespace bulkhead::registry {
namespace {

constexpr std::size_t kManifestsPerStep = 50;
constexpr int kLooks = 5;
// No setting allows larger ones in.
constexpr std::uint64_t kLargestManifest = std::uint64_t{64} << 20;

// The repository, the digest, the digest, the repository, and two patterns. The set is walked once whatever
// the ways through it are, and the first tag will do. The names are expressions, so that tags are found by
// their digests and not one after the other in the order of their names.
constexpr std::string_view kTagAbove =
    "WITH RECURSIVE above (id) AS (SELECT id FROM repository_digests WHERE repository_id = ? AND digest = ? "
    "UNION SELECT c.parent FROM above a JOIN manifest_children c ON c.child = a.id), "
    "holders (digest) AS (SELECT digest FROM blobs WHERE digest = ? UNION SELECT d.digest FROM above a "
    "JOIN repository_digests d ON d.id = a.id) "
    "SELECT t.name FROM tags t WHERE t.repository_id = ? AND t.digest IN (SELECT digest FROM holders) "
    "AND (t.name || '' {0} ? OR t.name || '' {0} ?) LIMIT 1";

// SQLite's LIKE takes no notice of case.
constexpr std::string_view kGlob = "GLOB";
constexpr std::string_view kLike = "LIKE";

// The pattern in the engine's words, in which "" matches no tag either. Patterns hold what tags may, and '*'.
std::string in_words_of(std::string_view match, std::string_view pattern) {
  if (match == kGlob) return std::string(pattern);
  std::string like;
  for (const char c : pattern) {
    if (c == '_') like += '\\';
    like += c == '*' ? '%' : c;
  }
  return like;
}

struct Unread {
  oci::Digest digest;
  std::string media_type;
  std::uint64_t size = 0;
};

Result<std::vector<Unread>> read_unread(db::Database& database, std::int64_t repository_id) {
  std::vector<Unread> unread;
  const auto done = database.read([&](db::Session& session) -> Result<void> {
    unread.clear();
    const auto rows = session.query(
        "SELECT m.digest, m.media_type, m.size FROM manifests m JOIN repositories r ON r.id = "
        "m.repository_id "
        "JOIN namespaces n ON n.id = r.namespace_id "
        "WHERE m.repository_id = ? AND m.children_known = 0 AND (r.immutable_tags <> '' OR r.protected_tags "
        "<> '' OR n.quota_bytes IS NOT NULL) "
        "ORDER BY m.digest LIMIT ?",
        {repository_id, static_cast<std::int64_t>(kManifestsPerStep)});
    if (!rows) return rows.error();
    for (const db::Row& row : *rows) {
      const auto digest = oci::Digest::parse(row.text(0));
      if (!digest)
        return Error{Errc::corrupt, "the database holds what is no digest: " + digest.error().message};
      unread.push_back({*digest, row.text(1), static_cast<std::uint64_t>(row.integer(2))});
    }
    return {};
  });
  if (!done) return done.error();
  return unread;
}

// Nothing for one that is damaged: there is no telling what it held.
Result<std::optional<oci::Manifest>> parse_stored(blob::BlobStore& store, const Unread& stored,
                                                  const oci::ManifestLimits& limits) {
  const auto reader = store.open(stored.digest);
  if (!reader && reader.error().code == Errc::blob_unknown) return std::optional<oci::Manifest>();
  if (!reader) return reader.error();
  if ((*reader)->size() != stored.size || stored.size > kLargestManifest)
    return std::optional<oci::Manifest>();
  std::string bytes(static_cast<std::size_t>(stored.size), '\0');
  const auto count = (*reader)->read(0, std::as_writable_bytes(std::span(bytes)));
  if (!count) return count.error();
  // The limits of today may be narrower than those that it was taken under.
  oci::ManifestLimits wide = limits;
  wide.bytes = std::max<std::size_t>(wide.bytes, bytes.size());
  auto manifest = oci::parse_manifest(as_bytes(bytes), stored.media_type, wide);
  if (!manifest) return std::optional<oci::Manifest>();
  return std::optional(*std::move(manifest));
}

Result<void> note(db::Session& session, const access::Repository& repository, const Unread& stored,
                  const oci::Manifest& manifest) {
  const std::vector<std::string> children = children_of(manifest);
  const auto more = static_cast<std::int64_t>(children.size() * kReferenceCounted);
  // It may be gone, or have been read by another, meanwhile.
  const auto known = session.execute(
      "UPDATE manifests SET children_known = 1, counted_bytes = counted_bytes + ? "
      "WHERE repository_id = ? AND digest = ? AND children_known = 0",
      {more, repository.id, stored.digest.render()});
  if (!known) return known.error();
  if (*known == 0) return {};
  if (auto added = count_use(session, repository, more); !added) return added;
  const auto references = find_numbers(session, repository.id, children);
  if (!references) return references.error();
  return write_references(session, repository.id, stored.digest, *references);
}

// As long as this is the same, no more is held.
struct Holds {
  TagRules rules;
  std::int64_t number = 0;

  friend bool operator==(const Holds&, const Holds&) = default;
};

Result<Holds> read_holds(db::Session& session, const access::Repository& repository) {
  auto rules = read_tag_rules(session, repository);
  if (!rules) return rules.error();
  const auto rows = session.query("SELECT holds FROM repositories WHERE id = ?", {repository.id});
  if (!rows) return rows.error();
  return Holds{*std::move(rules), rows->at(0).integer(0)};
}

Result<void> check_reach(db::Session& session, std::string_view match, const Taken& taken,
                         const TagRules& rules) {
  if (rules.immutable.empty() && rules.guarded.empty()) return {};
  const std::int64_t repository_id = taken.repository.id;
  const std::string text = taken.digest.render();
  const auto there =
      session.query(fmt::format("SELECT 1 FROM {} WHERE repository_id = ? AND digest = ?", taken.table),
                    {repository_id, text});
  if (!there) return there.error();
  if (there->empty()) return taken.absent;
  const auto unread = session.query(
      "SELECT 1 FROM manifests WHERE repository_id = ? AND children_known = 0 LIMIT 1", {repository_id});
  if (!unread) return unread.error();
  // The rules are newer than read_children() was.
  if (!unread->empty())
    return Error{Errc::unavailable,
                 "what the repository's manifests refer to is still being read; try again"};
  const auto role = access::read_role(session, taken.context.principal, repository_id);
  if (!role) return role.error();
  const std::string guarded = *role >= access::Role::maintainer ? "" : rules.guarded;
  const auto rows = session.query(fmt::format(kTagAbove, match),
                                  {repository_id, text, text, repository_id,
                                   in_words_of(match, rules.immutable), in_words_of(match, guarded)});
  if (!rows) return rows.error();
  if (rows->empty()) return {};
  auto held = check_tag_change(session, taken.repository, rules, rows->front().text(0), taken.context);
  if (held) return Error{Errc::internal, "a tag matches in the database alone"};
  Error error = held.error();
  error.message = fmt::format("{} belongs to what a tag holds fast: {}", text, error.message);
  return error;
}

}  // namespace

Result<void> read_children(db::Database& database, blob::BlobStore& store,
                           const access::Repository& repository, const oci::ManifestLimits& limits) {
  for (;;) {
    const auto unread = read_unread(database, repository.id);
    if (!unread) return unread.error();
    if (unread->empty()) return {};  // at once, where there are no rules
    std::vector<oci::Manifest> manifests;
    for (const Unread& stored : *unread) {
      auto manifest = parse_stored(store, stored, limits);
      if (!manifest) return manifest.error();
      manifests.push_back(manifest->value_or(oci::Manifest()));
    }
    const auto done = database.write([&](db::Session& session) -> Result<void> {
      for (std::size_t i = 0; i < unread->size(); ++i)
        if (auto noted = note(session, repository, (*unread)[i], manifests[i]); !noted) return noted;
      return {};
    });
    if (!done) return done.error();
  }
}

Result<void> remove_unheld(db::Database& database, blob::BlobStore& store, const Taken& taken,
                           const oci::ManifestLimits& limits, const db::Database::Work& work) {
  if (auto read = read_children(database, store, taken.repository, limits); !read) return read;
  for (int look = 0; look < kLooks; ++look) {
    Holds seen;
    const auto looked = database.read([&](db::Session& session) -> Result<void> {
      auto holds = read_holds(session, taken.repository);
      if (!holds) return holds.error();
      seen = *std::move(holds);
      return check_reach(session, database.engine() == "sqlite" ? kGlob : kLike, taken, seen.rules);
    });
    if (!looked) return looked;
    bool same = false;
    const auto done = database.write([&](db::Session& session) -> Result<void> {
      const auto holds = read_holds(session, taken.repository);
      if (!holds) return holds.error();
      same = *holds == seen;
      return same ? work(session) : Result<void>(Error{Errc::unavailable, "not the same any more"});
    });
    if (done || same) return done;
  }
  return Error{Errc::unavailable, fmt::format("tags that are held fast are being set in {}; try again",
                                              taken.repository.name.render())};
}

}  // namespace bulkhead::registry
