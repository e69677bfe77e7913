#include "base/file.h"
#include "base/testing/temporary_directory.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>

namespace bulkhead {
namespace {

class Files : public testing::Test {
 protected:
  static unsigned mode(const std::filesystem::path& path) {
    struct stat status {};
    EXPECT_EQ(::stat(path.c_str(), &status), 0);
    return status.st_mode & 07777u;
  }
  static std::string contents(const std::filesystem::path& path) { return read_file(path, 1 << 20).value(); }
  std::size_t entries() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(directory_), {}));
  }

  const TemporaryDirectory temporary_;
  const std::filesystem::path directory_ = temporary_.path();
};

TEST_F(Files, ReplaceFileMakesAndReplaces) {
  const auto path = directory_ / "key";
  ASSERT_TRUE(replace_file(path, as_bytes("one, and longer")));
  ASSERT_TRUE(replace_file(path, as_bytes("two")));
  EXPECT_EQ(contents(path), "two");
  EXPECT_EQ(entries(), 1u) << "nothing else is left behind";
}

TEST_F(Files, ReplaceFileIsPrivateUnlessToldOtherwise) {
  ASSERT_TRUE(replace_file(directory_ / "private", as_bytes("x")));
  ASSERT_TRUE(replace_file(directory_ / "shared", as_bytes("x"), 0640));
  EXPECT_EQ(mode(directory_ / "private"), 0600u);
  EXPECT_EQ(mode(directory_ / "shared"), 0640u);
}

TEST_F(Files, ReplaceFileTakesNoModeFromWhatACrashLeft) {
  std::ofstream(directory_ / "key.new") << "half";
  std::filesystem::permissions(directory_ / "key.new", std::filesystem::perms::all);
  ASSERT_TRUE(replace_file(directory_ / "key", as_bytes("whole")));
  EXPECT_EQ(contents(directory_ / "key"), "whole");
  EXPECT_EQ(mode(directory_ / "key"), 0600u);
}

TEST_F(Files, ReplaceFileDoesNotWriteThroughALink) {
  std::ofstream(directory_ / "elsewhere") << "untouched";
  std::filesystem::create_symlink(directory_ / "elsewhere", directory_ / "key.new");
  ASSERT_TRUE(replace_file(directory_ / "key", as_bytes("whole")));
  EXPECT_EQ(contents(directory_ / "elsewhere"), "untouched");
}

TEST_F(Files, AFailedReplaceLeavesTheOldStateAndNoRubbish) {
  const auto path = directory_ / "taken";
  ASSERT_TRUE(make_directories(path / "inside"));
  const auto replaced = replace_file(path, as_bytes("x"));
  ASSERT_FALSE(replaced);
  EXPECT_NE(replaced.error().message.find(path.string()), std::string::npos) << replaced.error().message;
  EXPECT_TRUE(std::filesystem::is_directory(path / "inside"));
  EXPECT_EQ(entries(), 1u);
}

TEST_F(Files, ReadFileTakesExactlyItsLimit) {
  const auto path = directory_ / "five";
  std::ofstream(path) << "12345";
  EXPECT_EQ(read_file(path, 5).value(), "12345");
  const auto over = read_file(path, 4);
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().code, Errc::too_large);
}

TEST_F(Files, ReadFileDoesNotReadAnEndlessOne) {
  const auto endless = read_file("/dev/zero", 1 << 20);
  ASSERT_FALSE(endless);
  EXPECT_EQ(endless.error().code, Errc::too_large);
}

TEST_F(Files, AMissingFileIsNotFoundAndNamed) {
  const auto missing = read_file(directory_ / "absent", 10);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Errc::not_found);
  EXPECT_NE(missing.error().message.find("absent"), std::string::npos);
}

TEST_F(Files, AFullDiskIsNoSpace) {
  const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
  if (full < 0) GTEST_SKIP() << "no /dev/full here";
  const FileDescriptor fd(full);
  const auto written = write_all(fd.get(), as_bytes("x"), "/dev/full");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, Errc::no_space);
}

TEST_F(Files, MakeDirectoriesMakesParentsPrivateAndLeavesWhatIsThere) {
  ASSERT_TRUE(make_directories(directory_ / "open", 0755));
  ASSERT_TRUE(make_directories(directory_ / "open" / "a" / "b"));
  EXPECT_EQ(mode(directory_ / "open"), 0755u);
  EXPECT_EQ(mode(directory_ / "open" / "a"), 0700u);
  EXPECT_EQ(mode(directory_ / "open" / "a" / "b"), 0700u);
  EXPECT_TRUE(make_directories(directory_ / "open" / "a" / "b"));
}

TEST_F(Files, MakeDirectoriesRefusesAFileInTheWay) {
  std::ofstream(directory_ / "file") << "x";
  EXPECT_FALSE(make_directories(directory_ / "file"));
  EXPECT_FALSE(make_directories(directory_ / "file" / "below"));
}

TEST_F(Files, DescriptorsAreNotInherited) {
  const auto fd = open_file(directory_ / "new", O_WRONLY | O_CREAT);
  ASSERT_TRUE(fd);
  EXPECT_NE(::fcntl(fd->get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(Files, ADescriptorIsClosedOnceByItsLastOwner) {
  auto opened = open_file(directory_ / "new", O_WRONLY | O_CREAT);
  const int number = opened->get();
  {
    const FileDescriptor owner = std::move(*opened);
    EXPECT_EQ(owner.get(), number);
    EXPECT_FALSE(opened->valid());
    EXPECT_NE(::fcntl(number, F_GETFD), -1);
  }
  EXPECT_EQ(::fcntl(number, F_GETFD), -1);
}

}  // namespace
}  // namespace bulkhead
