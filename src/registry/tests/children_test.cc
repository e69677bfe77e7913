// What a manifest refers to must be in its repository, as large as it says.
#include <fmt/format.h>

#include "registry/tests/both_engines.h"

namespace bulkhead::registry::testing {
namespace {

class Children : public OnBothEngines {
 protected:
  Result<PutResult> push(const std::string& document) { return registry_.try_push(app_, document, "v1"); }

  access::Repository app_ = registry_.repository("alice/app");
  access::Repository other_ = registry_.repository("bob/other");
  oci::Descriptor config_ = registry_.push_blob(app_, "{}");
  oci::Descriptor layer_ = registry_.push_blob(app_, "layer");
};

INSTANTIATE_TEST_SUITE_P(Database, Children, both_engines(), db::testing::engine_name);

TEST_P(Children, ThatAreMissingAreNamed) {
  const auto missing = describe("nobody has this");
  for (const std::string& document : {image(missing, {}), image(config_, {layer_, missing})}) {
    const auto refused = push(document);
    ASSERT_THAT(refused, FailsWith(Errc::manifest_blob_unknown));
    EXPECT_THAT(refused.error().message, HasSubstr(missing.digest.render()));
  }
  EXPECT_THAT(registry_.manifests->find(app_, reference("v1")), FailsWith(Errc::manifest_unknown));
}

TEST_P(Children, OfAnotherRepositoryAreMissing) {
  const auto elsewhere = registry_.push_blob(other_, "private to bob");
  const auto refused = push(image(config_, {elsewhere}));
  ASSERT_THAT(refused, FailsWith(Errc::manifest_blob_unknown));
  // Word for word what an absent blob is answered.
  auto absent = describe("absent");
  absent.size = elsewhere.size;
  auto message = refused.error().message;
  message.replace(message.find(elsewhere.digest.render()), elsewhere.digest.render().size(),
                  absent.digest.render());
  EXPECT_EQ(push(image(config_, {absent})).error().message, message);
}

TEST_P(Children, OfAnotherRepositorysImagesAreMissing) {
  const auto document = registry_.push_image(other_);
  EXPECT_THAT(push(index({describe(document)})), FailsWith(Errc::manifest_blob_unknown));
}

TEST_P(Children, OfAnotherSizeAreRefused) {
  for (const auto size : {layer_.size - 1, layer_.size + 1, std::uint64_t{0}, (std::uint64_t{1} << 63) - 1}) {
    auto wrong = layer_;
    wrong.size = size;
    const auto refused = push(image(config_, {wrong}));
    ASSERT_THAT(refused, FailsWith(Errc::size_invalid)) << size;
    EXPECT_THAT(refused.error().message, HasSubstr(layer_.digest.render()));
    EXPECT_THAT(push(image(config_, {layer_, wrong})), FailsWith(Errc::size_invalid)) << "listed twice";
  }
  auto child = describe(registry_.push_image(app_));
  ++child.size;
  EXPECT_THAT(push(index({child})), FailsWith(Errc::size_invalid));
}

TEST_P(Children, ThatWereDeletedAreMissing) {
  ASSERT_THAT(push(image(config_, {layer_})), Succeeds());
  ASSERT_THAT(registry_.blobs->remove(app_, layer_.digest, registry_.as("alice")), Succeeds());
  EXPECT_THAT(push(image(config_, {layer_})), FailsWith(Errc::manifest_blob_unknown));
  const auto child = registry_.push_image(app_);
  ASSERT_THAT(push(index({describe(child)})), Succeeds());
  ASSERT_THAT(registry_.manifests->remove(app_, sha256(child), registry_.as("alice")), Succeeds());
  EXPECT_THAT(push(index({describe(child)})), FailsWith(Errc::manifest_blob_unknown));
}

TEST_P(Children, OfAnIndexMayBeIndexes) {
  const auto inner = index({describe(registry_.push_image(app_))});
  registry_.push_manifest(app_, inner);
  EXPECT_THAT(push(index({describe(inner, oci::media_type::kImageIndex)})), Succeeds());
}

TEST_P(Children, NoneAtAllAreEnough) {
  EXPECT_THAT(push(index({})), Succeeds());
  EXPECT_THAT(push(image(config_, {})), Succeeds());
}

TEST_P(Children, OfABuildCachesIndexMayBeBlobs) {
  auto cache_config = registry_.push_blob(app_, "cache");
  cache_config.media_type = "application/vnd.buildkit.cacheconfig.v0";
  EXPECT_THAT(push(index({layer_, cache_config})), Succeeds());
  auto wrong = layer_;
  ++wrong.size;
  EXPECT_THAT(push(index({wrong, cache_config})), FailsWith(Errc::size_invalid));
  const auto elsewhere = registry_.push_blob(other_, "private to bob");
  EXPECT_THAT(push(index({elsewhere, cache_config})), FailsWith(Errc::manifest_blob_unknown));
}

TEST_P(Children, ThatShouldBeManifestsMayNotBeBlobs) {
  for (const auto type : {oci::media_type::kImageManifest, oci::media_type::kImageIndex,
                          oci::media_type::kDockerManifest, oci::media_type::kDockerManifestList}) {
    auto child = layer_;
    child.media_type = type;
    EXPECT_THAT(push(index({child})), FailsWith(Errc::manifest_blob_unknown)) << type;
  }
}

TEST_P(Children, OfAnImageMayNotBeManifests) {
  const auto document = registry_.push_image(app_);
  EXPECT_THAT(push(image(config_, {describe(document)})), FailsWith(Errc::manifest_blob_unknown));
}

TEST_P(Children, ASubjectMayBeMissing) {
  EXPECT_THAT(push(image(config_, {}, subject(describe("nobody has this")))), Succeeds());
}

TEST_P(Children, LayersThatMayNotBeDistributedMayBeMissing) {
  auto foreign = describe("nobody has this");
  foreign.media_type = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
  EXPECT_THAT(push(image(config_, {foreign})), Succeeds());
}

TEST_P(Children, MoreThanOneBatchOfThemAreAllLookedAt) {
  std::vector<oci::Descriptor> layers;
  for (int i = 0; i < 200; ++i) {
    const auto content = fmt::format("layer {}", i);
    layers.push_back({"a/b", sha256(content), content.size()});
    ASSERT_THAT(registry_.blobs->link(app_, sha256(content), content.size(), registry_.as("alice")),
                Succeeds());
  }
  EXPECT_THAT(push(image(config_, layers)), Succeeds());
  for (const std::size_t at : {0u, 62u, 63u, 64u, 65u, 127u, 128u, 199u}) {
    auto one_missing = layers;
    one_missing[at].digest = sha256("nobody has this");
    EXPECT_THAT(push(image(config_, one_missing)), FailsWith(Errc::manifest_blob_unknown)) << at;
    auto one_wrong = layers;
    ++one_wrong[at].size;
    EXPECT_THAT(push(image(config_, one_wrong)), FailsWith(Errc::size_invalid)) << at;
  }
}

TEST_P(Children, AManifestThatIsRefusedLeavesNothingBehind) {
  const auto objects = registry_.stored_objects();
  const auto events = registry_.content_events();
  EXPECT_THAT(push(image(config_, {describe("nobody has this")})), FailsWith(Errc::manifest_blob_unknown));
  EXPECT_EQ(registry_.stored_objects(), objects);
  EXPECT_EQ(registry_.staged(), 0u);
  EXPECT_EQ(registry_.content_events(), events);
  EXPECT_THAT(registry_.manifests->tags(app_, "", 10)->entries, IsEmpty());
}

}  // namespace
}  // namespace bulkhead::registry::testing
