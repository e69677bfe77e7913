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

TEST_F(LimitedSessions, AreRefusedPastAnAccountsShare) {
  const auto first = start();
  start();
  const auto refused = try_start(alice_);
  ASSERT_THAT(refused, FailsWith(Errc::rate_limited));
  EXPECT_THAT(refused.error().message, HasSubstr("2 unfinished uploads"));
  EXPECT_EQ(registry_.uploads->count(), 2u);
  EXPECT_EQ(registry_.staged(), 2u);
  EXPECT_THAT(try_start(registry_.as("bob")), Succeeds());
  ASSERT_THAT(registry_.uploads->cancel(app_, first, alice_), Succeeds());
  EXPECT_THAT(try_start(alice_), Succeeds());
}

TEST_F(LimitedSessions, AreRefusedPastTheRegistrysCapacity) {
  for (const char* name : {"alice", "alice", "bob", "bob"})
    EXPECT_THAT(try_start(registry_.as(name)), Succeeds());
  EXPECT_THAT(try_start(registry_.as("carol")), FailsWith(Errc::rate_limited));
  EXPECT_EQ(registry_.uploads->count(), 4u);
  EXPECT_EQ(registry_.staged(), 4u);
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
  EXPECT_THAT(try_start(alice_), FailsWith(Errc::rate_limited));
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
  registry_.set_quota("alice", 10);
  registry_.push_blob(app_, "1234");
  const auto id = start();
  ASSERT_THAT(append(id, "567890"), Succeeds());
  EXPECT_THAT(append(id, "x"), FailsWith(Errc::quota_exceeded));
  EXPECT_THAT(size(id), FailsWith(Errc::upload_unknown));
  EXPECT_EQ(registry_.staged(), 0u);
  EXPECT_EQ(registry_.used_bytes("alice"), 4);
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

TEST_F(UploadSessions, ThatFindTheRoomTakenAtTheEndGoWithTheirBytes) {
  registry_.set_quota("alice", 10);
  const auto first = start();
  const auto second = start();
  ASSERT_THAT(append(first, "123456"), Succeeds());
  ASSERT_THAT(append(second, "abcdef"), Succeeds());
  auto slow = registry_.uploads->acquire(app_, second, alice_);  // before the room is taken
  ASSERT_THAT(slow, Succeeds());
  ASSERT_THAT(finish(first, sha256("123456")), Succeeds());
  EXPECT_THAT((*slow)->finish(sha256("abcdef"), alice_), FailsWith(Errc::quota_exceeded));
  slow->reset();
  EXPECT_THAT(size(second), FailsWith(Errc::upload_unknown));
  EXPECT_EQ(registry_.staged(), 0u);
  EXPECT_EQ(registry_.stored_objects(), 1u);
  EXPECT_EQ(registry_.used_bytes("alice"), 6);
}

TEST_F(UploadSessions, OfWhatTheRepositoryHasNeedNoRoomAtTheEnd) {
  registry_.set_quota("alice", 10);
  const auto first = start();
  const auto second = start();
  ASSERT_THAT(append(first, "1234567"), Succeeds());
  ASSERT_THAT(append(second, "1234567"), Succeeds());
  EXPECT_THAT(finish(first, sha256("1234567")), Succeeds());
  EXPECT_THAT(finish(second, sha256("1234567")), Succeeds());
  EXPECT_EQ(registry_.used_bytes("alice"), 7);
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
