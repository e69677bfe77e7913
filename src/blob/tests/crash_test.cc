// A process that is killed, and a machine that loses its power, at every step of a push.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "base/testing/temporary_directory.h"
#include "blob/filesystem_store.h"
#include "blob/layout.h"
#include "blob/testing/content.h"
#include "blob/testing/faulty_system_calls.h"
#include "blob/testing/power_cut.h"

namespace bulkhead::blob {
namespace {

constexpr auto kSha256 = oci::Algorithm::sha256;
constexpr unsigned kMoreStepsThanAPushTakes = 100;

Result<void> push(BlobStore& store, std::string_view content) {
  auto stage = store.stage("upload", kSha256);
  if (!stage) return stage.error();
  const Bytes bytes = as_bytes(content);
  for (const Bytes part : {bytes.first(bytes.size() / 2), bytes.subspan(bytes.size() / 2)})
    if (auto appended = (*stage)->append(part); !appended) return appended;
  return store.commit(std::move(*stage), sha256_of(content));
}

// Opens the store, pushes, and stops dead before step `nth` of both together. The result is whether it got
// through.
bool push_in_a_process_killed_before(unsigned nth, const std::filesystem::path& root,
                                     std::string_view content) {
  const pid_t child = ::fork();
  if (child == 0) {
    auto calls = std::make_shared<FaultySystemCalls>();
    unsigned step = 0;
    calls->before_each([&](Call) {
      if (++step == nth) ::raise(SIGKILL);
    });
    auto store = open_filesystem_store(root, calls);
    ::_exit(store && push(**store, content) ? 0 : 1);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE((WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
              (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
  return WIFEXITED(status);
}

// The promise after any crash: no partial blob, nothing acknowledged lost, and what is left can be resumed or
// swept.
void expect_sound(const std::filesystem::path& root, std::string_view content, bool acknowledged) {
  auto store = open_filesystem_store(root).value();
  const auto stored = read_all(*store, sha256_of(content));
  if (stored) {
    EXPECT_EQ(*stored, content);
  } else {
    EXPECT_EQ(stored.error().code, Errc::blob_unknown);
    EXPECT_FALSE(acknowledged);
  }
  for (const StageInfo& left : store->stages().value()) {
    EXPECT_EQ(left.id, "upload");
    auto stage = store->open_stage(left.id, kSha256);
    ASSERT_TRUE(stage);
    ASSERT_LE((*stage)->size(), content.size());
    const Bytes rest = as_bytes(content).subspan(static_cast<std::size_t>((*stage)->size()));
    ASSERT_TRUE((*stage)->append(rest));
    EXPECT_TRUE(store->commit(std::move(*stage), sha256_of(content)));
  }
  EXPECT_TRUE(push(*store, content));
  EXPECT_EQ(read_all(*store, sha256_of(content)).value(), content);
}

TEST(Crash, AProcessKilledAtAnyStepLeavesTheOldStateOrTheNewOne) {
  const std::string content = make_content(50'000);
  bool finished = false;
  for (unsigned nth = 1; !finished; ++nth) {
    ASSERT_LT(nth, kMoreStepsThanAPushTakes);
    SCOPED_TRACE(nth);
    TemporaryDirectory directory;
    finished = push_in_a_process_killed_before(nth, directory.path() / "store", content);
    expect_sound(directory.path() / "store", content, finished);
  }
}

TEST(Crash, AProcessKilledWhilePushingAStoredBlobKeepsIt) {
  const std::string content = make_content(50'000);
  bool finished = false;
  for (unsigned nth = 1; !finished; ++nth) {
    ASSERT_LT(nth, kMoreStepsThanAPushTakes);
    SCOPED_TRACE(nth);
    TemporaryDirectory directory;
    const auto root = directory.path() / "store";
    ASSERT_TRUE(open_filesystem_store(root).value()->put(sha256_of(content), as_bytes(content)));
    finished = push_in_a_process_killed_before(nth, root, content);
    expect_sound(root, content, true);
  }
}

// The simulated disk must be able to lose bytes, or the tests that follow would prove nothing.
TEST(PowerCut, TakesAwayWhatWasNotSynced) {
  TemporaryDirectory directory;
  const auto root = directory.path() / "store";
  auto disk = std::make_shared<PowerCut>();
  auto faults = std::make_shared<FaultySystemCalls>(disk);
  {
    auto store = open_filesystem_store(root, faults).value();
    ASSERT_TRUE(store->put(sha256_of("first"), as_bytes("first")));
    auto stage = store->stage("upload", kSha256);
    ASSERT_TRUE(stage);
    ASSERT_TRUE((*stage)->append(as_bytes("second")));
  }
  // The rename of a store that syncs nothing: the old entry comes back, and the new bytes are gone.
  const Layout layout(root);
  ASSERT_EQ(disk->rename(layout.stage("upload"), layout.blob(sha256_of("first"))), 0);
  disk->cut();
  auto store = open_filesystem_store(root).value();
  EXPECT_EQ(read_all(*store, sha256_of("first")).value(), "first");
  EXPECT_TRUE(store->stages().value().empty());
}

TEST(PowerCut, LosesTheBytesOfANameThatWasSyncedBeforeThem) {
  TemporaryDirectory directory;
  const auto root = directory.path() / "store";
  auto disk = std::make_shared<PowerCut>();
  const Layout layout(root);
  {
    auto store = open_filesystem_store(root, disk).value();
    ASSERT_TRUE(store->put(sha256_of("first"), as_bytes("first")));
    auto stage = store->stage("upload", kSha256);
    ASSERT_TRUE(stage);
    ASSERT_TRUE((*stage)->append(as_bytes("second")));
  }
  const auto blob = layout.fan_out(sha256_of("first")) / "second";
  ASSERT_EQ(disk->rename(layout.stage("upload"), blob), 0);
  ASSERT_TRUE(sync_entries(*disk, blob.parent_path()));
  disk->cut();
  EXPECT_EQ(std::filesystem::file_size(blob), 0u);
}

TEST(PowerCut, AtAnyStepLeavesTheOldStateOrTheNewOne) {
  const std::string content = make_content(50'000);
  bool acknowledged = false;
  for (unsigned nth = 1; !acknowledged; ++nth) {
    ASSERT_LT(nth, kMoreStepsThanAPushTakes);
    SCOPED_TRACE(nth);
    TemporaryDirectory directory;
    const auto root = directory.path() / "store";
    auto disk = std::make_shared<PowerCut>();
    {
      auto calls = std::make_shared<FaultySystemCalls>(disk);
      calls->fail_all(EIO, nth);
      auto store = open_filesystem_store(root, calls);
      acknowledged = store && push(**store, content);
    }
    disk->cut();
    expect_sound(root, content, acknowledged);
  }
}

TEST(PowerCut, AtAnyStepOfPushingAStoredBlobKeepsIt) {
  const std::string content = make_content(50'000);
  bool acknowledged = false;
  for (unsigned nth = 1; !acknowledged; ++nth) {
    ASSERT_LT(nth, kMoreStepsThanAPushTakes);
    SCOPED_TRACE(nth);
    TemporaryDirectory directory;
    const auto root = directory.path() / "store";
    auto disk = std::make_shared<PowerCut>();
    {
      auto calls = std::make_shared<FaultySystemCalls>(disk);
      auto store = open_filesystem_store(root, calls).value();
      ASSERT_TRUE(store->put(sha256_of(content), as_bytes(content)));
      calls->fail_all(EIO, nth);
      acknowledged = push(*store, content).has_value();
    }
    disk->cut();
    expect_sound(root, content, true);
  }
}

// Killed between making a directory and syncing its parent; the next process finds the directory there. What
// that one acknowledges must not hang on an entry that nobody has synced.
TEST(PowerCut, SparesABlobInADirectoryMadeByAKilledProcess) {
  const std::string content = make_content(100);
  TemporaryDirectory directory;
  const auto root = directory.path() / "store";
  auto disk = std::make_shared<PowerCut>();
  {
    auto store = open_filesystem_store(root, disk).value();
    ASSERT_EQ(disk->mkdir(Layout(root).fan_out(sha256_of(content)), 0700), 0);
  }
  {
    auto store = open_filesystem_store(root, disk).value();
    ASSERT_TRUE(store->put(sha256_of(content), as_bytes(content)));
  }
  disk->cut();
  auto store = open_filesystem_store(root).value();
  EXPECT_EQ(read_all(*store, sha256_of(content)).value(), content);
}

}  // namespace
}  // namespace bulkhead::blob
