// Tags that a repository's maintainers keep for themselves: writers make new ones and change none.
#include "registry/tests/both_engines.h"
#include "registry/tests/hooked_database.h"

namespace bulkhead::registry::testing {
namespace {

using access::Role;

class ProtectedTags : public OnBothEngines {
 protected:
  ProtectedTags() {
    registry_.push_manifest(app_, first_, "v1");
    registry_.push_manifest(app_, second_);
    registry_.set_protected_tags(app_, "v*");
    registry_.grant("writer", Role::writer, "alice/app");
    registry_.grant("maintainer", Role::maintainer, "alice/app");
  }

  Result<PutResult> put(std::string_view account, const std::string& document, std::string_view to,
                        const std::vector<std::string>& further = {}) {
    const auto target = to.empty() ? oci::Reference(sha256(document)) : reference(to);
    std::vector<oci::Tag> tags;
    for (const std::string& tag : further) tags.push_back(oci::Tag::parse(tag).value());
    return registry_.manifests->put(app_, target, tags, as_bytes(document), "", registry_.as(account));
  }
  Result<void> remove(std::string_view account, std::string_view to) {
    return registry_.manifests->remove(app_, reference(to), registry_.as(account));
  }
  oci::Digest digest_of(std::string_view tag) {
    return (*registry_.manifests->find(app_, reference(tag)))->digest;
  }

  access::Repository app_ = registry_.repository("alice/app");
  std::string first_ = registry_.push_image(app_);
  std::string second_ = registry_.push_image(app_);
};

INSTANTIATE_TEST_SUITE_P(Database, ProtectedTags, both_engines(), db::testing::engine_name);

TEST_P(ProtectedTags, AreNotMovedByWriters) {
  const auto before = registry_.content_events();
  const auto refused = put("writer", second_, "v1");
  ASSERT_THAT(refused, FailsWith(Errc::denied));
  EXPECT_THAT(refused.error().message, HasSubstr("the tag v1 of alice/app is protected"));
  EXPECT_THAT(refused.error().message, HasSubstr("\"v*\""));
  EXPECT_THAT(refused.error().message, HasSubstr("maintainers and owners"));
  EXPECT_EQ(digest_of("v1"), sha256(first_));
  EXPECT_EQ(registry_.content_events(), before);
}

TEST_P(ProtectedTags, AreMovedByMaintainersAndOwners) {
  EXPECT_THAT(put("maintainer", second_, "v1"), Succeeds());
  EXPECT_EQ(digest_of("v1"), sha256(second_));
  EXPECT_THAT(put("alice", first_, "v1"), Succeeds());
  EXPECT_EQ(digest_of("v1"), sha256(first_));
}

TEST_P(ProtectedTags, AreCreatedByWritersOnce) {
  EXPECT_THAT(put("writer", second_, "v2"), Succeeds());
  EXPECT_EQ(digest_of("v2"), sha256(second_));
  EXPECT_THAT(put("writer", second_, "v2"), Succeeds()) << "as it is";
  EXPECT_THAT(put("writer", first_, "v2"), FailsWith(Errc::denied));
}

TEST_P(ProtectedTags, AreOnlyThoseThatMatch) {
  EXPECT_THAT(put("writer", first_, "latest"), Succeeds());
  EXPECT_THAT(put("writer", second_, "latest"), Succeeds());
  registry_.set_protected_tags(app_, "");
  EXPECT_THAT(put("writer", second_, "v1"), Succeeds());
}

TEST_P(ProtectedTags, HoldBackAllOfAWritersPush) {
  const auto config = registry_.push_blob(app_, "{}");
  const auto objects = registry_.stored_objects();
  const auto before = registry_.content_events();
  const auto third = image(config, {});
  EXPECT_THAT(put("writer", third, "v1"), FailsWith(Errc::denied));
  EXPECT_THAT(put("writer", third, "", {"free", "v1"}), FailsWith(Errc::denied));
  EXPECT_EQ(registry_.stored_objects(), objects);
  EXPECT_THAT(registry_.manifests->tags(app_, "", 10)->entries, ElementsAre("v1"));
  EXPECT_EQ(registry_.content_events(), before);
}

// A deletion by writers is refused before it comes here; the role may have been lowered since.
TEST_P(ProtectedTags, AreDeletedByMaintainersAlone) {
  const auto before = registry_.content_events();
  EXPECT_THAT(remove("writer", "v1"), FailsWith(Errc::denied));
  EXPECT_THAT(remove("writer", sha256(first_).render()), FailsWith(Errc::denied))
      << "the tag would go with it";
  EXPECT_EQ(registry_.content_events(), before);
  EXPECT_THAT(remove("maintainer", "v1"), Succeeds());
  EXPECT_THAT(remove("maintainer", sha256(first_).render()), Succeeds());
}

TEST_P(ProtectedTags, AreHeldFastForEverybodyWhereTheyAreImmutableAsWell) {
  registry_.set_immutable_tags(app_, "v1");
  for (const char* account : {"writer", "maintainer", "alice"}) {
    EXPECT_THAT(put(account, second_, "v1"), FailsWith(Errc::immutable)) << account;
    const Errc refused = account == std::string_view("writer") ? Errc::denied : Errc::immutable;
    EXPECT_THAT(remove(account, "v1"), FailsWith(refused)) << account;
  }
}

TEST_P(ProtectedTags, FollowTheRoleAtTheMomentOfTheChange) {
  // The push has been looked at in a snapshot, and found good, when the role goes.
  HookedDatabase database(*registry_.installation.database);
  Manifests manifests(database, *registry_.store, registry_.installation.clock, {});
  const Context maintainer = registry_.as("maintainer");
  database.after_next_read([&] { registry_.grant("maintainer", Role::writer, "alice/app"); });
  EXPECT_THAT(manifests.put(app_, reference("v1"), {}, as_bytes(second_), "", maintainer),
              FailsWith(Errc::denied));
  EXPECT_EQ(digest_of("v1"), sha256(first_));
}

TEST_P(ProtectedTags, OfOfficialImagesAreTheAdministrators) {
  const auto official = registry_.repository("debian");
  const auto document = registry_.push_image(official, "v1");
  const auto other = registry_.push_image(official);
  registry_.set_protected_tags(official, "v*");
  registry_.grant("writer", Role::writer, "/");
  const auto move = [&](const char* account) {
    return registry_.manifests->put(official, reference("v1"), {}, as_bytes(other), "",
                                    registry_.as(account));
  };
  EXPECT_THAT(move("writer"), FailsWith(Errc::denied));
  EXPECT_THAT(move("root"), Succeeds());
}

}  // namespace
}  // namespace bulkhead::registry::testing
