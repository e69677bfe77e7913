// Each limit of upload sessions, tripped; what a restart and a sweep leave.
#include <cerrno>

#include "blob/filesystem_store.h"
#include "blob/testing/faulty_system_calls.h"
#include "registry/tests/uploads_fixture.h"

namespace bulkhead::registry::testing {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

class LimitedSessions : public UploadSessions {
 protected:
  LimitedSessions()
      : UploadSessions({.sessions = 4, .sessions_per_account = 2, .idle = seconds(60), .blob_bytes = 10}) {}

  Result<UploadStatus> try_start(const Context& context) {
    return registry_.uploads->start(app_, oci::Algorithm::sha256, context);
  }
};

TEST_F(LimitedSessions, GiveWayPastAnAccountsShare) {
  const auto first = start();
  registry_.installation.clock.advance(seconds(1));
  const auto second = start();
  const auto bobs = try_start(registry_.as("bob"));
  ASSERT_THAT(bobs, Succeeds());
  registry_.installation.clock.advance(seconds(1));
  const auto third = start();
  EXPECT_THAT(size(first), FailsWith(Errc::upload_unknown));
  EXPECT_THAT(size(second), Succeeds());
  EXPECT_THAT(size(third), Succeeds());
  EXPECT_THAT(registry_.uploads->status(app_, bobs->id, registry_.as("bob")), Succeeds());
  EXPECT_EQ(registry_.uploads->count(), 3u);
  EXPECT_EQ(registry_.staged(), 3u);
}

TEST_F(LimitedSessions, WithoutBytesGiveWayFirst) {
  const auto full = start();
  ASSERT_THAT(append(full, "x"), Succeeds());
  registry_.installation.clock.advance(seconds(1));
  const auto empty = start();
  start();
  EXPECT_THAT(size(empty), FailsWith(Errc::upload_unknown));
  EXPECT_EQ(size(full), Result<std::uint64_t>(1u));
}

TEST_F(LimitedSessions, ThatAreWrittenToDoNotGiveWay) {
  const auto first = start();
  const auto second = start();
  const auto one = registry_.uploads->acquire(app_, first, alice_);
  const auto other = registry_.uploads->acquire(app_, second, alice_);
  ASSERT_THAT(one, Succeeds());
  ASSERT_THAT(other, Succeeds());
  const auto refused = try_start(alice_);
  ASSERT_THAT(refused, FailsWith(Errc::rate_limited));
  EXPECT_THAT(refused.error().message, HasSubstr("2 uploads under way"));
  registry_.installation.clock.advance(seconds(4));
  ASSERT_THAT((*other)->append(as_bytes("x")), Succeeds());
  registry_.installation.clock.advance(seconds(1));
  // The one has said nothing for five seconds now.
  EXPECT_THAT(try_start(alice_), Succeeds());
  EXPECT_THAT((*one)->append(as_bytes("x")), FailsWith(Errc::upload_busy));
  EXPECT_THAT((*other)->append(as_bytes("x")), Succeeds());
}

TEST_F(LimitedSessions, OfTheAccountThatHasMostGiveWayPastTheRegistrysCapacity) {
  const auto bobs = try_start(registry_.as("bob"));
  ASSERT_THAT(bobs, Succeeds());
  for (const char* name : {"alice", "alice", "carol"}) ASSERT_THAT(try_start(registry_.as(name)), Succeeds());
  EXPECT_THAT(try_start(registry_.as("dora")), Succeeds());
  EXPECT_EQ(registry_.uploads->count(), 4u);
  EXPECT_EQ(registry_.staged(), 4u);
  EXPECT_THAT(registry_.uploads->status(app_, bobs->id, registry_.as("bob")), Succeeds());
}

TEST_F(LimitedSessions, FreeTheirPlaceHoweverTheyEnd) {
  for (int i = 0; i < 5; ++i) {
    ASSERT_THAT(finish(start(), sha256("")), Succeeds());
    ASSERT_THAT(finish(start(), sha256("x")), FailsWith(Errc::digest_invalid));
    ASSERT_THAT(registry_.uploads->cancel(app_, start(), alice_), Succeeds());
    start();
    registry_.installation.clock.advance(seconds(61));
    EXPECT_EQ(registry_.uploads->sweep(), Result<std::size_t>(1u));
  }
  EXPECT_EQ(registry_.uploads->count(), 0u);
}

TEST_F(LimitedSessions, TakeABlobOfExactlyTheLargestSize) {
  const auto id = start();
  ASSERT_THAT(append(id, "12345"), Succeeds());
  EXPECT_THAT(append(id, "678901"), FailsWith(Errc::too_large));
  EXPECT_EQ(size(id), Result<std::uint64_t>(5u));
  EXPECT_THAT(append(id, "67890"), Succeeds());
  EXPECT_THAT(append(id, "1"), FailsWith(Errc::too_large));
  EXPECT_THAT(finish(id, sha256("1234567890")), Succeeds());
}

TEST_F(LimitedSessions, AreSweptWhenTheyRestTooLong) {
  const auto idle = start();
  const auto busy = start();
  const auto writer = registry_.uploads->acquire(app_, busy, alice_);
  ASSERT_THAT(writer, Succeeds());
  registry_.installation.clock.advance(seconds(60));
  EXPECT_EQ(registry_.uploads->sweep(), Result<std::size_t>(0u));
  registry_.installation.clock.advance(seconds(1));
  EXPECT_EQ(registry_.uploads->sweep(), Result<std::size_t>(1u));
  EXPECT_THAT(size(idle), FailsWith(Errc::upload_unknown));
  EXPECT_THAT(size(busy), Succeeds());
  EXPECT_EQ(registry_.staged(), 1u);
}

TEST_F(LimitedSessions, AreUsedAsLongAsTheirLastRequestIsRecent) {
  const auto id = start();
  for (int i = 0; i < 5; ++i) {
    registry_.installation.clock.advance(seconds(50));
    ASSERT_THAT(append(id, "x"), Succeeds());
    EXPECT_EQ(registry_.uploads->sweep(), Result<std::size_t>(0u));
  }
}

TEST_F(LimitedSessions, OfAnEarlierProcessCountTowardsTheLimits) {
  start();
  start();
  registry_.restart();
  EXPECT_EQ(registry_.uploads->count(), 2u);
  EXPECT_THAT(try_start(alice_), Succeeds());
  EXPECT_EQ(registry_.uploads->count(), 2u);
  EXPECT_EQ(registry_.staged(), 2u);
}

TEST_F(UploadSessions, OfAnEarlierProcessResumeFromWhatIsStored) {
  const auto id = start();
  ASSERT_THAT(append(id, "before "), Succeeds());
  registry_.restart();
  EXPECT_EQ(size(id), Result<std::uint64_t>(7u));
  EXPECT_THAT(registry_.uploads->acquire(app_, id, registry_.as("bob")), FailsWith(Errc::upload_unknown));
  EXPECT_THAT(registry_.uploads->acquire(registry_.repository("alice/other"), id, alice_),
              FailsWith(Errc::upload_unknown));
  ASSERT_THAT(append(id, "after"), Succeeds());
  EXPECT_THAT(finish(id, sha256("before after")), Succeeds());
  EXPECT_TRUE(holds("before after"));
}

TEST_F(UploadSessions, OfAnEarlierProcessAreSweptByTheTimeOfTheirLastByte) {
  start();
  static_cast<void>(registry_.store->stage("put-0123456789abcdefghijklmn", oci::Algorithm::sha256));
  registry_.restart();
  EXPECT_EQ(registry_.uploads->count(), 1u) << "what is no session's name is none";
  EXPECT_EQ(registry_.uploads->sweep(), Result<std::size_t>(0u));
  EXPECT_EQ(registry_.staged(), 2u);
  registry_.installation.clock.advance(hours(24 * 366 * 200));
  EXPECT_EQ(registry_.uploads->sweep(), Result<std::size_t>(1u));
  EXPECT_EQ(registry_.staged(), 0u);
}

TEST_F(UploadSessions, ThatCrossTheQuotaGoWithTheirBytes) {
  registry_.set_quota("alice", kFile + 6);
  registry_.push_blob(app_, "1234");
  const auto id = start();
  ASSERT_THAT(append(id, "567890"), Succeeds());
  EXPECT_THAT(append(id, "x"), FailsWith(Errc::quota_exceeded));
  EXPECT_THAT(size(id), FailsWith(Errc::upload_unknown));
  EXPECT_EQ(registry_.staged(), 0u);
  EXPECT_EQ(registry_.used_bytes("alice"), kFile);
  EXPECT_EQ(registry_.stored_objects(), 1u);
}

TEST_F(UploadSessions, CrossTheQuotaWithinOneRequestToo) {
  registry_.set_quota("alice", 3);
  auto writer = registry_.uploads->acquire(app_, start(), alice_);
  ASSERT_THAT(writer, Succeeds());
  ASSERT_THAT((*writer)->append(as_bytes("123")), Succeeds());
  EXPECT_THAT((*writer)->append(as_bytes("4")), FailsWith(Errc::quota_exceeded));
  EXPECT_EQ(registry_.staged(), 0u);
  EXPECT_THAT((*writer)->append(as_bytes("")), FailsWith(Errc::upload_unknown));
  writer->reset();
  EXPECT_EQ(registry_.uploads->count(), 0u);
}

TEST_F(UploadSessions, CountWhatIsStagedTowardsTheQuota) {
  const std::string content(6 * kFile, 'c');
  registry_.set_quota("alice", 6 * kFile + 4);
  const auto first = start();
  const auto second = start();
  ASSERT_THAT(append(first, content), Succeeds());
  ASSERT_THAT(append(second, "abcd"), Succeeds());
  EXPECT_THAT(append(start(), "x"), FailsWith(Errc::quota_exceeded));
  ASSERT_THAT(registry_.uploads->cancel(app_, second, alice_), Succeeds());
  ASSERT_THAT(append(start(), "wxyz"), Succeeds());
  // Also what an earlier process has left.
  registry_.restart();
  EXPECT_THAT(append(start(), "x"), FailsWith(Errc::quota_exceeded));
  ASSERT_THAT(finish(first, sha256(content)), Succeeds());
  EXPECT_EQ(registry_.used_bytes("alice"), 6 * kFile);
  EXPECT_THAT(append(start(), "x"), FailsWith(Errc::quota_exceeded));
}

TEST_F(UploadSessions, OfOtherNamespacesDoNotCount) {
  registry_.set_quota("alice", 5);
  const auto bobs = registry_.repository("bob/app");
  const auto bob = registry_.as("bob");
  auto writer = registry_.uploads->acquire(bobs, start(bobs, bob), bob);
  ASSERT_THAT(writer, Succeeds());
  ASSERT_THAT((*writer)->append(as_bytes("more than five")), Succeeds());
  EXPECT_THAT(append(start(), "12345"), Succeeds());
}

TEST_F(UploadSessions, AreRefusedByTheirStatedLength) {
  registry_.set_quota("alice", kFile + 6);
  registry_.push_blob(app_, "1234");
  const auto id = start();
  {
    auto writer = registry_.uploads->acquire(app_, id, alice_);
    ASSERT_THAT(writer, Succeeds());
    EXPECT_THAT((*writer)->expect(6), Succeeds());
    EXPECT_THAT((*writer)->expect(7), FailsWith(Errc::quota_exceeded));
  }
  EXPECT_THAT(size(id), FailsWith(Errc::upload_unknown));
  EXPECT_EQ(registry_.staged(), 0u);
}

TEST_F(LimitedSessions, AreRefusedByTheLargestBlobsStatedLength) {
  auto writer = registry_.uploads->acquire(app_, start(), alice_);
  ASSERT_THAT(writer, Succeeds());
  EXPECT_THAT((*writer)->expect(11), FailsWith(Errc::too_large));
  EXPECT_THAT((*writer)->expect(~std::uint64_t{0}), FailsWith(Errc::too_large));
  EXPECT_THAT((*writer)->expect(10), Succeeds());
}

TEST_F(UploadSessions, ThatFindTheRoomTakenAtTheEndStoreNothing) {
  registry_.set_quota("alice", 10);
  const auto id = start();
  ASSERT_THAT(append(id, "123456"), Succeeds());
  auto slow = registry_.uploads->acquire(app_, id, alice_);
  ASSERT_THAT(slow, Succeeds());
  registry_.set_quota("alice", 5);
  EXPECT_THAT((*slow)->finish(sha256("123456"), alice_), FailsWith(Errc::quota_exceeded));
  slow->reset();
  EXPECT_THAT(size(id), FailsWith(Errc::upload_unknown));
  EXPECT_EQ(registry_.staged(), 0u);
  EXPECT_EQ(registry_.stored_objects(), 0u);
  EXPECT_EQ(registry_.used_bytes("alice"), 0);
}

TEST_F(UploadSessions, ThatDoNotMatchGiveTheirRoomBack) {
  registry_.set_quota("alice", kFile);
  const std::string content(kFile, 'c');
  const auto id = start();
  ASSERT_THAT(append(id, content), Succeeds());
  EXPECT_THAT(finish(id, sha256("something else")), FailsWith(Errc::digest_invalid));
  EXPECT_EQ(registry_.used_bytes("alice"), 0);
  EXPECT_THAT(append(start(), content), Succeeds());
}

TEST_F(UploadSessions, ReservationsThatACrashHasLeftRunOut) {
  registry_.set_quota("alice", kFile);
  ASSERT_THAT(registry_.blobs->reserve(app_, sha256("123456"), 6, alice_), Succeeds());
  EXPECT_EQ(registry_.used_bytes("alice"), kFile);
  EXPECT_THAT(append(start(), "x"), FailsWith(Errc::quota_exceeded));
  registry_.installation.clock.advance(hours(2));
  EXPECT_THAT(registry_.uploads->sweep(), Succeeds());
  EXPECT_EQ(registry_.used_bytes("alice"), 0);
  EXPECT_THAT(append(start(), "123456"), Succeeds());
}

TEST_F(UploadSessions, OfWhatTheRepositoryHasNeedNoRoom) {
  registry_.push_blob(app_, "1234567");
  registry_.set_quota("alice", 1);
  const auto digest = sha256("1234567");
  auto writer = registry_.uploads->acquire(app_, start(), alice_, &digest);
  ASSERT_THAT(writer, Succeeds());
  EXPECT_THAT((*writer)->expect(7), Succeeds());
  ASSERT_THAT((*writer)->append(as_bytes("1234567")), Succeeds());
  // No more than that at once.
  auto other = registry_.uploads->acquire(app_, start(), alice_, &digest);
  ASSERT_THAT(other, Succeeds());
  EXPECT_THAT((*other)->append(as_bytes("1")), FailsWith(Errc::quota_exceeded));
  EXPECT_THAT((*writer)->finish(digest, alice_), Succeeds());
  writer->reset();
  EXPECT_EQ(registry_.used_bytes("alice"), kFile);
  // Nothing longer under its name, and nothing of it stays when it is broken off.
  auto longer = registry_.uploads->acquire(app_, start(), alice_, &digest);
  ASSERT_THAT(longer, Succeeds());
  ASSERT_THAT((*longer)->append(as_bytes("123")), Succeeds());
  EXPECT_THAT((*longer)->append(as_bytes("45678")), FailsWith(Errc::quota_exceeded));
  auto broken_off = registry_.uploads->acquire(app_, start(), alice_, &digest);
  ASSERT_THAT(broken_off, Succeeds());
  ASSERT_THAT((*broken_off)->append(as_bytes("123")), Succeeds());
  broken_off->reset();
  other->reset();
  longer->reset();
  EXPECT_EQ(registry_.staged(), 0u);
  EXPECT_EQ(registry_.uploads->count(), 0u);
}

TEST_F(UploadSessions, AreTakenOverFromAWriterThatIsSilent) {
  const auto id = start();
  auto silent = registry_.uploads->acquire(app_, id, alice_);
  ASSERT_THAT(silent, Succeeds());
  ASSERT_THAT((*silent)->append(as_bytes("one ")), Succeeds());
  EXPECT_EQ(size(id), Result<std::uint64_t>(4u)) << "also while it is written to";
  registry_.installation.clock.advance(seconds(3));
  const auto early = registry_.uploads->acquire(app_, id, alice_);
  ASSERT_THAT(early, FailsWith(Errc::upload_busy));
  EXPECT_EQ(early.error().retry_after, seconds(2));
  registry_.installation.clock.advance(seconds(2));
  ASSERT_THAT(append(id, "two"), Succeeds());
  EXPECT_THAT((*silent)->append(as_bytes("zzz")), FailsWith(Errc::upload_busy));
  EXPECT_THAT((*silent)->truncate(0), FailsWith(Errc::upload_busy));
  EXPECT_THAT((*silent)->finish(sha256("one "), alice_), FailsWith(Errc::upload_busy));
  silent->reset();
  EXPECT_THAT(finish(id, sha256("one two")), Succeeds());
  EXPECT_TRUE(holds("one two"));
  EXPECT_EQ(registry_.staged(), 0u);
}

TEST_F(UploadSessions, OfASilentWriterCanBeCancelled) {
  const auto id = start();
  auto silent = registry_.uploads->acquire(app_, id, alice_);
  ASSERT_THAT(silent, Succeeds());
  ASSERT_THAT((*silent)->append(as_bytes("one ")), Succeeds());
  registry_.installation.clock.advance(seconds(5));
  ASSERT_THAT(registry_.uploads->cancel(app_, id, alice_), Succeeds());
  EXPECT_EQ(registry_.staged(), 0u);
  EXPECT_THAT((*silent)->append(as_bytes("two")), FailsWith(Errc::upload_busy));
  silent->reset();
  EXPECT_EQ(registry_.uploads->count(), 0u);
}

TEST_F(UploadSessions, SurviveAFullDisk) {
  auto calls = std::make_shared<blob::FaultySystemCalls>();
  const TemporaryDirectory directory;
  auto store = blob::open_filesystem_store(directory.path(), calls);
  ASSERT_THAT(store, Succeeds());
  Blobs blobs(*registry_.installation.database, **store, registry_.installation.clock, 10);
  auto uploads =
      Uploads::open(**store, blobs, *registry_.installation.database, registry_.installation.clock, {});
  ASSERT_THAT(uploads, Succeeds());

  calls->fail(blob::Call::open, ENOSPC);
  EXPECT_THAT((*uploads)->start(app_, oci::Algorithm::sha256, alice_), FailsWith(Errc::no_space));
  EXPECT_EQ((*uploads)->count(), 0u) << "a session that was not started takes no place";

  const auto started = (*uploads)->start(app_, oci::Algorithm::sha256, alice_);
  ASSERT_THAT(started, Succeeds());
  {
    auto writer = (*uploads)->acquire(app_, started->id, alice_);
    ASSERT_THAT(writer, Succeeds());
    ASSERT_THAT((*writer)->append(as_bytes("content")), Succeeds());
    calls->fail(blob::Call::pwrite, ENOSPC);
    EXPECT_THAT((*writer)->append(as_bytes("more")), FailsWith(Errc::no_space));
  }
  EXPECT_EQ((*uploads)->status(app_, started->id, alice_)->size, 7u);
  {
    auto writer = (*uploads)->acquire(app_, started->id, alice_);
    ASSERT_THAT(writer, Succeeds());
    calls->fail(blob::Call::rename, ENOSPC);
    EXPECT_THAT((*writer)->finish(sha256("content"), alice_), FailsWith(Errc::no_space));
  }
  EXPECT_EQ((*uploads)->status(app_, started->id, alice_)->size, 7u);
  auto writer = (*uploads)->acquire(app_, started->id, alice_);
  ASSERT_THAT(writer, Succeeds());
  EXPECT_THAT((*writer)->finish(sha256("content"), alice_), Succeeds());
}

}  // namespace
}  // namespace bulkhead::registry::testing
