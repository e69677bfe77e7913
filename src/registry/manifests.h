// Manifests, tags and referrers of a repository. Bytes are kept exactly, in the blob store; the database
// holds what is asked about them.
//
// peek() never blocks: it answers from a bounded memory that is exact, because every change passes here and a
// load that raced with one is not kept. The rest blocks. Thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "access/facts.h"
#include "blob/store.h"
#include "db/database.h"
#include "oci/manifest.h"
#include "oci/name.h"
#include "registry/context.h"

namespace bulkhead::registry {

struct StoredManifest {
  oci::Digest digest;
  std::string media_type;
  std::string bytes;
};

struct PutResult {
  oci::Digest digest;
  std::optional<oci::Digest> subject;
  std::vector<oci::Tag> tags;  // those set
};

struct Page {
  std::vector<std::string> entries;
  bool more = false;
};

struct Referrer {
  oci::Descriptor descriptor;
  std::string artifact_type;
  std::string annotations;  // a JSON object
};

// The manifests of one page of referrers, whose annotations it holds, have at most this many bytes together,
// or the page has one entry.
inline constexpr std::uint64_t kReferrersPageBytes = std::uint64_t{4} << 20;

struct ReferrersPage {
  std::vector<Referrer> entries;
  bool more = false;
};

class Manifests {
 public:
  struct Options {
    oci::ManifestLimits limits;
    std::uint64_t cached_bytes = 64ull << 20;
    bool sparse = false;  // accept manifests whose children have not all been pushed
    // More is Errc::quota_exceeded.
    std::int64_t tags_per_repository = 100'000;
    std::int64_t tags_per_manifest = 1000;  // they go with it in one transaction
  };
  Manifests(db::Database& database, blob::BlobStore& store, const Clock& clock, Options options);
  ~Manifests();

  std::shared_ptr<const StoredManifest> peek(const access::Repository& repository,
                                             const oci::Reference& reference) const;
  // All that memory knows: somebody else may have changed it.
  void forget_all();
  // Errc::manifest_unknown. The bytes are checked against the digest when they are read: Errc::corrupt.
  Result<std::shared_ptr<const StoredManifest>> find(const access::Repository& repository,
                                                     const oci::Reference& reference);

  // Stores `bytes` under `reference` (a tag, or the digest they must have) and any further `tags`, in one
  // transaction with its events. A tag that would move and is immutable (Errc::immutable), or is protected
  // and the caller no maintainer (Errc::denied): nothing changes. Errors of parse_manifest();
  // Errc::digest_invalid; Errc::manifest_blob_unknown for a missing child; Errc::size_invalid for a
  // descriptor whose size is not what is stored; Errc::name_unknown when the repository has been deleted
  // meanwhile. Pushing the same again is success; the same bytes under another media type are
  // Errc::manifest_invalid.
  Result<PutResult> put(const access::Repository& repository, const oci::Reference& reference,
                        const std::vector<oci::Tag>& tags, Bytes bytes, std::string_view content_type,
                        const Context& context);

  // Whether put() would refuse it as things are now; of a repository that is not there yet (unborn.h) too.
  Result<void> check(const access::Repository& repository, const oci::Reference& reference,
                     const std::vector<oci::Tag>& tags, Bytes bytes, std::string_view content_type,
                     const Context& context);

  // A tag: only the tag goes. A digest: the manifest and every tag on it; Errc::immutable and Errc::denied as
  // above if one of them may not go, or if one that may not go reaches it through other manifests.
  // Errc::manifest_unknown; Errc::name_unknown when the repository has been deleted meanwhile.
  Result<void> remove(const access::Repository& repository, const oci::Reference& reference,
                      const Context& context);

  // Byte order, after `last` (exclusive), at most `limit`.
  Result<Page> tags(const access::Repository& repository, std::string_view last, std::size_t limit);
  // In digest order after `last`; `artifact_type` "" for all. At most `limit`, and fewer when
  // kReferrersPageBytes says so: `more` tells. `room` is asked before that many bytes are read, and may
  // refuse.
  using Room = std::function<Result<void>(std::uint64_t bytes)>;
  Result<ReferrersPage> referrers(const access::Repository& repository, const oci::Digest& subject,
                                  std::string_view artifact_type, std::string_view last, std::size_t limit,
                                  const Room& room = {});

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace bulkhead::registry
