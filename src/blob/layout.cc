#include "blob/layout.h"

#include <algorithm>

namespace bulkhead::blob {

bool valid_stage_id(std::string_view id) {
  if (id.empty() || id.size() > 64) return false;
  return std::ranges::all_of(id, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || c == '-';
  });
}

crypto::HashAlgorithm hash_algorithm(oci::Algorithm algorithm) {
  return algorithm == oci::Algorithm::sha256 ? crypto::HashAlgorithm::sha256 : crypto::HashAlgorithm::sha512;
}

std::filesystem::path Layout::fan_out(const oci::Digest& digest) const {
  return blobs(digest.algorithm()) / digest.hex().substr(0, 2);
}

std::optional<oci::Digest> digest_of_file(oci::Algorithm algorithm, std::string_view fan_out,
                                          std::string_view file) {
  if (!file.starts_with(fan_out)) return std::nullopt;
  auto digest = oci::Digest::parse(std::string(oci::name(algorithm)).append(":").append(file));
  if (!digest) return std::nullopt;
  return *digest;
}

}  // namespace bulkhead::blob
