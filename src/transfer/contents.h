// Where repositories' contents come from, and where they go: a registry, or an OCI layout on this machine.
// Both are thread-safe and block. Nothing that a source says is believed: whoever copies compares every byte
// with its digest before a target is told of it (copier.h).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "oci/digest.h"
#include "oci/manifest.h"
#include "oci/name.h"

namespace bulkhead::transfer {

// A manifest or an index, as it is stored.
struct Document {
  std::string bytes;
  std::string media_type;
  oci::Digest digest;  // of these bytes
};

inline constexpr std::size_t kManifestBytes = std::size_t{4} << 20;
inline constexpr std::size_t kMostTags = 100'000;  // of a repository, and repositories of a registry

// Takes a blob piece by piece.
using Take = std::function<Result<void>(std::string_view piece)>;

class Source {
 public:
  virtual ~Source() = default;

  // As the source has them: what is no tag is among them. Errc::too_large for more than kMostTags.
  virtual Result<std::vector<std::string>> tags(const oci::RepositoryName& repository) = 0;
  // Manifests that are to come along and have no tag.
  virtual Result<std::vector<oci::Digest>> untagged(const oci::RepositoryName& repository) = 0;
  // Nothing where the source does not say; Errc::not_found for a tag that is not there.
  virtual Result<std::optional<oci::Digest>> digest_of(const oci::RepositoryName& repository,
                                                       const oci::Tag& tag) = 0;
  // Its bytes are those of the digest that was asked for, or that the source told with them. Errc::corrupt.
  virtual Result<Document> manifest(const oci::RepositoryName& repository,
                                    const oci::Reference& reference) = 0;
  // All of it, from its beginning to its end.
  virtual Result<void> blob(const oci::RepositoryName& repository, const oci::Descriptor& blob,
                            const Take& take) = 0;
  // What refers to a manifest; nothing where that is known by its tags alone ("sha256-HEX").
  virtual Result<std::optional<std::vector<oci::Descriptor>>> referrers(const oci::RepositoryName& repository,
                                                                        const oci::Digest& subject) = 0;
};

// A blob on its way into a target, which knows nothing of it before finish(); dropped without that.
class BlobWriter {
 public:
  virtual ~BlobWriter() = default;
  virtual Result<void> append(std::string_view piece) = 0;
  virtual Result<void> finish() = 0;
};

class Target {
 public:
  virtual ~Target() = default;

  // Nothing for what is not there.
  virtual Result<std::optional<oci::Digest>> digest_of(const oci::RepositoryName& repository,
                                                       const oci::Tag& tag) = 0;
  virtual Result<std::optional<Document>> manifest(const oci::RepositoryName& repository,
                                                   const oci::Digest& digest) = 0;
  virtual Result<bool> has_blob(const oci::RepositoryName& repository, const oci::Descriptor& blob) = 0;
  // Makes a blob of one of its repositories one of another, too; false where it does not.
  virtual Result<bool> mount(const oci::RepositoryName& repository, const oci::Descriptor& blob,
                             const oci::RepositoryName& from) = 0;
  virtual Result<std::unique_ptr<BlobWriter>> write(const oci::RepositoryName& repository,
                                                    const oci::Descriptor& blob) = 0;
  // With a tag, or without one.
  virtual Result<void> put(const oci::RepositoryName& repository, const Document& document,
                           const std::optional<oci::Tag>& tag) = 0;
};

}  // namespace bulkhead::transfer
