// What Manifests keeps in memory, shared by its source files. Internal to registry/.
//
// A manifest's bytes are stored before the transaction that makes it exist, and stay when it is deleted: what
// no row refers to is for garbage collection to find. In each repository that has it, a manifest counts
// towards the namespace's quota as a blob does.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "base/exact_cache.h"
#include "registry/keys.h"
#include "registry/manifests.h"

namespace bulkhead::registry {

// Larger manifests are read from the store each time: they are rare, and a few would displace thousands.
inline constexpr std::size_t kCachedManifestBytes = std::size_t{16} << 10;

struct Manifests::State {
  State(db::Database& db, blob::BlobStore& blobs, const Clock& time, Options o)
      : database(db),
        store(blobs),
        clock(time),
        options(std::move(o)),
        cache(static_cast<std::size_t>(options.cached_bytes / kCachedManifestBytes)) {}

  void forget(const access::Repository& repository, const oci::Reference& reference) {
    cache.forget(ManifestKeyView{repository.id, reference});
  }

  db::Database& database;
  blob::BlobStore& store;
  const Clock& clock;
  const Options options;
  ExactCache<ManifestKey, std::shared_ptr<const StoredManifest>, KeyHash, KeyEqual> cache;
};

Error manifest_unknown(const access::Repository& repository, const oci::Reference& reference);

// What a repository says of some of its tags.
struct TagRules {
  std::string immutable;  // pattern of tags that nobody moves or deletes
  std::string guarded;    // pattern of tags that maintainers and owners move and delete

  friend bool operator==(const TagRules&, const TagRules&) = default;
};
// Whether some may not move or delete the tag.
bool is_held(const TagRules& rules, std::string_view tag);
// As this transaction sees them; Errc::name_unknown when the repository is gone.
Result<TagRules> read_tag_rules(db::Session& session, const access::Repository& repository);
// Whether the caller may move or delete a tag that is there, by the role that this transaction gives them:
// Errc::immutable, Errc::denied.
Result<void> check_tag_change(db::Session& session, const access::Repository& repository,
                              const TagRules& rules, std::string_view tag, const Context& context);

}  // namespace bulkhead::registry
