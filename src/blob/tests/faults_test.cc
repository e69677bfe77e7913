// What the filesystem store does when the disk fails under it.
#include <gtest/gtest.h>

#include <cerrno>
#include <string>

#include "base/testing/temporary_directory.h"
#include "blob/filesystem_store.h"
#include "blob/layout.h"
#include "blob/staged_file.h"
#include "blob/testing/content.h"
#include "blob/testing/faulty_system_calls.h"

namespace bulkhead::blob {
namespace {

constexpr auto kSha256 = oci::Algorithm::sha256;

class Faults : public testing::Test {
 protected:
  void SetUp() override { store_ = open_filesystem_store(root(), calls_).value(); }

  std::filesystem::path root() const { return directory_.path() / "store"; }
  BlobStore& store() { return *store_; }
  FaultySystemCalls& calls() { return *calls_; }
  std::unique_ptr<Stage> stage(std::string_view content) {
    auto made = store().stage("upload", kSha256).value();
    EXPECT_TRUE(made->append(as_bytes(content)));
    return made;
  }
  std::uint64_t size_on_disk() const { return std::filesystem::file_size(Layout(root()).stage("upload")); }

 private:
  TemporaryDirectory directory_;
  std::shared_ptr<FaultySystemCalls> calls_ = std::make_shared<FaultySystemCalls>();
  std::unique_ptr<BlobStore> store_;
};

TEST_F(Faults, AFullDiskLeavesTheUploadAsItWas) {
  for (const int reason : {ENOSPC, EDQUOT, EFBIG}) {
    auto upload = stage("first ");
    calls().fail(Call::pwrite, reason);
    EXPECT_EQ(upload->append(as_bytes("second")).error().code, Errc::no_space);
    EXPECT_EQ(upload->size(), 6u);
    ASSERT_TRUE(upload->append(as_bytes("second")));
    EXPECT_TRUE(store().commit(std::move(upload), sha256_of("first second")));
  }
}

TEST_F(Faults, AnAppendThatIsHalfWrittenIsTakenBack) {
  auto upload = stage("first ");
  calls().shorten(4);
  calls().fail(Call::pwrite, ENOSPC, 3);
  EXPECT_EQ(upload->append(as_bytes("second part")).error().code, Errc::no_space);
  EXPECT_EQ(size_on_disk(), 6u);
  ASSERT_TRUE(upload->append(as_bytes("second")));
  EXPECT_TRUE(store().commit(std::move(upload), sha256_of("first second")));
}

TEST_F(Faults, AnAppendThatCannotBeTakenBackEndsTheUpload) {
  auto upload = stage("first ");
  calls().fail(Call::pwrite, ENOSPC);
  calls().fail(Call::ftruncate, EIO);
  EXPECT_FALSE(upload->append(as_bytes("second")));
  EXPECT_EQ(upload->append(as_bytes("second")).error().code, Errc::no_space);
  EXPECT_FALSE(upload->truncate(0));
  EXPECT_FALSE(store().commit(std::move(upload), sha256_of("first ")));
  EXPECT_EQ(store().open_stage("upload", kSha256).error().code, Errc::upload_unknown);
}

TEST_F(Faults, ACutThatFailsLeavesTheUploadAsItWas) {
  auto upload = stage("content");
  calls().fail(Call::ftruncate, EIO);
  EXPECT_EQ(upload->truncate(3).error().code, Errc::corrupt);
  EXPECT_EQ(upload->size(), 7u);
  EXPECT_TRUE(store().commit(std::move(upload), sha256_of("content")));
}

TEST_F(Faults, AfterAFailedSyncTheUploadIsNeverCommitted) {
  for (const auto& [reason, code] : {std::pair(EIO, Errc::corrupt), std::pair(ENOSPC, Errc::no_space)}) {
    auto upload = stage("content");
    calls().fail(Call::fdatasync, reason);
    EXPECT_EQ(store().commit(std::move(upload), sha256_of("content")).error().code, code);
    EXPECT_EQ(store().open(sha256_of("content")).error().code, Errc::blob_unknown);
    EXPECT_EQ(store().open_stage("upload", kSha256).error().code, Errc::upload_unknown);
    EXPECT_TRUE(store().stages().value().empty());
  }
}

TEST_F(Faults, AFailedSyncIsRememberedWhenTheFileCannotBeRemoved) {
  auto upload = stage("content");
  calls().fail(Call::fdatasync, EIO);
  calls().fail(Call::unlink, EIO);
  EXPECT_FALSE(store().commit(std::move(upload), sha256_of("content")));
  EXPECT_EQ(store().open_stage("upload", kSha256).error().code, Errc::upload_busy);
}

TEST_F(Faults, AFailedWritebackEndsTheUpload) {
  auto upload = stage("");
  calls().fail(Call::start_writeback, EIO);
  const std::string content = make_content(kWritebackWindow);
  EXPECT_EQ(upload->append(as_bytes(content)).error().code, Errc::corrupt);
  EXPECT_EQ(upload->append(as_bytes("more")).error().code, Errc::corrupt);
  EXPECT_EQ(store().commit(std::move(upload), sha256_of(content)).error().code, Errc::corrupt);
  EXPECT_TRUE(store().stages().value().empty());
}

TEST_F(Faults, AFileSystemWithoutEarlyWritebackWillDo) {
  auto upload = stage("");
  calls().fail(Call::start_writeback, ENOSYS);
  const std::string content = make_content(kWritebackWindow);
  ASSERT_TRUE(upload->append(as_bytes(content)));
  EXPECT_TRUE(store().commit(std::move(upload), sha256_of(content)));
}

TEST_F(Faults, WithoutRoomForADirectoryTheUploadStays) {
  auto upload = stage("content");
  calls().fail(Call::mkdir, ENOSPC);
  EXPECT_EQ(store().commit(std::move(upload), sha256_of("content")).error().code, Errc::no_space);
  auto again = store().open_stage("upload", kSha256);
  ASSERT_TRUE(again);
  EXPECT_TRUE(store().commit(std::move(*again), sha256_of("content")));
}

TEST_F(Faults, ADirectoryWhoseSyncFailedIsSyncedAgain) {
  auto upload = stage("content");
  calls().fail(Call::fsync, EIO);
  EXPECT_FALSE(store().commit(std::move(upload), sha256_of("content")));
  const std::size_t before = calls().count(Call::fsync);
  EXPECT_TRUE(store().put(sha256_of("content"), as_bytes("content")));
  EXPECT_EQ(calls().count(Call::fsync), before + 2);
}

TEST_F(Faults, AFailedSyncOfTheNameIsNotAcknowledgedAndTakesNothingAway) {
  ASSERT_TRUE(store().put(sha256_of("content"), as_bytes("content")));
  auto upload = stage("content");
  calls().fail(Call::fsync, EIO);
  EXPECT_EQ(store().commit(std::move(upload), sha256_of("content")).error().code, Errc::corrupt);
  EXPECT_EQ(read_all(store(), sha256_of("content")).value(), "content");
}

TEST_F(Faults, APutThatFailsLeavesNoUpload) {
  for (const Call call : {Call::open, Call::pwrite, Call::fdatasync, Call::rename}) {
    calls().fail(call, ENOSPC);
    EXPECT_EQ(store().put(sha256_of("content"), as_bytes("content")).error().code, Errc::no_space);
    EXPECT_TRUE(store().stages().value().empty());
  }
}

TEST_F(Faults, AReadThatFailsIsCorrupt) {
  ASSERT_TRUE(store().put(sha256_of("content"), as_bytes("content")));
  auto reader = store().open(sha256_of("content"));
  ASSERT_TRUE(reader);
  calls().fail(Call::pread, EIO);
  EXPECT_EQ(read_all(**reader).error().code, Errc::corrupt);
  calls().fail(Call::pread, EINTR);
  EXPECT_EQ(read_all(**reader).value(), "content");
  calls().fail(Call::open, EIO);
  EXPECT_EQ(store().open(sha256_of("content")).error().code, Errc::corrupt);
}

TEST_F(Faults, HashingAgainAfterAFailedReadIsRight) {
  const std::string content = make_content(3 << 20);
  auto upload = stage(content + "too much");
  ASSERT_TRUE(upload->truncate(content.size()));
  calls().fail(Call::pread, EIO, 3);
  EXPECT_EQ(store().commit(std::move(upload), sha256_of(content)).error().code, Errc::corrupt);
  auto again = store().open_stage("upload", kSha256);
  ASSERT_TRUE(again);
  EXPECT_TRUE(store().commit(std::move(*again), sha256_of(content)));
}

TEST_F(Faults, AByteThatRotsWhileStagedIsFoundWhenReadBack) {
  auto upload = stage("content, and more");
  ASSERT_TRUE(upload->truncate(7));
  calls().flip_bit_at(3);
  EXPECT_EQ(store().commit(std::move(upload), sha256_of("content")).error().code, Errc::digest_invalid);
}

TEST_F(Faults, WhicheverCallFailsTheBlobIsWholeOrNotThere) {
  const std::string content = make_content(20'000);
  const auto digest = sha256_of(content);
  bool failed = true;
  for (unsigned nth = 1; failed; ++nth) {
    ASSERT_LT(nth, 100u);
    TemporaryDirectory directory;
    auto faulty = std::make_shared<FaultySystemCalls>();
    auto fresh = open_filesystem_store(directory.path() / "store", faulty).value();
    faulty->fail_all(EIO, nth);
    failed = !fresh->put(digest, as_bytes(content));
    EXPECT_TRUE(failed || nth > 8) << "fewer steps than a push needs";
    faulty->heal();
    const auto read = read_all(*fresh, digest);
    if (!failed || read) {
      EXPECT_EQ(read.value(), content) << nth;
    }
    EXPECT_TRUE(fresh->put(digest, as_bytes(content))) << nth;
    EXPECT_EQ(read_all(*fresh, digest).value(), content) << nth;
  }
}

}  // namespace
}  // namespace bulkhead::blob
