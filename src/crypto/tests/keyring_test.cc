#include "crypto/keyring.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <latch>
#include <optional>
#include <set>
#include <thread>
#include <type_traits>
#include <vector>

#include "base/bytes.h"
#include "base/file.h"
#include "base/testing/temporary_directory.h"

namespace bulkhead::crypto {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

const auto kAll = key_purposes();
const std::string kHexA(64, 'a');
const std::string kHexB(64, 'b');
const std::string kTime = "2026-01-31T08:15:00.123456Z";

fs::perms mode_of(const fs::path& path) { return fs::status(path).permissions() & fs::perms::mask; }

class KeyringDirectory : public testing::Test {
 protected:
  fs::path file() const { return directory() / "password-pepper.keys"; }
  fs::path directory() const { return temporary_.path() / "keys"; }

  void write(const std::string& text) {
    ASSERT_TRUE(make_directories(directory()));
    ASSERT_TRUE(replace_file(file(), as_bytes(text)));
  }
  Error error_of_open() const {
    const auto keyring = Keyring::open(directory());
    EXPECT_FALSE(keyring);
    return keyring ? Error{} : keyring.error();
  }
  void expect_corrupt(const std::string& text, std::string_view message) {
    write(text);
    const auto error = error_of_open();
    EXPECT_EQ(error.code, Errc::corrupt) << text;
    EXPECT_THAT(error.message, HasSubstr(message)) << text;
    EXPECT_THAT(error.message, HasSubstr(file().string()));
    EXPECT_THAT(error.message, Not(HasSubstr("aaaaaaaa"))) << "the message shows the key";
  }

  TemporaryDirectory temporary_;
};

TEST_F(KeyringDirectory, FirstOpenMakesADifferentKeyForEachPurpose) {
  const auto keyring = Keyring::open(directory());
  ASSERT_TRUE(keyring) << keyring.error().message;
  std::set<std::string> keys;
  for (const auto purpose : kAll) {
    EXPECT_EQ(keyring->current(purpose).version, 1u);
    EXPECT_EQ(keyring->current(purpose).bytes.reveal().size(), 32u);
    keys.emplace(keyring->current(purpose).bytes.reveal());
  }
  EXPECT_EQ(keys.size(), kAll.size());
}

TEST_F(KeyringDirectory, IsClosedToOthersAndHoldsNothingButTheKeyFiles) {
  ASSERT_TRUE(Keyring::open(directory()));
  EXPECT_EQ(mode_of(directory()), fs::perms::owner_all);
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory())) {
    names.insert(entry.path().filename());
    EXPECT_EQ(mode_of(entry.path()), fs::perms::owner_read | fs::perms::owner_write);
  }
  EXPECT_THAT(names, testing::ElementsAre("key-encryption.keys", "log-signing.keys", "password-pepper.keys",
                                          "token-hash.keys", "token-signing.keys"));
}

TEST_F(KeyringDirectory, SecondOpenFindsTheSameKeys) {
  const auto first = Keyring::open(directory());
  const auto second = Keyring::open(directory().string() + "/");
  ASSERT_TRUE(first);
  ASSERT_TRUE(second);
  for (const auto purpose : kAll)
    EXPECT_EQ(first->current(purpose).bytes.reveal(), second->current(purpose).bytes.reveal());
}

TEST_F(KeyringDirectory, WhatOneOpenCreatesParsesAsTheFormatSays) {
  ASSERT_TRUE(Keyring::open(directory()));
  const auto text = read_file(file(), 1000);
  ASSERT_TRUE(text);
  EXPECT_THAT(*text,
              testing::MatchesRegex("1 [0-9a-f]+ [0-9]+-[0-9]+-[0-9]+T[0-9]+:[0-9]+:[0-9]+\\.[0-9]+Z\n"));
}

TEST_F(KeyringDirectory, ConcurrentFirstOpensAgreeOnTheKeys) {
  constexpr int kThreads = 16;
  for (int round = 0; round < 10; ++round) {
    fs::remove_all(directory());
    std::vector<std::string> seen(kThreads);
    {
      std::latch start(kThreads);
      std::vector<std::jthread> threads;
      for (int i = 0; i < kThreads; ++i) {
        threads.emplace_back([&, i] {
          start.arrive_and_wait();
          const auto keyring = Keyring::open(directory());
          if (!keyring) {
            seen[i] = keyring.error().message;
            return;
          }
          for (const auto purpose : kAll)
            seen[i] += to_hex(as_bytes(keyring->current(purpose).bytes.reveal()));
        });
      }
    }
    EXPECT_EQ(seen.front().size(), kAll.size() * 64) << seen.front();
    for (const auto& keys : seen) EXPECT_EQ(keys, seen.front());
    EXPECT_EQ(std::distance(fs::directory_iterator(directory()), fs::directory_iterator()), 5);
  }
}

TEST_F(KeyringDirectory, NewestVersionIsCurrentAndOlderOnesAreFound) {
  write("1 " + kHexA + " " + kTime + "\n12 " + kHexB + " " + kTime + "\n");
  const auto keyring = Keyring::open(directory());
  ASSERT_TRUE(keyring) << keyring.error().message;
  EXPECT_EQ(keyring->current(KeyPurpose::password_pepper).version, 12u);
  EXPECT_EQ(keyring->current(KeyPurpose::password_pepper).bytes.reveal(), std::string(32, '\xbb'));
  const Key* old = keyring->find(KeyPurpose::password_pepper, 1);
  ASSERT_NE(old, nullptr);
  EXPECT_EQ(old->version, 1u);
  EXPECT_EQ(old->bytes.reveal(), std::string(32, '\xaa'));
  EXPECT_EQ(keyring->find(KeyPurpose::password_pepper, 2), nullptr);
  EXPECT_EQ(keyring->find(KeyPurpose::password_pepper, 0), nullptr);
  EXPECT_EQ(keyring->find(KeyPurpose::token_signing, 12), nullptr);
}

TEST_F(KeyringDirectory, RefusesFilesThatDeviateFromTheFormat) {
  const std::string rest = " " + kHexA + " " + kTime + "\n";
  expect_corrupt("", "holds no key");
  expect_corrupt("1 " + kHexA + " " + kTime, "line 1 is cut short");
  expect_corrupt("\n", "line 1 is not");
  expect_corrupt("1" + rest + "\n", "line 2 is not");
  expect_corrupt("# comment\n1" + rest, "line 1 is not");
  for (const char* version : {"", "0", "01", "-1", "+1", " 1", "1x", "4294967296", "one"})
    expect_corrupt(version + rest, "line 1 is not");
  expect_corrupt("1 " + kHexA.substr(2) + " " + kTime + "\n", "line 1 is not");
  expect_corrupt("1 " + kHexA + "aa " + kTime + "\n", "line 1 is not");
  expect_corrupt("1 " + kHexA.substr(1) + "A " + kTime + "\n", "line 1 is not");
  expect_corrupt("1  " + kHexA + " " + kTime + "\n", "line 1 is not");
  expect_corrupt("1 " + kHexA + " " + kTime + " \n", "line 1 is not");
  expect_corrupt("1 " + kHexA + " " + kTime + "\r\n", "line 1 is not");
  expect_corrupt("1 " + kHexA + "\n", "line 1 is not");
  for (const char* time :
       {"2026-02-30T08:15:00.123456Z", "2026-01-31T24:15:00.123456Z", "2026-01-31",
        "2026-01-31 08:15:00.123456Z", "2026-01-31T08:15:00.123456+", "2026-13-31T08:15:00.123456Z",
        "2026-01-31T08:60:00.123456Z", "2026-01-31T08:15:00,123456Z"})
    expect_corrupt("1 " + kHexA + " " + time + "\n", "line 1 is not");
}

TEST_F(KeyringDirectory, RefusesVersionsOutOfOrderOrTwice) {
  const std::string rest = " " + kHexA + " " + kTime + "\n";
  expect_corrupt("2" + rest + "1" + rest, "line 2 is not above");
  expect_corrupt("1" + rest + "1" + rest, "line 2 is not above");
}

TEST_F(KeyringDirectory, RefusesAFileOverItsLimit) {
  std::string text;
  for (int version = 1; text.size() <= 64 * 1024; ++version)
    text += std::to_string(version) + " " + kHexA + " " + kTime + "\n";
  write(text);
  EXPECT_EQ(error_of_open().code, Errc::too_large);
  text.resize(text.rfind('\n', text.size() - 2) + 1);
  write(text);
  EXPECT_TRUE(Keyring::open(directory()));
}

TEST_F(KeyringDirectory, DoesNotReplaceACorruptFile) {
  write("rubbish\n");
  error_of_open();
  EXPECT_EQ(*read_file(file(), 1000), "rubbish\n");
}

TEST_F(KeyringDirectory, RefusesADirectoryThatOthersMayReadAndSaysWhatMendsIt) {
  ASSERT_TRUE(Keyring::open(directory()));
  for (const unsigned mode : {0750u, 0705u, 0701u, 0720u, 0755u, 0777u}) {
    fs::permissions(directory(), static_cast<fs::perms>(mode));
    const auto error = error_of_open();
    EXPECT_EQ(error.code, Errc::unavailable);
    EXPECT_THAT(error.message, HasSubstr("`chmod 0700 '" + directory().string() + "'`"));
  }
  fs::permissions(directory(), fs::perms::owner_all);
  EXPECT_TRUE(Keyring::open(directory()));
}

TEST_F(KeyringDirectory, RefusesAFileThatOthersMayReadAndSaysWhatMendsIt) {
  ASSERT_TRUE(Keyring::open(directory()));
  for (const unsigned mode : {0640u, 0604u, 0644u, 0620u, 0666u}) {
    fs::permissions(file(), static_cast<fs::perms>(mode));
    const auto error = error_of_open();
    EXPECT_EQ(error.code, Errc::unavailable);
    EXPECT_THAT(error.message, HasSubstr("`chmod 0600 '" + file().string() + "'`"));
  }
  fs::permissions(file(), fs::perms::owner_read);
  EXPECT_TRUE(Keyring::open(directory()));
}

TEST_F(KeyringDirectory, RefusesAnotherUsersDirectoryOrFile) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  constexpr uid_t kNobody = 65534;
  ASSERT_TRUE(Keyring::open(directory()));

  ASSERT_EQ(::chown(file().c_str(), kNobody, static_cast<gid_t>(-1)), 0);
  EXPECT_THAT(error_of_open().message, HasSubstr(file().string() + " belongs to user id 65534"));
  ASSERT_EQ(::chown(file().c_str(), 0, static_cast<gid_t>(-1)), 0);

  ASSERT_EQ(::chown(directory().c_str(), kNobody, static_cast<gid_t>(-1)), 0);
  const auto error = error_of_open();
  EXPECT_EQ(error.code, Errc::unavailable);
  EXPECT_THAT(error.message, HasSubstr(directory().string() + " belongs to user id 65534"));
  EXPECT_THAT(error.message, HasSubstr("`sudo -u '#65534' bulkhead"));
}

TEST_F(KeyringDirectory, RefusesLinksPipesAndDirectoriesInPlaceOfFiles) {
  write("1 " + kHexA + " " + kTime + "\n");
  fs::rename(file(), directory() / "elsewhere");
  fs::create_symlink(directory() / "elsewhere", file());
  EXPECT_THAT(error_of_open().message, HasSubstr("symbolic link"));
  fs::remove(file());

  ASSERT_EQ(::mkfifo(file().c_str(), 0600), 0);
  EXPECT_THAT(error_of_open().message, HasSubstr("not a regular file"));
  fs::remove(file());

  fs::create_directory(file());
  EXPECT_THAT(error_of_open().message, HasSubstr("not a regular file"));
}

TEST_F(KeyringDirectory, RefusesAFileInPlaceOfTheDirectory) {
  std::ofstream(directory()) << "x";
  EXPECT_THAT(error_of_open().message, HasSubstr(directory().string()));
}

TEST(Keyring, EphemeralKeysDifferEachTime) {
  const auto a = Keyring::ephemeral();
  const auto b = Keyring::ephemeral();
  for (const auto purpose : kAll) {
    EXPECT_EQ(a.current(purpose).bytes.reveal().size(), 32u);
    EXPECT_NE(a.current(purpose).bytes.reveal(), b.current(purpose).bytes.reveal());
  }
  EXPECT_NE(a.current(KeyPurpose::token_signing).bytes.reveal(),
            a.current(KeyPurpose::token_hash).bytes.reveal());
}

TEST(Keyring, CannotBeCopied) { EXPECT_FALSE(std::is_copy_constructible_v<Keyring>); }

}  // namespace
}  // namespace bulkhead::crypto
