// Cache keys: something of one repository. Internal to registry/.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "oci/digest.h"

namespace bulkhead::registry {

struct BlobKey {
  std::int64_t repository;
  oci::Digest digest;
  friend bool operator==(const BlobKey&, const BlobKey&) = default;
};

struct BlobKeyHash {
  std::size_t operator()(const BlobKey& key) const {
    return std::hash<oci::Digest>()(key.digest) ^ static_cast<std::size_t>(key.repository) * 0x9e3779b97f4a7c15u;
  }
};

}  // namespace bulkhead::registry
