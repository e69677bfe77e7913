#include "registry/tests/both_engines.h"

namespace bulkhead::registry::testing {
namespace {

class ManifestRemoval : public OnBothEngines {
 protected:
  Result<std::shared_ptr<const StoredManifest>> find(std::string_view to) {
    return registry_.manifests->find(app_, reference(to));
  }
  Result<void> remove(std::string_view to) {
    return registry_.manifests->remove(app_, reference(to), alice_);
  }
  // The events after the last push.
  std::vector<ContentEvent> new_events() {
    auto events = registry_.content_events();
    events.erase(events.begin(), events.begin() + static_cast<std::ptrdiff_t>(events_before_));
    return events;
  }

  access::Repository app_ = registry_.repository("alice/app");
  Context alice_ = registry_.as("alice");
  std::string document_ = registry_.push_image(app_, "v1");
  std::string digest_ = sha256(document_).render();
  std::size_t events_before_ = registry_.content_events().size();
};

INSTANTIATE_TEST_SUITE_P(Database, ManifestRemoval, both_engines(), db::testing::engine_name);

TEST_P(ManifestRemoval, OfATagLeavesTheManifest) {
  EXPECT_THAT(remove("v1"), Succeeds());
  EXPECT_THAT(find("v1"), FailsWith(Errc::manifest_unknown));
  EXPECT_THAT(find(digest_), Succeeds());
  EXPECT_THAT(new_events(), ElementsAre(ContentEvent{"tag_deleted", "alice/app", "v1", digest_, ""}));
  EXPECT_THAT(remove("v1"), FailsWith(Errc::manifest_unknown));
  EXPECT_EQ(new_events().size(), 1u);
}

TEST_P(ManifestRemoval, OfADigestTakesEveryTagOnIt) {
  const auto other = registry_.push_image(app_, "other");
  registry_.push_manifest(app_, document_, "v2");
  events_before_ = registry_.content_events().size();
  ASSERT_THAT(find("v1"), Succeeds());
  ASSERT_THAT(find("v2"), Succeeds());
  EXPECT_THAT(remove(digest_), Succeeds());
  for (const auto& to : {digest_, std::string("v1"), std::string("v2")}) {
    EXPECT_EQ(registry_.manifests->peek(app_, reference(to)), nullptr);
    EXPECT_THAT(find(to), FailsWith(Errc::manifest_unknown));
  }
  EXPECT_EQ((*find("other"))->bytes, other);
  EXPECT_THAT(new_events(), ElementsAre(ContentEvent{"tag_deleted", "alice/app", "v1", digest_, ""},
                                        ContentEvent{"tag_deleted", "alice/app", "v2", digest_, ""},
                                        ContentEvent{"manifest_deleted", "alice/app", digest_, digest_, ""}));
}

TEST_P(ManifestRemoval, OfWhatIsNotThereIsRefusedWithoutAnEvent) {
  EXPECT_THAT(remove("v2"), FailsWith(Errc::manifest_unknown));
  EXPECT_THAT(remove(sha256("nobody has this").render()), FailsWith(Errc::manifest_unknown));
  EXPECT_THAT(remove(sha512(document_).render()), FailsWith(Errc::manifest_unknown));
  EXPECT_THAT(new_events(), IsEmpty());
}

TEST_P(ManifestRemoval, IsUndoneByAPushRightAfter) {
  for (int i = 0; i < 3; ++i) {
    ASSERT_THAT(remove(digest_), Succeeds());
    ASSERT_THAT(find("v1"), FailsWith(Errc::manifest_unknown));
    registry_.push_manifest(app_, document_, "v1");
    ASSERT_EQ((*find("v1"))->bytes, document_);
  }
}

TEST_P(ManifestRemoval, LeavesTheSameManifestInOtherRepositories) {
  const auto other = registry_.repository("alice/other");
  const auto config = registry_.push_blob(app_, "{}");
  registry_.push_blob(other, "{}");
  const auto shared = image(config, {});
  registry_.push_manifest(app_, shared, "v2");
  registry_.push_manifest(other, shared, "v2");
  EXPECT_THAT(remove(sha256(shared).render()), Succeeds());
  EXPECT_EQ((*registry_.manifests->find(other, reference("v2")))->bytes, shared);
}

TEST_P(ManifestRemoval, LeavesItsBlobs) {
  ASSERT_THAT(remove(digest_), Succeeds());
  EXPECT_THAT(registry_.blobs->find(app_, sha256("layer 1")), Succeeds());
}

TEST_P(ManifestRemoval, OfARepositoryLeavesNothingForTheNextOfItsName) {
  ASSERT_THAT(find("v1"), Succeeds());
  ASSERT_THAT(registry_.facts->remove(app_.name, alice_.origin), Succeeds());
  app_ = registry_.repository("alice/app");
  EXPECT_EQ(registry_.manifests->peek(app_, reference("v1")), nullptr);
  EXPECT_THAT(find("v1"), FailsWith(Errc::manifest_unknown));
  EXPECT_THAT(find(digest_), FailsWith(Errc::manifest_unknown));
  EXPECT_THAT(registry_.manifests->tags(app_, "", 10)->entries, IsEmpty());
}

}  // namespace
}  // namespace bulkhead::registry::testing
