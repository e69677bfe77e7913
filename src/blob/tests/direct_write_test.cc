// Large aligned appends written round the page cache, and every way in which that may end.
#include <fcntl.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <new>

#include "base/file.h"
#include "base/testing/temporary_directory.h"
#include "blob/filesystem_store.h"
#include "blob/staged_file.h"
#include "blob/testing/content.h"
#include "blob/testing/faulty_system_calls.h"

namespace bulkhead::blob {
namespace {

constexpr auto kSha256 = oci::Algorithm::sha256;

// Bytes that begin where direct writing wants them.
class AlignedContent {
 public:
  explicit AlignedContent(std::size_t size)
      : size_(size),
        bytes_(static_cast<std::byte*>(::operator new (size, std::align_val_t{kDirectAlignment}))) {
    const std::string content = make_content(size);
    std::memcpy(bytes_, content.data(), size);
  }
  ~AlignedContent() { ::operator delete (bytes_, std::align_val_t{kDirectAlignment}); }
  AlignedContent(const AlignedContent&) = delete;
  AlignedContent& operator=(const AlignedContent&) = delete;

  Bytes bytes() const { return {bytes_, size_}; }
  oci::Digest digest() const { return oci::Digest::of(kSha256, bytes()); }

 private:
  std::size_t size_;
  std::byte* bytes_;
};

class DirectWrite : public testing::Test {
 protected:
  DirectWrite() : store_(*open_filesystem_store(directory_.path() / "blobs", calls_)) {}

  FaultySystemCalls& calls() { return *calls_; }
  // Whether the file system below has direct writing at all.
  bool available() {
    const auto probe = directory_.path() / "probe";
    const FileDescriptor fd(::open(probe.c_str(), O_CREAT | O_WRONLY | O_DIRECT, 0600));
    return fd.valid();
  }
  std::unique_ptr<Stage> stage() { return *store_->stage("upload", kSha256); }
  void expect_committed(std::unique_ptr<Stage> upload, const oci::Digest& digest, std::string_view content) {
    ASSERT_TRUE(store_->commit(std::move(upload), digest));
    const auto read = read_all(*store_, digest);
    ASSERT_TRUE(read);
    EXPECT_TRUE(*read == content);
  }

 private:
  TemporaryDirectory directory_;
  std::shared_ptr<FaultySystemCalls> calls_ = std::make_shared<FaultySystemCalls>();
  std::unique_ptr<BlobStore> store_;
};

std::string_view text(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

TEST_F(DirectWrite, TakesTheWholePagesOfALargeAppend) {
  if (!available()) GTEST_SKIP() << "this file system has no direct writing";
  const AlignedContent content(kLeastDirect + 1000);
  auto upload = stage();
  ASSERT_TRUE(upload->append(content.bytes()));
  EXPECT_EQ(calls().written_directly(), kLeastDirect);
  expect_committed(std::move(upload), content.digest(), text(content.bytes()));
}

TEST_F(DirectWrite, LeavesSmallAndUnalignedAppendsToThePageCache) {
  const AlignedContent content(2 * kLeastDirect);
  auto upload = stage();
  ASSERT_TRUE(upload->append(content.bytes().first(kLeastDirect - 1)));
  ASSERT_TRUE(upload->append(content.bytes().subspan(kLeastDirect - 1)));
  EXPECT_EQ(calls().written_directly(), 0u);
  expect_committed(std::move(upload), content.digest(), text(content.bytes()));
}

TEST_F(DirectWrite, AnUnalignedStartInTheFileIsWrittenAsUsual) {
  const AlignedContent content(kLeastDirect);
  auto upload = stage();
  ASSERT_TRUE(upload->append(as_bytes("x")));
  ASSERT_TRUE(upload->append(content.bytes()));
  EXPECT_EQ(calls().written_directly(), 0u);
  const std::string all = "x" + std::string(text(content.bytes()));
  expect_committed(std::move(upload), sha256_of(all), all);
}

TEST_F(DirectWrite, IsNotWantedWhereTheFileSystemRefusesToOpenForIt) {
  const AlignedContent content(2 * kLeastDirect);
  auto upload = stage();
  calls().fail(Call::open, EINVAL);
  ASSERT_TRUE(upload->append(content.bytes().first(kLeastDirect)));
  ASSERT_TRUE(upload->append(content.bytes().subspan(kLeastDirect)));
  EXPECT_EQ(calls().written_directly(), 0u);
  expect_committed(std::move(upload), content.digest(), text(content.bytes()));
}

TEST_F(DirectWrite, GoesOnAsUsualWhereTheFileSystemRefusesTheWrite) {
  if (!available()) GTEST_SKIP() << "this file system has no direct writing";
  const AlignedContent content(3 * kLeastDirect);
  auto upload = stage();
  calls().fail(Call::pwrite, EINVAL, 2);
  for (std::size_t at = 0; at < content.bytes().size(); at += kLeastDirect)
    ASSERT_TRUE(upload->append(content.bytes().subspan(at, kLeastDirect)));
  EXPECT_EQ(calls().written_directly(), kLeastDirect);
  expect_committed(std::move(upload), content.digest(), text(content.bytes()));
}

TEST_F(DirectWrite, AShortWriteIsFinishedAsUsual) {
  if (!available()) GTEST_SKIP() << "this file system has no direct writing";
  for (const std::size_t most : {std::size_t{1000}, std::size_t{3 * kDirectAlignment}}) {
    calls().shorten(most);
    const AlignedContent content(kLeastDirect);
    auto upload = stage();
    ASSERT_TRUE(upload->append(content.bytes()));
    expect_committed(std::move(upload), content.digest(), text(content.bytes()));
  }
}

TEST_F(DirectWrite, AFullDiskLeavesTheUploadAsItWas) {
  if (!available()) GTEST_SKIP() << "this file system has no direct writing";
  const AlignedContent content(2 * kLeastDirect);
  auto upload = stage();
  ASSERT_TRUE(upload->append(content.bytes().first(kLeastDirect)));
  calls().shorten(8 * kDirectAlignment);
  calls().fail(Call::pwrite, ENOSPC, 3);
  EXPECT_EQ(upload->append(content.bytes().subspan(kLeastDirect)).error().code, Errc::no_space);
  EXPECT_EQ(upload->size(), kLeastDirect);
  ASSERT_TRUE(upload->append(content.bytes().subspan(kLeastDirect)));
  expect_committed(std::move(upload), content.digest(), text(content.bytes()));
}

}  // namespace
}  // namespace bulkhead::blob
