// The part of Manifests that reads.
#include "registry/manifests.h"

#include <fmt/format.h>

#include "registry/manifests_state.h"
#include "registry/paging.h"

namespace bulkhead::registry {
namespace {

// No setting allows larger ones in; a row that says otherwise must not make the server allocate that much.
constexpr std::uint64_t kLargestManifest = std::uint64_t{64} << 20;

struct Located {
  oci::Digest digest;
  std::string media_type;
  std::uint64_t size = 0;
};

Result<std::vector<db::Row>> query(db::Session& session, const access::Repository& repository,
                                   const oci::Reference& reference) {
  if (const auto* tag = std::get_if<oci::Tag>(&reference))
    return session.query(
        "SELECT m.digest, m.media_type, m.size FROM tags t "
        "JOIN manifests m ON m.repository_id = t.repository_id AND m.digest = t.digest "
        "WHERE t.repository_id = ? AND t.name = ?",
        {repository.id, tag->render()});
  return session.query(
      "SELECT digest, media_type, size FROM manifests WHERE repository_id = ? AND digest = ?",
      {repository.id, std::get<oci::Digest>(reference).render()});
}

Result<Located> locate(db::Session& session, const access::Repository& repository,
                       const oci::Reference& reference) {
  const auto rows = query(session, repository, reference);
  if (!rows) return rows.error();
  if (rows->empty()) return manifest_unknown(repository, reference);
  const db::Row& row = rows->front();
  const auto digest = oci::Digest::parse(row.text(0));
  if (!digest) return Error{Errc::corrupt, "the database holds what is no digest: " + digest.error().message};
  return Located{*digest, row.text(1), static_cast<std::uint64_t>(row.integer(2))};
}

Error corrupt(const oci::Digest& digest, std::string_view how) {
  return {Errc::corrupt,
          fmt::format("the stored bytes of the manifest {} {}; push it again, or restore them from "
                      "a backup",
                      digest.render(), how)};
}

// The manifest's bytes, which are what their digest says.
Result<std::string> read_bytes(blob::BlobStore& store, const Located& manifest) {
  const auto reader = store.open(manifest.digest);
  // The database says that they are here: their absence is damage, not a wrong question.
  if (!reader && reader.error().code == Errc::blob_unknown) return corrupt(manifest.digest, "are missing");
  if (!reader) return reader.error();
  if ((*reader)->size() != manifest.size || manifest.size > kLargestManifest)
    return corrupt(manifest.digest, "have changed their number");
  std::string bytes(static_cast<std::size_t>(manifest.size), '\0');
  const auto count = (*reader)->read(0, std::as_writable_bytes(std::span(bytes)));
  if (!count) return count.error();
  if (*count != bytes.size() ||
      oci::Digest::of(manifest.digest.algorithm(), as_bytes(bytes)) != manifest.digest)
    return corrupt(manifest.digest, "are not what the digest says");
  return bytes;
}

}  // namespace

Error manifest_unknown(const access::Repository& repository, const oci::Reference& reference) {
  const auto* tag = std::get_if<oci::Tag>(&reference);
  return {Errc::manifest_unknown,
          fmt::format("{} has no {} {}", repository.name.render(), tag != nullptr ? "tag" : "manifest",
                      tag != nullptr ? tag->render() : std::get<oci::Digest>(reference).render())};
}

Manifests::Manifests(db::Database& database, blob::BlobStore& store, const Clock& clock, Options options)
    : state_(std::make_unique<State>(database, store, clock, std::move(options))) {}

Manifests::~Manifests() = default;

std::shared_ptr<const StoredManifest> Manifests::peek(const access::Repository& repository,
                                                      const oci::Reference& reference) const {
  return state_->cache.find(ManifestKeyView{repository.id, reference}).value_or(nullptr);
}

void Manifests::forget_all() { state_->cache.forget_all(); }

Result<std::shared_ptr<const StoredManifest>> Manifests::find(const access::Repository& repository,
                                                              const oci::Reference& reference) {
  const auto ticket = state_->cache.begin();
  std::optional<Located> located;
  const auto looked = state_->database.read([&](db::Session& session) -> Result<void> {
    auto found = locate(session, repository, reference);
    if (!found) return found.error();
    located = *std::move(found);
    return {};
  });
  if (!looked) return looked.error();
  auto bytes = read_bytes(state_->store, *located);
  if (!bytes) return bytes.error();
  const auto manifest = std::make_shared<const StoredManifest>(
      StoredManifest{located->digest, std::move(located->media_type), *std::move(bytes)});
  if (manifest->bytes.size() <= kCachedManifestBytes) {
    state_->cache.put(ticket, ManifestKey{repository.id, manifest->digest}, manifest);
    if (std::holds_alternative<oci::Tag>(reference))
      state_->cache.put(ticket, ManifestKey{repository.id, reference}, manifest);
  }
  return manifest;
}

Result<Page> Manifests::tags(const access::Repository& repository, std::string_view last, std::size_t limit) {
  Page page;
  if (limit == 0) return page;
  const auto done = state_->database.read([&](db::Session& session) -> Result<void> {
    const auto rows =
        session.query("SELECT name FROM tags WHERE repository_id = ? AND name > ? ORDER BY name LIMIT ?",
                      {repository.id, start_after(last), rows_for(limit)});
    if (!rows) return rows.error();
    page = {};
    page.more = rows->size() > limit;
    for (const db::Row& row : *rows)
      if (page.entries.size() < limit) page.entries.push_back(row.text(0));
    return {};
  });
  if (!done) return done.error();
  return page;
}

}  // namespace bulkhead::registry
