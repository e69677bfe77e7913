// A stage's name: <random>-<repository id>-<account id>-<algorithm>. Internal to registry/.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "oci/digest.h"

namespace bulkhead::registry {

struct UploadName {
  std::string id;  // 22 base62 characters: what the client sees
  std::int64_t repository = 0;
  std::int64_t account = 0;
  oci::Algorithm algorithm = oci::Algorithm::sha256;

  static UploadName fresh(std::int64_t repository, std::int64_t account, oci::Algorithm algorithm);
  static std::optional<UploadName> parse(std::string_view stage);
  std::string render() const;
};

}  // namespace bulkhead::registry
