// A key set comes from whichever server an issuer's document names. For any bytes: what is accepted keeps to
// the limits, and a key is found for algorithms of its own kind only.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "identity/issuers/key_set.h"

using bulkhead::crypto::SignatureAlgorithm;
using bulkhead::identity::KeySet;

namespace {

void require(bool promise) {
  if (!promise) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto keys = KeySet::parse(input);
  if (!keys) {
    require(keys.error().code == bulkhead::Errc::invalid_argument);
    return 0;
  }
  require(keys->size() <= bulkhead::identity::kMostKeys);
  for (const auto algorithm : {SignatureAlgorithm::rs256, SignatureAlgorithm::ps256,
                               SignatureAlgorithm::es256, SignatureAlgorithm::eddsa}) {
    const auto found = keys->find("k", algorithm);
    require(found.empty() || keys->has("k"));
    const auto only = keys->find("", algorithm);
    require(only.size() <= 1);
    for (const auto* some : {&found, &only})
      for (const auto& key : *some) require(key.serves(algorithm) && !key.verify(algorithm, {}, {}));
  }
  require(!keys->has(""));
  return 0;
}
