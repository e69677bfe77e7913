// A disk that is really full. Each test runs in a process of its own, because the limits it sets last.
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <string>

#include "base/testing/temporary_directory.h"
#include "blob/store.h"
#include "blob/testing/content.h"

namespace bulkhead::blob {
namespace {

constexpr auto kSha256 = oci::Algorithm::sha256;
constexpr int kCannotMount = 77;

// The exit status of a child that ran `body`, whose result is its own status.
int in_child(const std::function<int()>& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    const int status = body();
    ::_exit(testing::Test::HasFailure() ? 1 : status);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  return WEXITSTATUS(status);
}

// In a mount namespace of the calling process, so that nothing is left when it ends.
bool mount_tmpfs(const std::filesystem::path& path, const char* options) {
  return ::unshare(CLONE_NEWNS) == 0 && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         ::mount("tmpfs", path.c_str(), "tmpfs", 0, options) == 0;
}

void fill_and_recover(const std::filesystem::path& root) {
  auto store = open_filesystem_store(root).value();
  ASSERT_TRUE(store->put(sha256_of("kept"), as_bytes("kept")));
  const std::string piece = make_content(100'000);
  std::uint64_t size = 0;
  {
    auto stage = store->stage("upload", kSha256);
    ASSERT_TRUE(stage);
    Result<void> appended;
    while ((appended = (*stage)->append(as_bytes(piece)))) ASSERT_LT((*stage)->size(), 10u << 20);
    EXPECT_EQ(appended.error().code, Errc::no_space) << appended.error().message;
    size = (*stage)->size();
    EXPECT_EQ(size % piece.size(), 0u);
  }
  EXPECT_EQ(store->stages().value().at(0).size, size);
  EXPECT_EQ(read_all(*store, sha256_of("kept")).value(), "kept");
  ASSERT_TRUE(store->discard("upload"));
  EXPECT_TRUE(store->put(sha256_of(piece), as_bytes(piece)));
}

TEST(FullDisk, RefusesWhatDoesNotFitAndServesTheRest) {
  TemporaryDirectory directory;
  const int status = in_child([&] {
    if (!mount_tmpfs(directory.path(), "size=1m")) return kCannotMount;
    fill_and_recover(directory.path() / "store");
    return 0;
  });
  if (status == kCannotMount) GTEST_SKIP() << "no right to mount a file system";
  EXPECT_EQ(status, 0);
}

TEST(FullDisk, AFileSizeLimitIsAFullDisk) {
  TemporaryDirectory directory;
  const int status = in_child([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1u << 20, 1u << 20};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 1;
    fill_and_recover(directory.path() / "store");
    return 0;
  });
  EXPECT_EQ(status, 0);
}

TEST(FilesystemStoreSetup, RefusesAStagingDirectoryOnAnotherFileSystem) {
  TemporaryDirectory directory;
  const auto staging = directory.path() / "blobs" / "staging";
  std::filesystem::create_directories(staging);
  const int status = in_child([&] {
    if (!mount_tmpfs(staging, "size=1m")) return kCannotMount;
    const auto store = open_filesystem_store(directory.path());
    return !store && store.error().code == Errc::invalid_argument ? 0 : 1;
  });
  if (status == kCannotMount) GTEST_SKIP() << "no right to mount a file system";
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace bulkhead::blob
