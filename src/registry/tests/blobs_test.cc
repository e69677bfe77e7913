#include <algorithm>
#include <filesystem>

#include "blob/testing/content.h"
#include "registry/tests/both_engines.h"
#include "registry/tests/hooked_database.h"

namespace bulkhead::registry::testing {
namespace {

class BlobsOfARepository : public OnBothEngines {
 protected:
  Result<std::string> read(const access::Repository& repository, const oci::Digest& digest) {
    auto handle = registry_.blobs->find(repository, digest);
    if (!handle) return handle.error();
    return blob::read_all(*(*handle)->reader);
  }

  access::Repository app_ = registry_.repository("alice/app");
  access::Repository other_ = registry_.repository("bob/app");
  Context alice_ = registry_.as("alice");
};

INSTANTIATE_TEST_SUITE_P(Database, BlobsOfARepository, both_engines(), db::testing::engine_name);

TEST_P(BlobsOfARepository, AreFoundWhereTheyWerePushed) {
  const auto blob = registry_.push_blob(app_, "content");
  EXPECT_EQ(read(app_, blob.digest), Result<std::string>("content"));
}

TEST_P(BlobsOfARepository, AreUnknownInAnotherThatKnowsTheirDigest) {
  const auto blob = registry_.push_blob(app_, "content");
  EXPECT_THAT(registry_.blobs->find(other_, blob.digest), FailsWith(Errc::blob_unknown));
  EXPECT_EQ(registry_.blobs->peek(other_, blob.digest), nullptr);
  EXPECT_THAT(registry_.blobs->remove(other_, blob.digest, registry_.as("bob")),
              FailsWith(Errc::blob_unknown));
}

TEST_P(BlobsOfARepository, AbsentAndElsewhereAreOneAnswer) {
  const auto blob = registry_.push_blob(app_, "content");
  const auto absent = sha256("nobody's");
  auto elsewhere = registry_.blobs->find(other_, blob.digest).error().message;
  elsewhere.replace(elsewhere.find(blob.digest.render()), blob.digest.render().size(), absent.render());
  EXPECT_EQ(elsewhere, registry_.blobs->find(other_, absent).error().message);
}

TEST_P(BlobsOfARepository, StayInOthersWhenOneLosesThem) {
  const auto blob = registry_.push_blob(app_, "content");
  registry_.push_blob(other_, "content");
  EXPECT_THAT(registry_.blobs->remove(app_, blob.digest, alice_), Succeeds());
  EXPECT_THAT(registry_.blobs->find(app_, blob.digest), FailsWith(Errc::blob_unknown));
  EXPECT_EQ(read(other_, blob.digest), Result<std::string>("content"));
}

TEST_P(BlobsOfARepository, AreGoneAtOnceAndBackAtOnce) {
  const auto blob = registry_.push_blob(app_, "content");
  ASSERT_THAT(registry_.blobs->find(app_, blob.digest), Succeeds());
  ASSERT_NE(registry_.blobs->peek(app_, blob.digest), nullptr);
  EXPECT_THAT(registry_.blobs->remove(app_, blob.digest, alice_), Succeeds());
  EXPECT_EQ(registry_.blobs->peek(app_, blob.digest), nullptr);
  EXPECT_THAT(registry_.blobs->find(app_, blob.digest), FailsWith(Errc::blob_unknown));
  EXPECT_THAT(registry_.blobs->remove(app_, blob.digest, alice_), FailsWith(Errc::blob_unknown));
  registry_.push_blob(app_, "content");
  EXPECT_EQ(read(app_, blob.digest), Result<std::string>("content"));
}

TEST_P(BlobsOfARepository, EachChangeHasItsEventAndAnotherPushOfTheSameHasNone) {
  const auto digest = registry_.push_blob(app_, "content").digest;
  registry_.push_blob(app_, "content");
  ASSERT_THAT(registry_.blobs->remove(app_, digest, alice_), Succeeds());
  ASSERT_THAT(registry_.blobs->remove(app_, digest, alice_), FailsWith(Errc::blob_unknown));
  const auto text = digest.render();
  EXPECT_THAT(registry_.content_events(),
              ElementsAre(ContentEvent{"blob_pushed", "alice/app", text, "", text},
                          ContentEvent{"blob_deleted", "alice/app", text, text, ""}));
  const auto event = registry_.installation.events().back();
  EXPECT_EQ(event.account, "alice");
  EXPECT_EQ(event.credential, alice_.origin.credential);
}

TEST_P(BlobsOfARepository, CountOncePerRepositoryTowardsTheNamespace) {
  const auto second = registry_.repository("alice/second");
  const auto blob = registry_.push_blob(app_, "12345");
  registry_.push_blob(app_, "12345");
  EXPECT_EQ(registry_.used_bytes("alice"), kFile);
  registry_.push_blob(second, "12345");
  EXPECT_EQ(registry_.used_bytes("alice"), 2 * kFile);
  EXPECT_EQ(registry_.used_bytes("bob"), 0);
  ASSERT_THAT(registry_.blobs->remove(app_, blob.digest, alice_), Succeeds());
  ASSERT_THAT(registry_.blobs->remove(app_, blob.digest, alice_), FailsWith(Errc::blob_unknown));
  EXPECT_EQ(registry_.used_bytes("alice"), kFile);
}

TEST_P(BlobsOfARepository, FillAQuotaToItsLastByte) {
  registry_.set_quota("alice", 10'000);
  const auto digest = sha256("anything");
  EXPECT_THAT(registry_.blobs->link(app_, digest, 10'001, alice_), FailsWith(Errc::quota_exceeded));
  EXPECT_EQ(registry_.used_bytes("alice"), 0);
  EXPECT_THAT(registry_.blobs->find(app_, digest), FailsWith(Errc::blob_unknown));
  EXPECT_THAT(registry_.content_events(), IsEmpty());

  EXPECT_THAT(registry_.blobs->link(app_, digest, 10'000, alice_), Succeeds());
  EXPECT_THAT(registry_.blobs->link(app_, digest, 10'000, alice_), Succeeds()) << "it is counted already";
  EXPECT_THAT(registry_.blobs->link(app_, sha256("another"), 1, alice_), FailsWith(Errc::quota_exceeded));
  EXPECT_THAT(registry_.blobs->remove(app_, digest, alice_), Succeeds());
  EXPECT_THAT(registry_.blobs->link(app_, sha256("another"), 1, alice_), Succeeds());
}

TEST_P(BlobsOfARepository, AQuotaBelowWhatIsUsedRefusesAndLetsDelete) {
  const auto blob = registry_.push_blob(app_, "12345");
  registry_.set_quota("alice", 2);
  const auto refused = registry_.blobs->link(app_, sha256("another"), 0, alice_);
  ASSERT_THAT(refused, FailsWith(Errc::quota_exceeded));
  EXPECT_THAT(refused.error().message, HasSubstr("\"alice\" may hold 2 bytes and holds 4096"));
  EXPECT_THAT(registry_.blobs->remove(app_, blob.digest, alice_), Succeeds());
}

TEST_P(BlobsOfARepository, CannotBeLinkedIntoOneThatIsGone) {
  ASSERT_THAT(registry_.facts->remove(app_.name, alice_.origin), Succeeds());
  EXPECT_THAT(registry_.blobs->link(app_, sha256("content"), 7, alice_), FailsWith(Errc::name_unknown));
  const auto again = registry_.repository("alice/app");
  EXPECT_THAT(registry_.blobs->find(again, sha256("content")), FailsWith(Errc::blob_unknown));
}

TEST_P(BlobsOfARepository, OfADeletedOneAreNotTheNextOnesOfItsName) {
  const auto blob = registry_.push_blob(app_, "content");
  ASSERT_THAT(registry_.blobs->find(app_, blob.digest), Succeeds());
  ASSERT_THAT(registry_.facts->remove(app_.name, alice_.origin), Succeeds());
  const auto again = registry_.repository("alice/app");
  EXPECT_EQ(registry_.blobs->peek(again, blob.digest), nullptr);
  EXPECT_THAT(registry_.blobs->find(again, blob.digest), FailsWith(Errc::blob_unknown));
  EXPECT_EQ(registry_.used_bytes("alice"), 0);
}

TEST_P(BlobsOfARepository, MissingOrShortenedBytesAreDamage) {
  const auto missing = registry_.push_blob(app_, "missing");
  const auto shortened = registry_.push_blob(app_, "shortened");
  ASSERT_THAT(registry_.store->remove(missing.digest), Succeeds());
  const auto hex = shortened.digest.hex();
  std::filesystem::resize_file(registry_.directory.path() / "blobs/sha256" / hex.substr(0, 2) / hex, 5);
  EXPECT_THAT(registry_.blobs->find(app_, missing.digest), FailsWith(Errc::corrupt));
  EXPECT_THAT(registry_.blobs->find(app_, shortened.digest), FailsWith(Errc::corrupt));
}

TEST_P(BlobsOfARepository, APushMakesRottenBytesGood) {
  const auto blob = registry_.push_blob(app_, "content");
  blob::rot(registry_.directory.path(), blob.digest, 0);
  EXPECT_NE(read(app_, blob.digest), Result<std::string>("content"));
  registry_.push_blob(app_, "content");
  EXPECT_EQ(registry_.blobs->peek(app_, blob.digest), nullptr) << "the old file is still served";
  EXPECT_EQ(read(app_, blob.digest), Result<std::string>("content"));
  EXPECT_EQ(blob::read_all(*registry_.blobs->peek(app_, blob.digest)->reader),
            Result<std::string>("content"));
}

TEST_P(BlobsOfARepository, DeletedWhileTheyAreOpenedAreNotKept) {
  const auto blob = registry_.push_blob(app_, "content");
  HookedDatabase database(*registry_.installation.database);
  Blobs blobs(database, *registry_.store, registry_.installation.clock, 10);
  database.after_next_read([&] { EXPECT_THAT(blobs.remove(app_, blob.digest, alice_), Succeeds()); });
  EXPECT_THAT(blobs.find(app_, blob.digest), Succeeds());
  EXPECT_EQ(blobs.peek(app_, blob.digest), nullptr);
}

TEST_P(BlobsOfARepository, NoMoreThanTheLimitAreKeptOpen) {
  Blobs blobs(*registry_.installation.database, *registry_.store, registry_.installation.clock, 8);
  std::vector<oci::Digest> digests;
  for (int i = 0; i < 20; ++i) {
    digests.push_back(registry_.push_blob(app_, std::string(static_cast<std::size_t>(i), 'x')).digest);
    ASSERT_THAT(blobs.find(app_, digests.back()), Succeeds());
  }
  EXPECT_EQ(
      std::ranges::count_if(digests, [&](const auto& digest) { return blobs.peek(app_, digest) != nullptr; }),
      8);
}

}  // namespace
}  // namespace bulkhead::registry::testing
