#include "blob/filesystem_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "base/testing/temporary_directory.h"
#include "blob/layout.h"
#include "blob/staged_file.h"
#include "blob/testing/content.h"
#include "blob/testing/faulty_system_calls.h"
#include "blob/testing/store_contract.h"

namespace bulkhead::blob {
namespace {

constexpr auto kSha256 = oci::Algorithm::sha256;

std::unique_ptr<BlobStore> make_filesystem_store(const std::filesystem::path& root) {
  return open_filesystem_store(root).value();
}

// The same promises where no file is kept open between two uses of a stage, and where calls move a few bytes
// at a time.
std::unique_ptr<BlobStore> make_forgetful_store(const std::filesystem::path& root) {
  return open_filesystem_store(root, make_posix_system_calls(), 0).value();
}

std::unique_ptr<BlobStore> make_store_with_short_calls(const std::filesystem::path& root) {
  auto calls = std::make_shared<FaultySystemCalls>();
  calls->shorten(1021);
  return open_filesystem_store(root, calls).value();
}

INSTANTIATE_TEST_SUITE_P(Filesystem, StoreContract, testing::Values(contract_of(make_filesystem_store)));
INSTANTIATE_TEST_SUITE_P(FilesystemThatParksNothing, StoreContract,
                         testing::Values(contract_of(make_forgetful_store)));
INSTANTIATE_TEST_SUITE_P(FilesystemWithShortCalls, StoreContract,
                         testing::Values(contract_of(make_store_with_short_calls)));

class FilesystemStore : public testing::Test {
 protected:
  void SetUp() override { reopen(); }

  void reopen(std::size_t parked = kParkedStages) {
    store_.reset();
    calls_ = std::make_shared<FaultySystemCalls>();
    store_ = open_filesystem_store(root(), calls_, parked).value();
  }

  std::filesystem::path root() const { return directory_.path() / "store"; }
  Layout layout() const { return Layout(root()); }
  BlobStore& store() { return *store_; }
  FaultySystemCalls& calls() { return *calls_; }

  void stage_bytes(std::string_view id, std::string_view content) {
    auto stage = store().stage(id, kSha256);
    ASSERT_TRUE(stage);
    ASSERT_TRUE((*stage)->append(as_bytes(content)));
  }

 private:
  TemporaryDirectory directory_;
  std::shared_ptr<FaultySystemCalls> calls_;
  std::unique_ptr<BlobStore> store_;
};

unsigned mode_of(const std::filesystem::path& path) {
  struct stat status {};
  EXPECT_EQ(::lstat(path.c_str(), &status), 0) << path;
  return status.st_mode & 07777;
}

std::size_t open_descriptors() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
  return count;
}

TEST_F(FilesystemStore, NamesFilesAsTheFormatPageSays) {
  ASSERT_TRUE(store().put(sha256_of("hello"), as_bytes("hello")));
  ASSERT_TRUE(store().put(sha512_of("hello"), as_bytes("hello")));
  stage_bytes("upload", "bytes");
  EXPECT_TRUE(is_regular_file(root() / "blobs/sha256/2c" /
                              "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"));
  EXPECT_TRUE(is_regular_file(root() / "blobs/sha512/9b" / sha512_of("hello").hex()));
  EXPECT_TRUE(is_regular_file(root() / "blobs/staging/upload"));
}

TEST_F(FilesystemStore, NobodyElseMayReadTheFiles) {
  const mode_t before = ::umask(0);
  ASSERT_TRUE(store().put(sha256_of("hello"), as_bytes("hello")));
  stage_bytes("upload", "bytes");
  ::umask(before);
  EXPECT_EQ(mode_of(layout().blob(sha256_of("hello"))), 0600u);
  EXPECT_EQ(mode_of(layout().stage("upload")), 0600u);
  for (const auto& directory : {layout().fan_out(sha256_of("hello")), layout().blobs(kSha256),
                                layout().blobs(), layout().staging(), root()})
    EXPECT_EQ(mode_of(directory), 0700u) << directory;
}

TEST_F(FilesystemStore, SyncsBytesBeforeTheNameAndTheNameBeforeItReturns) {
  stage_bytes("upload", "hello");
  auto stage = store().open_stage("upload", kSha256);
  ASSERT_TRUE(stage);
  const std::size_t before = calls().calls().size();
  ASSERT_TRUE(store().commit(std::move(*stage), sha256_of("hello")));
  const auto all = calls().calls();
  const std::vector<Call> made(all.begin() + static_cast<std::ptrdiff_t>(before), all.end());
  EXPECT_EQ(made, (std::vector{Call::fdatasync, Call::mkdir, Call::open, Call::fsync, Call::rename,
                               Call::open, Call::fsync}));
}

TEST_F(FilesystemStore, TheDirectoryOfAKnownPrefixIsNotSyncedTwice) {
  ASSERT_TRUE(store().put(sha256_of("hello"), as_bytes("hello")));
  const std::size_t before = calls().count(Call::fsync);
  ASSERT_TRUE(store().put(sha256_of("hello"), as_bytes("hello")));
  EXPECT_EQ(calls().count(Call::fsync), before + 1);
}

TEST_F(FilesystemStore, StartsWritingBeforeTheSync) {
  auto stage = store().stage("upload", kSha256);
  ASSERT_TRUE(stage);
  const std::string piece = make_content(1 << 20);
  for (int i = 0; i < 20; ++i) ASSERT_TRUE((*stage)->append(as_bytes(piece)));
  EXPECT_EQ(calls().count(Call::start_writeback), 20u * piece.size() / kWritebackWindow);
}

TEST_F(FilesystemStore, ABlobIsAcknowledgedForTheNextProcess) {
  const std::string content = make_content(10'000);
  ASSERT_TRUE(store().put(sha256_of(content), as_bytes(content)));
  reopen();
  EXPECT_EQ(read_all(store(), sha256_of(content)).value(), content);
}

TEST_F(FilesystemStore, AnUploadGoesOnInTheNextProcess) {
  const std::string content = make_content(3 << 20);
  stage_bytes("upload", content.substr(0, 2 << 20));
  reopen();
  auto stage = store().open_stage("upload", kSha256);
  ASSERT_TRUE(stage);
  ASSERT_EQ((*stage)->size(), 2u << 20);
  ASSERT_TRUE((*stage)->append(as_bytes(content).subspan(2 << 20)));
  ASSERT_TRUE(store().commit(std::move(*stage), sha256_of(content)));
  EXPECT_EQ(read_all(store(), sha256_of(content)).value(), content);
}

TEST_F(FilesystemStore, AChunkedUploadIsNotReadAgain) {
  const std::string content = make_content(100'000);
  stage_bytes("upload", content.substr(0, 50'000));
  auto stage = store().open_stage("upload", kSha256);
  ASSERT_TRUE(stage);
  ASSERT_TRUE((*stage)->append(as_bytes(content).subspan(50'000)));
  ASSERT_TRUE(store().commit(std::move(*stage), sha256_of(content)));
  EXPECT_EQ(calls().count(Call::pread), 0u);
}

TEST_F(FilesystemStore, KeepsAtMostSoManyIdleUploadsOpen) {
  reopen(4);
  const std::size_t before = open_descriptors();
  for (int i = 0; i < 20; ++i) stage_bytes("upload-" + std::to_string(i), "content");
  EXPECT_EQ(open_descriptors(), before + 4);
  for (int i = 0; i < 20; ++i) {
    auto stage = store().open_stage("upload-" + std::to_string(i), kSha256);
    ASSERT_TRUE(stage);
    ASSERT_TRUE(store().commit(std::move(*stage), sha256_of("content")));
  }
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(FilesystemStore, AnUploadRemovedBehindItsBackIsUnknown) {
  stage_bytes("upload", "content");
  std::filesystem::remove(layout().stage("upload"));
  EXPECT_EQ(store().open_stage("upload", kSha256).error().code, Errc::upload_unknown);
  EXPECT_TRUE(store().stage("upload", kSha256));
}

TEST_F(FilesystemStore, AnOpenUploadRemovedBehindItsBackIsNotCommitted) {
  auto stage = store().stage("upload", kSha256);
  ASSERT_TRUE(stage);
  std::filesystem::remove(layout().stage("upload"));
  EXPECT_EQ(store().commit(std::move(*stage), sha256_of("")).error().code, Errc::upload_unknown);
  EXPECT_EQ(store().open(sha256_of("")).error().code, Errc::blob_unknown);
}

TEST_F(FilesystemStore, AnUploadChangedBehindItsBackIsHashedAgain) {
  stage_bytes("upload", "content");
  std::ofstream(layout().stage("upload"), std::ios::app) << "s";
  auto stage = store().open_stage("upload", kSha256);
  ASSERT_TRUE(stage);
  EXPECT_EQ((*stage)->size(), 8u);
  EXPECT_TRUE(store().commit(std::move(*stage), sha256_of("contents")));
}

TEST_F(FilesystemStore, ADirectoryRemovedBehindItsBackIsMadeAgain) {
  ASSERT_TRUE(store().put(sha256_of("content"), as_bytes("content")));
  std::filesystem::remove_all(layout().fan_out(sha256_of("content")));
  stage_bytes("upload", "content");
  EXPECT_FALSE(store().commit(store().open_stage("upload", kSha256).value(), sha256_of("content")));
  ASSERT_TRUE(store().commit(store().open_stage("upload", kSha256).value(), sha256_of("content")));
  EXPECT_EQ(read_all(store(), sha256_of("content")).value(), "content");
}

TEST_F(FilesystemStore, OpensNothingButRegularFiles) {
  const auto digest = sha256_of("hello");
  ASSERT_TRUE(store().put(digest, as_bytes("hello")));
  const auto path = layout().blob(digest);

  std::filesystem::rename(path, root() / "elsewhere");
  std::filesystem::create_symlink(root() / "elsewhere", path);
  EXPECT_EQ(store().open(digest).error().code, Errc::corrupt);

  std::filesystem::remove(path);
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(store().open(digest).error().code, Errc::corrupt);

  std::filesystem::remove(path);
  std::filesystem::create_directory(path);
  EXPECT_EQ(store().open(digest).error().code, Errc::corrupt);

  std::filesystem::create_symlink("/etc/passwd", layout().stage("upload"));
  EXPECT_FALSE(store().open_stage("upload", kSha256));
  EXPECT_FALSE(store().stage("upload", kSha256));
}

TEST_F(FilesystemStore, PushingAgainReplacesASymbolicLink) {
  const auto digest = sha256_of("hello");
  ASSERT_TRUE(store().put(digest, as_bytes("hello")));
  std::filesystem::rename(layout().blob(digest), root() / "elsewhere");
  std::filesystem::create_symlink(root() / "elsewhere", layout().blob(digest));
  ASSERT_TRUE(store().put(digest, as_bytes("hello")));
  EXPECT_EQ(read_all(store(), digest).value(), "hello");
}

TEST_F(FilesystemStore, AFileThatShrinksIsCorruptAndNotShort) {
  const std::string content = make_content(10'000);
  ASSERT_TRUE(store().put(sha256_of(content), as_bytes(content)));
  auto reader = store().open(sha256_of(content));
  ASSERT_TRUE(reader);
  std::filesystem::resize_file(layout().blob(sha256_of(content)), 9'999);
  EXPECT_EQ(read_all(**reader).error().code, Errc::corrupt);
}

TEST_F(FilesystemStore, ListsOnlyWhatItPutThere) {
  const auto digest = sha256_of("hello");
  ASSERT_TRUE(store().put(digest, as_bytes("hello")));
  const auto directory = layout().fan_out(digest);
  std::ofstream(directory / "README") << "a note";
  std::ofstream(directory / sha256_of("elsewhere").hex()) << "under another prefix";
  std::filesystem::create_directory(directory / (digest.hex().substr(0, 63) + "0"));
  std::ofstream(layout().blobs(kSha256) / "stray") << "a note";
  std::ofstream(layout().staging() / "not.an.id") << "a note";
  int seen = 0;
  ASSERT_TRUE(store().walk([&](const oci::Digest& found, std::uint64_t size) {
    EXPECT_EQ(found, digest);
    EXPECT_EQ(size, 5u);
    return ++seen > 0;
  }));
  EXPECT_EQ(seen, 1);
  EXPECT_TRUE(store().stages().value().empty());
}

TEST_F(FilesystemStore, StartingUpLooksAtNoBlob) {
  reopen();
  const auto when_empty = calls().calls();
  for (unsigned i = 0; i < 50; ++i) {
    const std::string content = make_content(10, i);
    ASSERT_TRUE(store().put(sha256_of(content), as_bytes(content)));
    stage_bytes("upload-" + std::to_string(i), content);
  }
  reopen();
  EXPECT_EQ(calls().calls(), when_empty);
}

TEST_F(FilesystemStore, TakesADirectoryNamedInAnyWay) {
  const auto content = as_bytes("hello");
  for (const auto& name : {root() / "nested/deeply", root() / "with slash/", root() / "up/../beside"}) {
    auto made = open_filesystem_store(name);
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_TRUE((*made)->put(sha256_of("hello"), content));
    EXPECT_TRUE(std::filesystem::exists(Layout(name.lexically_normal()).blob(sha256_of("hello"))));
  }
}

TEST_F(FilesystemStore, ARootThatCannotBeIsAnError) {
  std::ofstream(root() / "file") << "not a directory";
  EXPECT_FALSE(open_filesystem_store(root() / "file" / "store"));
}

std::size_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t total = 0;
  std::size_t resident = 0;
  statm >> total >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

TEST_F(FilesystemStore, MemoryDoesNotGrowWithTheBlob) {
  const std::string piece = make_content(256 << 10);
  std::string content_hash;
  crypto::Hasher hasher(crypto::HashAlgorithm::sha256);
  auto stage = store().stage("upload", kSha256);
  ASSERT_TRUE(stage);
  ASSERT_TRUE((*stage)->append(as_bytes(piece)));
  hasher.update(as_bytes(piece));
  const std::size_t before = resident_bytes();
  for (int i = 1; i < 256; ++i) {
    ASSERT_TRUE((*stage)->append(as_bytes(piece)));
    hasher.update(as_bytes(piece));
  }
  const auto digest = oci::Digest::from_hash(kSha256, as_bytes(hasher.current()));
  ASSERT_TRUE(store().commit(std::move(*stage), digest));
  EXPECT_EQ(store().open(digest).value()->size(), 64u << 20);
  EXPECT_LT(resident_bytes(), before + (8u << 20));
}

}  // namespace
}  // namespace bulkhead::blob
