// Names on disk: blobs/<algorithm>/<2 hex>/<hex> and blobs/staging/<id> (docs/formats/blobs.md).
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>
#include <utility>

#include "blob/store.h"
#include "crypto/hash.h"
#include "oci/digest.h"

namespace bulkhead::blob {

// 1 to 64 of [0-9A-Za-z_-]: no such id can name anything outside its directory.
bool valid_stage_id(std::string_view id);

crypto::HashAlgorithm hash_algorithm(oci::Algorithm algorithm);

class Layout {
 public:
  explicit Layout(std::filesystem::path root) : root_(std::move(root)) {}

  const std::filesystem::path& root() const { return root_; }
  std::filesystem::path blobs() const { return root_ / "blobs"; }
  std::filesystem::path blobs(oci::Algorithm algorithm) const { return blobs() / oci::name(algorithm); }
  // The directory that holds the blob, one of 256 for its algorithm.
  std::filesystem::path fan_out(const oci::Digest& digest) const;
  std::filesystem::path blob(const oci::Digest& digest) const { return fan_out(digest) / digest.hex(); }
  std::filesystem::path staging() const { return blobs() / "staging"; }
  // Where earlier versions had it.
  std::filesystem::path old_staging() const { return root_ / "staging"; }
  // `id` is valid.
  std::filesystem::path stage(std::string_view id) const { return staging() / id; }

 private:
  std::filesystem::path root_;
};

// The digest that a file in `fan_out` (its last component: two hex characters) is named after; none for a
// file that the store did not put there.
std::optional<oci::Digest> digest_of_file(oci::Algorithm algorithm, std::string_view fan_out,
                                          std::string_view file);

}  // namespace bulkhead::blob
