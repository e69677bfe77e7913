#include <fmt/format.h>
#include <gtest/gtest.h>

#include "oci/manifest.h"

namespace bulkhead::oci {
namespace {

using media_type::kImageIndex;
using media_type::kImageManifest;

const std::string kDigest = "sha256:" + std::string(64, 'a');
const std::string kConfig =
    fmt::format(R"({{"mediaType":"application/x.config","digest":"{}","size":2}})", kDigest);
const std::string kLayer =
    fmt::format(R"({{"mediaType":"application/x.layer","digest":"{}","size":7}})", kDigest);

Result<Manifest> parse(std::string_view text, const ManifestLimits& limits = {}) {
  return parse_manifest(as_bytes(text), "", limits);
}

std::string image(std::string_view fields) {
  return fmt::format(R"({{"schemaVersion":2,"mediaType":"{}","config":{},{}}})", kImageManifest, kConfig,
                     fields);
}

std::string image_of(std::string_view layers) { return image(fmt::format(R"("layers":[{}])", layers)); }

Errc code_of(const Result<Manifest>& manifest) { return manifest ? Errc::internal : manifest.error().code; }

TEST(ManifestLimits, DepthIsAtMost64) {
  const auto nested = [](std::size_t depth) {  // the document itself is one level
    return image(fmt::format(R"("x":{}{})", std::string(depth - 1, '['), std::string(depth - 1, ']')));
  };
  EXPECT_TRUE(parse(nested(64)));
  EXPECT_EQ(code_of(parse(nested(65))), Errc::manifest_invalid);
}

TEST(ManifestLimits, BytesAreAtMostThoseAllowed) {
  const std::string text = image_of(kLayer);
  EXPECT_TRUE(parse(text, {.bytes = text.size()}));
  EXPECT_EQ(code_of(parse(text, {.bytes = text.size() - 1})), Errc::too_large);
}

TEST(ManifestLimits, FourMegabytesAreAcceptedByDefault) {
  std::string annotations;
  for (int i = 0; i < 400; ++i) {
    annotations += fmt::format(R"({}"key-{}":"{}")", i > 0 ? "," : "", i, std::string(10'000, 'A'));
  }
  const std::string text = image(fmt::format(R"("annotations":{{{}}})", annotations));
  ASSERT_GT(text.size(), 4'000'000u);
  const auto manifest = parse(text);
  ASSERT_TRUE(manifest) << manifest.error().message;
  EXPECT_EQ(manifest->annotations.size(), 400u);
  EXPECT_EQ(code_of(parse(text + std::string(300'000, ' '))), Errc::too_large);
}

TEST(ManifestLimits, DescriptorsAreAtMostThoseAllowed) {
  const ManifestLimits limits{.descriptors = 2};
  const std::string three = fmt::format("{0},{0},{0}", kLayer);
  EXPECT_TRUE(parse(image_of(kLayer + "," + kLayer), limits));
  EXPECT_EQ(code_of(parse(image_of(three), limits)), Errc::too_large);
  const std::string index =
      fmt::format(R"({{"schemaVersion":2,"mediaType":"{}","manifests":[{}]}})", kImageIndex, three);
  EXPECT_TRUE(parse(index));
  EXPECT_EQ(code_of(parse(index, limits)), Errc::too_large);
}

TEST(ManifestLimits, TenThousandLayersAreAcceptedByDefault) {
  std::string layers = kLayer;
  for (int i = 1; i < 10'000; ++i) layers += "," + kLayer;
  const auto manifest = parse(image_of(layers));
  ASSERT_TRUE(manifest) << manifest.error().message;
  EXPECT_EQ(manifest->blobs.size(), 10'001u);
  EXPECT_EQ(code_of(parse(image_of(layers + "," + kLayer))), Errc::too_large);
}

TEST(ManifestLimits, ValuesAreAtMostThoseAllowed) {
  std::string zeros = "0";
  for (int i = 1; i < 200'000; ++i) zeros += ",0";
  const std::string text = image(fmt::format(R"("x":[{}])", zeros));
  EXPECT_EQ(code_of(parse(text)), Errc::too_large);
  EXPECT_TRUE(parse(text, {.values = 200'100}));
}

}  // namespace
}  // namespace bulkhead::oci
