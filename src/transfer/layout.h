// A directory as an OCI image layout (image-spec 1.1, image-layout.md): oci-layout, index.json and blobs/.
// One repository is in it; its tags are in the annotation org.opencontainers.image.ref.name, and what refers
// to an image stands in index.json without one.
//
// Files that are there were compared with their digests when they were written; a break leaves nothing else
// under a blob's name.
#pragma once

#include <filesystem>
#include <map>
#include <mutex>
#include <set>
#include <string>

#include "transfer/contents.h"

namespace bulkhead::transfer {

struct LayoutEntry {
  oci::Descriptor descriptor;
  std::string artifact_type;
  std::string tag;  // as it stands there; "" for none
};

class Layout {
 public:
  // Errc::not_found for a directory that is none, and for one that is not there.
  static Result<Layout> open(std::filesystem::path directory);
  // Makes one of it where it is not there, or empty. Errc::conflict for a directory with something else in
  // it.
  static Result<Layout> make(std::filesystem::path directory);

  const std::vector<LayoutEntry>& entries() const { return entries_; }
  // Once for each tag, and for each digest that has none.
  void add(LayoutEntry entry);
  // Writes index.json, in one step.
  Result<void> save() const;

  const std::filesystem::path& directory() const { return directory_; }
  std::filesystem::path blob(const oci::Digest& digest) const;

 private:
  explicit Layout(std::filesystem::path directory) : directory_(std::move(directory)) {}
  Result<void> read_index();

  std::filesystem::path directory_;
  std::vector<LayoutEntry> entries_;
  std::map<std::string, std::size_t> by_tag_;
  std::set<oci::Digest> untagged_;
};

class LayoutSource final : public Source {
 public:
  explicit LayoutSource(Layout layout) : layout_(std::move(layout)) {}

  Result<std::vector<std::string>> tags(const oci::RepositoryName& repository) override;
  Result<std::vector<oci::Digest>> untagged(const oci::RepositoryName& repository) override;
  Result<std::optional<oci::Digest>> digest_of(const oci::RepositoryName& repository,
                                               const oci::Tag& tag) override;
  Result<Document> manifest(const oci::RepositoryName& repository, const oci::Reference& reference) override;
  Result<void> blob(const oci::RepositoryName& repository, const oci::Descriptor& blob,
                    const Take& take) override;
  Result<std::optional<std::vector<oci::Descriptor>>> referrers(const oci::RepositoryName& repository,
                                                                const oci::Digest& subject) override;

 private:
  Layout layout_;
};

class LayoutTarget final : public Target {
 public:
  explicit LayoutTarget(Layout layout) : layout_(std::move(layout)) {}

  Result<std::optional<oci::Digest>> digest_of(const oci::RepositoryName& repository,
                                               const oci::Tag& tag) override;
  Result<std::optional<Document>> manifest(const oci::RepositoryName& repository,
                                           const oci::Digest& digest) override;
  Result<bool> has_blob(const oci::RepositoryName& repository, const oci::Descriptor& blob) override;
  Result<bool> mount(const oci::RepositoryName& repository, const oci::Descriptor& blob,
                     const oci::RepositoryName& from) override;
  Result<std::unique_ptr<BlobWriter>> write(const oci::RepositoryName& repository,
                                            const oci::Descriptor& blob) override;
  Result<void> put(const oci::RepositoryName& repository, const Document& document,
                   const std::optional<oci::Tag>& tag) override;

  // At the end, also of a copy that was broken off: what is in it so far can be used, and gone on from.
  Result<void> save();

 private:
  Layout layout_;
  std::mutex mutex_;
};

}  // namespace bulkhead::transfer
