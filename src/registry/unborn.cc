#include "registry/unborn.h"

#include "base/bytes.h"
#include "crypto/hash.h"

namespace bulkhead::registry {
namespace {

// Databases count from 1 and come nowhere near.
constexpr std::int64_t kFirst = std::int64_t{1} << 62;

}  // namespace

std::int64_t unborn_id(const oci::RepositoryName& name) {
  const std::string hash = crypto::hash(crypto::HashAlgorithm::sha256, as_bytes(name.render()));
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < sizeof number; ++i) number = number << 8 | static_cast<unsigned char>(hash[i]);
  return kFirst | static_cast<std::int64_t>(number >> 2);
}

access::Repository unborn(const oci::RepositoryName& name, std::int64_t namespace_id) {
  return {.id = unborn_id(name),
          .namespace_id = namespace_id,
          .name = name,
          .visibility = access::Visibility::private_,
          .immutable_tags = {}};
}

bool is_unborn(const access::Repository& repository) { return repository.id >= kFirst; }

}  // namespace bulkhead::registry
