// A tag that is held fast holds what it reaches.
#include "registry/tests/both_engines.h"

namespace bulkhead::registry::testing {
namespace {

class Reach : public OnBothEngines {
 protected:
  Result<void> remove(const oci::Digest& digest) { return registry_.manifests->remove(app_, digest, alice_); }
  Result<void> remove_blob(std::string_view content) {
    return registry_.blobs->remove(app_, sha256(content), alice_);
  }

  access::Repository app_ = registry_.repository("alice/app");
  Context alice_ = registry_.as("alice");
  oci::Descriptor config_ = registry_.push_blob(app_, "{}");
  oci::Descriptor layer_ = registry_.push_blob(app_, "layer");
  std::string image_ = image(config_, {layer_});
  oci::Digest image_digest_ = registry_.push_manifest(app_, image_);
  std::string inner_ = index({describe(image_)});
  oci::Digest inner_digest_ = registry_.push_manifest(app_, inner_);
  std::string outer_ = index({describe(inner_, oci::media_type::kImageIndex), describe(image_)});
  oci::Digest outer_digest_ = registry_.push_manifest(app_, outer_, "v1");
};

INSTANTIATE_TEST_SUITE_P(Database, Reach, both_engines(), db::testing::engine_name);

TEST_P(Reach, HoldsEverythingBelowAnImmutableTag) {
  registry_.set_immutable_tags(app_, "v*");
  const auto before = registry_.content_events();
  for (const oci::Digest& digest : {outer_digest_, inner_digest_, image_digest_}) {
    const auto refused = remove(digest);
    ASSERT_THAT(refused, FailsWith(Errc::immutable));
    EXPECT_THAT(refused.error().message, HasSubstr("tag v1 of alice/app"));
  }
  EXPECT_THAT(remove_blob("{}"), FailsWith(Errc::immutable));
  EXPECT_THAT(remove_blob("layer"), FailsWith(Errc::immutable));
  EXPECT_EQ(registry_.content_events(), before);
}

TEST_P(Reach, HoldsNothingElse) {
  registry_.set_immutable_tags(app_, "v*");
  registry_.push_blob(app_, "loose");
  EXPECT_THAT(remove_blob("loose"), Succeeds());
  const std::string above = index({describe(outer_, oci::media_type::kImageIndex)});
  const auto digest = registry_.push_manifest(app_, above, "free");
  EXPECT_THAT(remove(digest), Succeeds()) << "what holds it in turn";
  EXPECT_THAT(remove_blob("absent"), FailsWith(Errc::blob_unknown));
  const auto other = registry_.repository("alice/other");
  registry_.push_blob(other, "layer");
  EXPECT_THAT(registry_.blobs->remove(other, sha256("layer"), alice_), Succeeds());
}

TEST_P(Reach, IsOfTheManifestsThatAreThere) {
  registry_.set_immutable_tags(app_, "v*");
  registry_.set_immutable_tags(app_, "");
  ASSERT_THAT(remove(outer_digest_), Succeeds());
  registry_.set_immutable_tags(app_, "v*");
  EXPECT_THAT(remove(inner_digest_), Succeeds());
  EXPECT_THAT(remove(image_digest_), Succeeds());
  EXPECT_THAT(remove_blob("layer"), Succeeds());
}

TEST_P(Reach, OfWhatAnEarlierVersionHasStoredIsReadFromItsBytes) {
  const auto forget = [&] {
    registry_.installation.write("DELETE FROM manifest_children");
    registry_.installation.write("UPDATE manifests SET children_known = 0");
  };
  forget();
  EXPECT_THAT(remove_blob("{}"), Succeeds()) << "without rules nothing is read";
  const auto unread = [&] {
    return registry_.installation.read("SELECT COUNT(*) FROM manifests WHERE children_known = 0")
        .at(0)
        .integer(0);
  };
  EXPECT_EQ(unread(), 3);
  registry_.set_immutable_tags(app_, "v*");
  EXPECT_THAT(remove_blob("layer"), FailsWith(Errc::immutable));
  EXPECT_EQ(unread(), 0);
  forget();
  EXPECT_THAT(remove(image_digest_), FailsWith(Errc::immutable));
}

TEST_P(Reach, IsNotLostWithManifestsThatAreDamaged) {
  registry_.installation.write("DELETE FROM manifest_children");
  registry_.installation.write("UPDATE manifests SET children_known = 0");
  ASSERT_THAT(registry_.store->remove(inner_digest_), Succeeds());
  registry_.set_immutable_tags(app_, "v*");
  EXPECT_THAT(remove(image_digest_), FailsWith(Errc::immutable)) << "by the other way to it";
}

TEST_P(Reach, OfAProtectedTagIsForMaintainersToTakeAway) {
  registry_.set_protected_tags(app_, "v*");
  EXPECT_THAT(remove_blob("layer"), Succeeds());
}

TEST_P(Reach, OfManyManifestsIsWalkedOnce) {
  // Each level refers twice to the one below: 2^20 ways, 20 manifests.
  std::string below = image_;
  std::string_view type = oci::media_type::kImageManifest;
  for (int level = 0; level < 20; ++level) {
    auto document = index({describe(below, type), describe(below, type)},
                          "\"annotations\":{\"level\":\"" + std::to_string(level) + "\"}");
    registry_.push_manifest(app_, document, level == 19 ? "v2" : "");
    below = document;
    type = oci::media_type::kImageIndex;
  }
  registry_.set_immutable_tags(app_, "v2");
  EXPECT_THAT(remove_blob("layer"), FailsWith(Errc::immutable));
}

}  // namespace
}  // namespace bulkhead::registry::testing
