// Manifests: the first line is the Content-Type, the rest the bytes. What is accepted has sane descriptors,
// and reads the same again, also under the media type that was found.
#include <algorithm>
#include <cstdlib>

#include "oci/manifest.h"

namespace {

using namespace bulkhead;
using namespace bulkhead::oci;

void require(bool condition) {
  if (!condition) std::abort();
}

void check(const Descriptor& descriptor) {
  require(!descriptor.media_type.empty() && descriptor.media_type.size() <= 255);
  require(descriptor.size < std::uint64_t{1} << 63);
  require(*Digest::parse(descriptor.digest.render()) == descriptor.digest);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t line = std::min(input.find('\n'), input.size());
  const std::string_view content_type = input.substr(0, line);
  const Bytes body = as_bytes(input.substr(std::min(line + 1, input.size())));

  const ManifestLimits limits{.bytes = 64 * 1024, .descriptors = 100, .values = 5'000};
  const auto manifest = parse_manifest(body, content_type, limits);
  if (!manifest) {
    require(!manifest.error().message.empty() && manifest.error().message.size() < 2'000);
    return 0;
  }
  require(body.size() <= limits.bytes);
  require(manifest->kind == ManifestKind::manifest ? !manifest->blobs.empty() && manifest->manifests.empty()
                                                   : manifest->blobs.empty());
  require(manifest->blobs.size() <= limits.descriptors + 1 &&
          manifest->manifests.size() <= limits.descriptors);
  for (const Descriptor& blob : manifest->blobs) check(blob);
  for (const Descriptor& child : manifest->manifests) check(child);
  if (manifest->subject) check(*manifest->subject);
  require(*parse_manifest(body, content_type, limits) == *manifest);
  require(*parse_manifest(body, manifest->media_type, limits) == *manifest);
  return 0;
}
