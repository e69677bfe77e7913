#include <atomic>
#include <thread>

#include "blob/testing/content.h"
#include "registry/tests/uploads_fixture.h"

namespace bulkhead::registry::testing {
namespace {

TEST_F(UploadSessions, BeginEmptyUnderANameOfTheirOwn) {
  const auto id = start();
  EXPECT_EQ(id.size(), 22u);
  EXPECT_NE(id, start());
  EXPECT_EQ(size(id), Result<std::uint64_t>(0u));
  EXPECT_EQ(registry_.uploads->count(), 2u);
}

TEST_F(UploadSessions, GoOnFromOneRequestToTheNext) {
  const auto id = start();
  ASSERT_THAT(append(id, "one "), Succeeds());
  EXPECT_EQ(size(id), Result<std::uint64_t>(4u));
  ASSERT_THAT(append(id, "two"), Succeeds());
  EXPECT_EQ(size(id), Result<std::uint64_t>(7u));
  ASSERT_THAT(finish(id, sha256("one two")), Succeeds());
  EXPECT_EQ(blob::read_all(*registry_.store, sha256("one two")), Result<std::string>("one two"));
  EXPECT_TRUE(holds("one two"));
}

TEST_F(UploadSessions, AreOverWhenTheyAreFinished) {
  const auto id = start();
  ASSERT_THAT(append(id, "content"), Succeeds());
  ASSERT_THAT(finish(id, sha256("content")), Succeeds());
  EXPECT_THAT(size(id), FailsWith(Errc::upload_unknown));
  EXPECT_THAT(finish(id, sha256("content")), FailsWith(Errc::upload_unknown));
  EXPECT_THAT(registry_.uploads->cancel(app_, id, alice_), FailsWith(Errc::upload_unknown));
  EXPECT_EQ(registry_.uploads->count(), 0u);
  EXPECT_EQ(registry_.staged(), 0u);
}

TEST_F(UploadSessions, TakeABlobOfNoBytes) {
  ASSERT_THAT(finish(start(), sha256("")), Succeeds());
  EXPECT_TRUE(holds(""));
}

TEST_F(UploadSessions, AreReadyForEitherAlgorithm) {
  const auto id = start();
  ASSERT_THAT(append(id, "content"), Succeeds());
  ASSERT_THAT(finish(id, sha512("content")), Succeeds());
  EXPECT_THAT(registry_.blobs->find(app_, sha512("content")), Succeeds());
  const auto announced = start(app_, alice_, oci::Algorithm::sha512);
  ASSERT_THAT(append(announced, "other"), Succeeds());
  ASSERT_THAT(finish(announced, sha256("other")), Succeeds());
  EXPECT_TRUE(holds("other"));
}

TEST_F(UploadSessions, EndWithoutABlobWhenTheContentDoesNotMatch) {
  const auto id = start();
  ASSERT_THAT(append(id, "content"), Succeeds());
  EXPECT_THAT(finish(id, sha256("something else")), FailsWith(Errc::digest_invalid));
  EXPECT_THAT(size(id), FailsWith(Errc::upload_unknown));
  EXPECT_FALSE(holds("content"));
  EXPECT_FALSE(holds("something else"));
  EXPECT_EQ(registry_.staged(), 0u);
  EXPECT_EQ(registry_.stored_objects(), 0u);
  EXPECT_THAT(registry_.content_events(), IsEmpty());
}

TEST_F(UploadSessions, ThatClaimAnothersBlobGainNothing) {
  registry_.push_blob(registry_.repository("bob/private"), "secret");
  EXPECT_THAT(finish(start(), sha256("secret")), FailsWith(Errc::digest_invalid));
  EXPECT_FALSE(holds("secret"));
}

TEST_F(UploadSessions, ABlobThatIsStoredElsewhereCostsItsBytesAllTheSame) {
  registry_.push_blob(registry_.repository("bob/private"), "secret");
  registry_.push_blob(app_, "secret");
  EXPECT_TRUE(holds("secret"));
  EXPECT_EQ(registry_.used_bytes("alice"), kFile);
  EXPECT_EQ(registry_.content_events().back().action, "blob_pushed");
  EXPECT_EQ(registry_.stored_objects(), 1u);
}

TEST_F(UploadSessions, UndoAChunkThatBrokeItsPromise) {
  const auto id = start();
  ASSERT_THAT(append(id, "good"), Succeeds());
  {
    auto writer = registry_.uploads->acquire(app_, id, alice_);
    ASSERT_THAT(writer, Succeeds());
    ASSERT_THAT((*writer)->append(as_bytes("bad")), Succeeds());
    ASSERT_THAT((*writer)->truncate(4), Succeeds());
    EXPECT_EQ((*writer)->size(), 4u);
  }
  EXPECT_EQ(size(id), Result<std::uint64_t>(4u));
  EXPECT_THAT(finish(id, sha256("good")), Succeeds());
}

TEST_F(UploadSessions, HaveOneWriterAtATime) {
  const auto id = start();
  auto first = registry_.uploads->acquire(app_, id, alice_);
  ASSERT_THAT(first, Succeeds());
  EXPECT_THAT(registry_.uploads->acquire(app_, id, alice_), FailsWith(Errc::upload_busy));
  EXPECT_THAT(registry_.uploads->cancel(app_, id, alice_), FailsWith(Errc::upload_busy));
  EXPECT_THAT(registry_.uploads->status(app_, id, alice_), Succeeds());
  ASSERT_THAT((*first)->append(as_bytes("content")), Succeeds());
  first->reset();
  EXPECT_THAT(finish(id, sha256("content")), Succeeds());
}

TEST_F(UploadSessions, AWriterThatIsDoneIsOfNoMoreUse) {
  const auto id = start();
  auto writer = registry_.uploads->acquire(app_, id, alice_);
  ASSERT_THAT(writer, Succeeds());
  EXPECT_EQ((*writer)->id(), id);
  ASSERT_THAT((*writer)->finish(sha256(""), alice_), Succeeds());
  EXPECT_THAT((*writer)->append(as_bytes("x")), FailsWith(Errc::upload_unknown));
  EXPECT_THAT((*writer)->truncate(0), FailsWith(Errc::upload_unknown));
  EXPECT_THAT((*writer)->finish(sha256(""), alice_), FailsWith(Errc::upload_unknown));
  EXPECT_EQ((*writer)->size(), 0u);
}

TEST_F(UploadSessions, OneOfManyThreadsGetsTheSession) {
  const auto id = start();
  std::atomic<int> writers = 0;
  std::atomic<int> refused = 0;
  std::atomic<int> ready = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] {
      auto writer = registry_.uploads->acquire(app_, id, alice_);
      if (writer) ++writers;
      if (!writer && writer.error().code == Errc::upload_busy) ++refused;
      ++ready;
      while (ready < 8) std::this_thread::yield();  // so that nobody lets go before all have asked
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(writers, 1);
  EXPECT_EQ(refused, 7);
  EXPECT_THAT(finish(id, sha256("")), Succeeds());
}

TEST_F(UploadSessions, OfOneBlobAtOnceLinkItOnce) {
  std::vector<std::thread> threads;
  std::atomic<int> finished = 0;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] { finished += registry_.upload(app_, "shared content").has_value() ? 1 : 0; });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(finished, 8);
  EXPECT_EQ(registry_.used_bytes("alice"), kFile);
  EXPECT_EQ(registry_.content_events().size(), 1u);
  EXPECT_EQ(registry_.uploads->count(), 0u);
}

TEST_F(UploadSessions, DoNotExistForAnotherAccount) {
  const auto id = start();
  const auto mallory = registry_.as("mallory");
  EXPECT_THAT(registry_.uploads->status(app_, id, mallory), FailsWith(Errc::upload_unknown));
  EXPECT_THAT(registry_.uploads->acquire(app_, id, mallory), FailsWith(Errc::upload_unknown));
  EXPECT_THAT(registry_.uploads->cancel(app_, id, mallory), FailsWith(Errc::upload_unknown));
  Context anonymous = mallory;
  anonymous.principal.account_id = 0;
  EXPECT_THAT(registry_.uploads->acquire(app_, id, anonymous), FailsWith(Errc::upload_unknown));
  EXPECT_THAT(append(id, "content"), Succeeds());
}

TEST_F(UploadSessions, DoNotExistInAnotherRepository) {
  const auto id = start();
  const auto other = registry_.repository("alice/other");
  EXPECT_THAT(registry_.uploads->status(other, id, alice_), FailsWith(Errc::upload_unknown));
  EXPECT_THAT(registry_.uploads->acquire(other, id, alice_), FailsWith(Errc::upload_unknown));
  EXPECT_THAT(registry_.uploads->cancel(other, id, alice_), FailsWith(Errc::upload_unknown));
}

TEST_F(UploadSessions, AreNamedByTheirRandomPartAlone) {
  const auto id = start();
  const auto stage = registry_.store->stages()->front().id;
  ASSERT_NE(stage, id);
  for (const std::string& text : {stage, std::string(), "../" + id, id + '\0', std::string(10'000, 'x')})
    EXPECT_THAT(registry_.uploads->status(app_, text, alice_), FailsWith(Errc::upload_unknown));
}

TEST_F(UploadSessions, GoAwayWithTheirBytesWhenCancelled) {
  const auto id = start();
  ASSERT_THAT(append(id, "content"), Succeeds());
  EXPECT_THAT(registry_.uploads->cancel(app_, id, alice_), Succeeds());
  EXPECT_THAT(size(id), FailsWith(Errc::upload_unknown));
  EXPECT_EQ(registry_.uploads->count(), 0u);
  EXPECT_EQ(registry_.staged(), 0u);
}

TEST_F(UploadSessions, WhoseBytesAreGoneAreForgotten) {
  const auto id = start();
  ASSERT_THAT(append(id, "content"), Succeeds());
  ASSERT_THAT(registry_.store->discard(registry_.store->stages()->front().id), Succeeds());
  const auto acquired = registry_.uploads->acquire(app_, id, alice_);
  ASSERT_THAT(acquired, FailsWith(Errc::upload_unknown));
  EXPECT_EQ(acquired.error().message.find(id), std::string::npos) << "it names a file of the server's";
  EXPECT_EQ(registry_.uploads->count(), 0u);

  const auto cancelled = start();
  ASSERT_THAT(registry_.store->discard(registry_.store->stages()->front().id), Succeeds());
  EXPECT_THAT(registry_.uploads->cancel(app_, cancelled, alice_), Succeeds());
}

TEST_F(UploadSessions, IntoARepositoryThatIsDeletedMeanwhileEndWithoutABlob) {
  const auto id = start();
  ASSERT_THAT(append(id, "content"), Succeeds());
  ASSERT_THAT(registry_.facts->remove(app_.name, alice_.origin), Succeeds());
  EXPECT_THAT(finish(id, sha256("content")), FailsWith(Errc::name_unknown));
  const auto again = registry_.repository("alice/app");
  EXPECT_THAT(registry_.blobs->find(again, sha256("content")), FailsWith(Errc::blob_unknown));
  EXPECT_THAT(registry_.uploads->status(again, id, alice_), FailsWith(Errc::upload_unknown));
  EXPECT_EQ(registry_.used_bytes("alice"), 0);
}

}  // namespace
}  // namespace bulkhead::registry::testing
