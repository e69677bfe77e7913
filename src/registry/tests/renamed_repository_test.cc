// What comes in under a repository's old name, looked up before it was given another, is the repository's
// still.
#include "registry/tests/both_engines.h"

namespace bulkhead::registry::testing {
namespace {

class RenamedRepository : public OnBothEngines {
 protected:
  RenamedRepository() {
    registry_.as("bob");
    const auto to = oci::RepositoryName::parse("bob/app").value();
    EXPECT_THAT(registry_.facts->rename(before_.name, to, access::Robots::come_along,
                                        identity::testing::some_origin()),
                Succeeds());
    registry_.grant("alice", access::Role::writer, "bob/app");
    after_ = registry_.facts->ensure(to, {}, identity::testing::some_origin()).value();
  }

  access::Repository before_ = registry_.repository("alice/app");
  std::string document_ = registry_.push_image(before_, "v1");
  std::int64_t used_ = registry_.used_bytes("alice");
  std::shared_ptr<const access::Repository> after_;
};

INSTANTIATE_TEST_SUITE_P(Database, RenamedRepository, both_engines(), db::testing::engine_name);

TEST_P(RenamedRepository, KeepsWhatItHolds) {
  EXPECT_EQ(after_->id, before_.id);
  EXPECT_EQ((*registry_.manifests->find(*after_, reference("v1")))->bytes, document_);
  EXPECT_GT(used_, 0);
  EXPECT_EQ(registry_.used_bytes("alice"), 0);
  EXPECT_EQ(registry_.used_bytes("bob"), used_);
}

TEST_P(RenamedRepository, CountsInTheNamespaceThatItIsInNow) {
  const auto blob = registry_.push_blob(before_, "late");
  EXPECT_EQ(registry_.used_bytes("alice"), 0);
  EXPECT_EQ(registry_.used_bytes("bob"), used_ + kFile);
  EXPECT_THAT(registry_.blobs->remove(before_, blob.digest, registry_.as("bob")), Succeeds());
  EXPECT_EQ(registry_.used_bytes("alice"), 0);
  EXPECT_EQ(registry_.used_bytes("bob"), used_);
}

TEST_P(RenamedRepository, IsHeldToTheQuotaThatIsItsNow) {
  registry_.set_quota("bob", static_cast<std::uint64_t>(used_));
  EXPECT_THAT(registry_.upload(before_, "late"), FailsWith(Errc::quota_exceeded));
  EXPECT_EQ(registry_.used_bytes("bob"), used_);
}

TEST_P(RenamedRepository, LeavesNothingToANewOneOfTheOldName) {
  const auto fresh = registry_.repository("alice/app");
  EXPECT_NE(fresh.id, before_.id);
  EXPECT_THAT(registry_.manifests->find(fresh, reference("v1")), FailsWith(Errc::manifest_unknown));
  EXPECT_THAT(registry_.manifests->tags(fresh, "", 10)->entries, IsEmpty());
  EXPECT_THAT(registry_.blobs->find(fresh, sha256("layer 1")), FailsWith(Errc::blob_unknown));
}

}  // namespace
}  // namespace bulkhead::registry::testing
