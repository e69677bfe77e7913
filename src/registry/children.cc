#include "registry/children.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace bulkhead::registry {
namespace {

constexpr std::size_t kBatch = 64;

using Descriptors = std::vector<const oci::Descriptor*>;
using Sizes = std::unordered_map<oci::Digest, std::uint64_t, oci::DigestHash>;

// "… IN (?, ?, …)" with always as many places, so that each engine prepares one statement.
std::string in_batches(std::string_view sql) {
  std::string text(sql);
  text += " IN (?";
  for (std::size_t i = 1; i < kBatch; ++i) text += ", ?";
  return text + ')';
}

const std::string& linked_blobs() {
  static const std::string sql = in_batches(
      "SELECT r.digest, b.size FROM repository_blobs r JOIN blobs b ON b.digest = r.digest "
      "WHERE r.repository_id = ? AND r.digest");
  return sql;
}

const std::string& own_manifests() {
  static const std::string sql =
      in_batches("SELECT digest, size FROM manifests WHERE repository_id = ? AND digest");
  return sql;
}

// The sizes of those that are there. `sql` is one of the two above.
Result<Sizes> sizes_of(db::Session& session, const std::string& sql, std::int64_t repository_id,
                       const Descriptors& descriptors) {
  std::unordered_set<oci::Digest, oci::DigestHash> seen;
  std::vector<const oci::Digest*> distinct;
  for (const oci::Descriptor* descriptor : descriptors)
    if (seen.insert(descriptor->digest).second) distinct.push_back(&descriptor->digest);

  Sizes sizes;
  std::vector<db::Value> parameters;
  for (std::size_t from = 0; from < distinct.size(); from += kBatch) {
    parameters.assign(1, repository_id);
    for (std::size_t i = from; i < from + kBatch; ++i)
      parameters.emplace_back(distinct[std::min(i, distinct.size() - 1)]->render());
    auto rows = session.query(sql, parameters);
    if (!rows) return rows.error();
    for (const db::Row& row : *rows) {
      auto digest = oci::Digest::parse(row.text(0));
      if (!digest)
        return Error{Errc::internal, "the database holds what is no digest: " + digest.error().message};
      sizes.emplace(*digest, static_cast<std::uint64_t>(row.integer(1)));
    }
  }
  return sizes;
}

bool is_manifest(const oci::Descriptor& descriptor) {
  using namespace oci::media_type;
  return descriptor.media_type == kImageManifest || descriptor.media_type == kImageIndex ||
         descriptor.media_type == kDockerManifest || descriptor.media_type == kDockerManifestList;
}

Error unknown(std::string_view what, const access::Repository& repository,
              const oci::Descriptor& descriptor) {
  return {Errc::manifest_blob_unknown,
          fmt::format("the manifest refers to the {} {}, which {} does not have; push it first", what,
                      descriptor.digest.render(), repository.name.render())};
}

Result<void> check_size(const oci::Descriptor& descriptor, std::uint64_t stored) {
  if (descriptor.size == stored) return {};
  return Error{Errc::size_invalid, fmt::format("the manifest says that {} has {} bytes; it has {}",
                                               descriptor.digest.render(), descriptor.size, stored)};
}

Result<void> check_blobs(db::Session& session, const access::Repository& repository, const Descriptors& blobs,
                         bool sparse) {
  const auto sizes = sizes_of(session, linked_blobs(), repository.id, blobs);
  if (!sizes) return sizes.error();
  for (const oci::Descriptor* blob : blobs) {
    const auto found = sizes->find(blob->digest);
    if (found == sizes->end() && sparse) continue;
    if (found == sizes->end()) return unknown("blob", repository, *blob);
    if (auto equal = check_size(*blob, found->second); !equal) return equal;
  }
  return {};
}

Descriptors pointers(const std::vector<oci::Descriptor>& descriptors) {
  Descriptors all;
  all.reserve(descriptors.size());
  for (const oci::Descriptor& descriptor : descriptors) all.push_back(&descriptor);
  return all;
}

}  // namespace

Result<void> check_children(db::Session& session, const access::Repository& repository,
                            const oci::Manifest& manifest, bool sparse) {
  Descriptors blobs = pointers(manifest.blobs);
  const Descriptors manifests = pointers(manifest.manifests);
  const auto sizes = sizes_of(session, own_manifests(), repository.id, manifests);
  if (!sizes) return sizes.error();
  for (const oci::Descriptor* child : manifests) {
    const auto found = sizes->find(child->digest);
    if (found != sizes->end()) {
      if (auto equal = check_size(*child, found->second); !equal) return equal;
    } else if (is_manifest(*child)) {
      if (!sparse) return unknown("manifest", repository, *child);
    } else {
      blobs.push_back(child);
    }
  }
  return check_blobs(session, repository, blobs, sparse);
}

std::vector<std::string> children_of(const oci::Manifest& manifest) {
  std::set<std::string> children;
  for (const oci::Descriptor& blob : manifest.blobs) children.insert(blob.digest.render());
  for (const oci::Descriptor& child : manifest.manifests) children.insert(child.digest.render());
  return {children.begin(), children.end()};
}

}  // namespace bulkhead::registry
