// Tags that a repository protects stay where they are.
#include "registry/tests/both_engines.h"

namespace bulkhead::registry::testing {
namespace {

class ImmutableTags : public OnBothEngines {
 protected:
  ImmutableTags() {
    registry_.push_manifest(app_, first_, "v1");
    registry_.push_manifest(app_, second_);
    registry_.set_immutable_tags(app_, "v*");
  }

  Result<void> remove(std::string_view to) {
    return registry_.manifests->remove(app_, reference(to), alice_);
  }
  oci::Digest digest_of(std::string_view tag) {
    return (*registry_.manifests->find(app_, reference(tag)))->digest;
  }

  access::Repository app_ = registry_.repository("alice/app");
  Context alice_ = registry_.as("alice");
  std::string first_ = registry_.push_image(app_);
  std::string second_ = registry_.push_image(app_);
};

INSTANTIATE_TEST_SUITE_P(Database, ImmutableTags, both_engines(), db::testing::engine_name);

TEST_P(ImmutableTags, AreSetOnceAndDoNotMove) {
  const auto before = registry_.content_events();
  const auto refused = registry_.try_push(app_, second_, "v1");
  ASSERT_THAT(refused, FailsWith(Errc::immutable));
  EXPECT_THAT(refused.error().message, HasSubstr("tag v1 of alice/app"));
  EXPECT_THAT(refused.error().message, HasSubstr("\"v*\""));
  EXPECT_EQ(digest_of("v1"), sha256(first_));
  EXPECT_EQ(registry_.content_events(), before);
  EXPECT_THAT(registry_.try_push(app_, second_, "v2"), Succeeds());
  EXPECT_THAT(registry_.try_push(app_, first_, "v2"), FailsWith(Errc::immutable));
}

TEST_P(ImmutableTags, MayBePushedAgainAsTheyAre) {
  const auto before = registry_.content_events();
  EXPECT_THAT(registry_.try_push(app_, first_, "v1"), Succeeds());
  EXPECT_EQ(registry_.content_events(), before);
}

TEST_P(ImmutableTags, HoldBackAllTheTagsOfOnePush) {
  const auto third = registry_.push_image(app_, "free");
  const auto before = registry_.content_events();
  EXPECT_THAT(registry_.try_push(app_, second_, "", {"free", "new", "v1"}), FailsWith(Errc::immutable));
  EXPECT_EQ(digest_of("free"), sha256(third));
  EXPECT_THAT(registry_.manifests->tags(app_, "", 10)->entries, ElementsAre("free", "v1"));
  EXPECT_EQ(registry_.content_events(), before);
}

TEST_P(ImmutableTags, HoldBackANewManifestToo) {
  const auto config = registry_.push_blob(app_, "{}");
  const auto objects = registry_.stored_objects();
  const auto third = image(config, {});
  EXPECT_THAT(registry_.try_push(app_, third, "v1"), FailsWith(Errc::immutable));
  EXPECT_THAT(registry_.manifests->find(app_, sha256(third)), FailsWith(Errc::manifest_unknown));
  EXPECT_EQ(registry_.stored_objects(), objects);
}

TEST_P(ImmutableTags, AreNotDeleted) {
  const auto before = registry_.content_events();
  EXPECT_THAT(remove("v1"), FailsWith(Errc::immutable));
  EXPECT_EQ(registry_.content_events(), before);
  EXPECT_EQ(digest_of("v1"), sha256(first_));
}

TEST_P(ImmutableTags, KeepTheirManifestAndItsOtherTags) {
  registry_.push_manifest(app_, first_, "free");
  const auto before = registry_.content_events();
  const auto refused = remove(sha256(first_).render());
  ASSERT_THAT(refused, FailsWith(Errc::immutable));
  EXPECT_THAT(refused.error().message, HasSubstr("tag v1 of"));
  EXPECT_EQ(digest_of("free"), sha256(first_));
  EXPECT_EQ(registry_.content_events(), before);
}

TEST_P(ImmutableTags, AreOnlyThoseThatMatch) {
  registry_.push_manifest(app_, first_, "latest");
  EXPECT_THAT(registry_.try_push(app_, second_, "latest"), Succeeds());
  EXPECT_THAT(remove("latest"), Succeeds());
  EXPECT_THAT(remove(sha256(second_).render()), Succeeds());
}

TEST_P(ImmutableTags, FollowTheDatabaseAndNotWhatTheCallerRemembers) {
  // app_ was read before the pattern was set: its copy says that nothing is protected.
  ASSERT_EQ(app_.immutable_tags, "");
  EXPECT_THAT(registry_.try_push(app_, second_, "v1"), FailsWith(Errc::immutable));
  registry_.set_immutable_tags(app_, "");
  EXPECT_THAT(registry_.try_push(app_, second_, "v1"), Succeeds());
  EXPECT_THAT(remove("v1"), Succeeds());
}

}  // namespace
}  // namespace bulkhead::registry::testing
