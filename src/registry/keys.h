// Cache keys: something of one repository. Internal to registry/.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "oci/digest.h"
#include "oci/name.h"

namespace bulkhead::registry {

struct BlobKey {
  std::int64_t repository;
  oci::Digest digest;
  friend bool operator==(const BlobKey&, const BlobKey&) = default;
};

// A manifest is kept under its digest and under each tag that was asked for.
struct ManifestKey {
  std::int64_t repository;
  oci::Reference reference;
};

// What a look-up has in hand; building a key would copy the tag.
struct ManifestKeyView {
  std::int64_t repository;
  const oci::Reference& reference;
};

struct KeyEqual {
  template <class Left, class Right>
  bool operator()(const Left& left, const Right& right) const {
    return left.repository == right.repository && left.reference == right.reference;
  }
};

// Keyed: tags and digests are whatever their sender likes.
class KeyHash {
 public:
  std::size_t operator()(const BlobKey& key) const { return mix(key.repository, hash(key.digest)); }
  std::size_t operator()(const ManifestKey& key) const { return mix(key.repository, hash(key.reference)); }
  std::size_t operator()(const ManifestKeyView& key) const {
    return mix(key.repository, hash(key.reference));
  }

 private:
  std::size_t hash(const oci::Digest& digest) const { return hash_(digest.hash()); }
  std::size_t hash(const oci::Reference& reference) const {
    if (const auto* tag = std::get_if<oci::Tag>(&reference)) return hash_(tag->render());
    return hash(std::get<oci::Digest>(reference));
  }
  static std::size_t mix(std::int64_t repository, std::size_t hash) {
    return hash ^ static_cast<std::size_t>(repository) * 0x9e3779b97f4a7c15u;
  }

  KeyedHash hash_;
};

}  // namespace bulkhead::registry
