// Versions that come and go while the keyring is in use.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <set>
#include <thread>

#include "base/bytes.h"
#include "base/file.h"
#include "base/testing/temporary_directory.h"
#include "crypto/keyring.h"

namespace bulkhead::crypto {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr auto kPurpose = KeyPurpose::token_hash;
const Time kNow = from_micros(1'767'225'600'000'000);

class Rotation : public testing::Test {
 protected:
  fs::path directory() const { return temporary_.path() / "keys"; }
  fs::path file() const { return directory() / "token-hash.keys"; }
  Keyring open() {
    auto keyring = Keyring::open(directory());
    if (!keyring) throw std::runtime_error(keyring.error().message);
    return std::move(*keyring);
  }
  static std::vector<std::uint32_t> numbers(const Keyring& keyring) {
    std::vector<std::uint32_t> all;
    for (const auto& version : keyring.versions(kPurpose)) all.push_back(version.version);
    return all;
  }

  TemporaryDirectory temporary_;
};

TEST_F(Rotation, MakesANewCurrentVersionThatLasts) {
  Keyring keyring = open();
  const Key& old = keyring.current(kPurpose);
  ASSERT_EQ(keyring.rotate(kPurpose, kNow).value(), 2u);
  EXPECT_EQ(keyring.current(kPurpose).version, 2u);
  EXPECT_EQ(keyring.current(kPurpose).created_at, kNow);
  EXPECT_NE(keyring.current(kPurpose).bytes.reveal(), old.bytes.reveal());
  EXPECT_EQ(keyring.find(kPurpose, 1), &old) << "a key has moved while somebody may be using it";
  EXPECT_EQ(keyring.current(KeyPurpose::token_signing).version, 1u);

  const Keyring again = open();
  EXPECT_EQ(again.current(kPurpose).bytes.reveal(), keyring.current(kPurpose).bytes.reveal());
  EXPECT_EQ(again.find(kPurpose, 1)->bytes.reveal(), old.bytes.reveal());
  EXPECT_EQ(again.versions(kPurpose), keyring.versions(kPurpose));
}

TEST_F(Rotation, RetiringRemovesAVersionButNeverTheCurrentOne) {
  Keyring keyring = open();
  EXPECT_EQ(keyring.retire(kPurpose, 1).error().code, Errc::conflict);
  ASSERT_TRUE(keyring.rotate(kPurpose, kNow));
  EXPECT_EQ(keyring.retire(kPurpose, 2).error().code, Errc::conflict);
  EXPECT_EQ(keyring.retire(kPurpose, 3).error().code, Errc::not_found);
  const Key& old = keyring.current(kPurpose);
  ASSERT_TRUE(keyring.retire(kPurpose, 1));
  EXPECT_EQ(keyring.find(kPurpose, 1), nullptr);
  EXPECT_EQ(&keyring.current(kPurpose), &old);
  EXPECT_EQ(keyring.retire(kPurpose, 1).error().code, Errc::not_found);
  EXPECT_THAT(numbers(open()), testing::ElementsAre(2));
}

TEST_F(Rotation, TheGenerationRisesWithEachChangeOfItsPurposeOnly) {
  Keyring keyring = open();
  const auto first = keyring.generation(kPurpose);
  const auto other = keyring.generation(KeyPurpose::token_signing);
  ASSERT_TRUE(keyring.rotate(kPurpose, kNow));
  const auto second = keyring.generation(kPurpose);
  EXPECT_GT(second, first);
  ASSERT_TRUE(keyring.retire(kPurpose, 1));
  EXPECT_GT(keyring.generation(kPurpose), second);
  EXPECT_EQ(keyring.generation(KeyPurpose::token_signing), other);
}

TEST_F(Rotation, NumbersAreNotUsedTwice) {
  Keyring keyring = open();
  ASSERT_TRUE(keyring.rotate(kPurpose, kNow));
  ASSERT_TRUE(keyring.retire(kPurpose, 1));
  EXPECT_EQ(keyring.rotate(kPurpose, kNow).value(), 3u);
}

TEST_F(Rotation, ARetiredKeyStaysReadableForThoseWhoHoldIt) {
  Keyring keyring = open();
  const Key& old = keyring.current(kPurpose);
  const std::string bytes(old.bytes.reveal());
  ASSERT_TRUE(keyring.rotate(kPurpose, kNow));
  ASSERT_TRUE(keyring.retire(kPurpose, 1));
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(keyring.rotate(kPurpose, kNow));
  EXPECT_EQ(old.bytes.reveal(), bytes);
}

TEST_F(Rotation, IsAnnouncedFirstAndDoesNotHappenWhenThatFails) {
  Keyring keyring = open();
  auto before = *read_file(file(), 10'000);
  std::uint32_t announced = 0;
  const auto refuse = [&](std::uint32_t version) -> Result<void> {
    announced = version;
    EXPECT_EQ(*read_file(file(), 10'000), before);
    return Error{Errc::unavailable, "no evidence, no rotation"};
  };
  EXPECT_EQ(keyring.rotate(kPurpose, kNow, refuse).error().code, Errc::unavailable);
  EXPECT_EQ(announced, 2u);
  EXPECT_EQ(keyring.current(kPurpose).version, 1u);
  EXPECT_EQ(*read_file(file(), 10'000), before);
  ASSERT_TRUE(keyring.rotate(kPurpose, kNow));
  before = *read_file(file(), 10'000);
  EXPECT_EQ(keyring.retire(kPurpose, 1, refuse).error().code, Errc::unavailable);
  EXPECT_NE(keyring.find(kPurpose, 1), nullptr);
}

TEST_F(Rotation, ManyAtOnceInSeveralKeyringsEachAddTheirOwn) {
  constexpr int kThreads = 8;
  constexpr int kEach = 5;
  std::vector<Keyring> keyrings;
  keyrings.push_back(open());
  keyrings.push_back(open());
  std::mutex mutex;
  std::set<std::uint32_t> made;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i)
      threads.emplace_back([&, i] {
        for (int n = 0; n < kEach; ++n) {
          const auto version = keyrings[i % 2].rotate(kPurpose, kNow);
          const std::lock_guard guard(mutex);
          EXPECT_TRUE(version && made.insert(*version).second);
        }
      });
  }
  EXPECT_EQ(made.size(), static_cast<std::size_t>(kThreads * kEach));
  EXPECT_EQ(numbers(open()).size(), static_cast<std::size_t>(kThreads * kEach + 1));
}

TEST_F(Rotation, ReadersSeeWholeKeysWhileVersionsComeAndGo) {
  Keyring keyring = open();
  std::atomic<bool> stop{false};
  std::atomic<int> looks{0};
  {
    std::jthread reader([&] {
      while (!stop) {
        const Key& key = keyring.current(kPurpose);
        EXPECT_EQ(key.bytes.size(), 32u);
        const Key* same = keyring.find(kPurpose, key.version);
        EXPECT_TRUE(same == nullptr || same == &key);
        ++looks;
      }
    });
    for (std::uint32_t version = 1; version < 100; ++version) {
      EXPECT_TRUE(keyring.rotate(kPurpose, kNow));
      EXPECT_TRUE(keyring.retire(kPurpose, version));
    }
    stop = true;
  }
  EXPECT_GT(looks, 0);
}

TEST_F(Rotation, ReloadTakesInWhatAnotherProcessDid) {
  Keyring mine = open();
  EXPECT_FALSE(mine.reload_if_changed().value());
  const Key& old = mine.current(kPurpose);
  {
    Keyring other = open();
    EXPECT_FALSE(mine.reload_if_changed().value()) << "opening changes nothing";
    ASSERT_TRUE(other.rotate(kPurpose, kNow));
  }
  EXPECT_TRUE(mine.reload_if_changed().value());
  EXPECT_FALSE(mine.reload_if_changed().value());
  EXPECT_EQ(mine.current(kPurpose).version, 2u);
  EXPECT_EQ(mine.find(kPurpose, 1), &old);
}

TEST_F(Rotation, ADamagedFileIsReportedOnceAndTheKeysInUseStay) {
  Keyring keyring = open();
  const auto good = *read_file(file(), 10'000);
  ASSERT_TRUE(replace_file(file(), as_bytes(good.substr(0, 40))));
  EXPECT_EQ(keyring.reload_if_changed().error().code, Errc::corrupt);
  EXPECT_FALSE(keyring.reload_if_changed().value());
  EXPECT_EQ(keyring.current(kPurpose).version, 1u);
  EXPECT_EQ(keyring.rotate(kPurpose, kNow).error().code, Errc::corrupt) << "a damaged file was written over";
  EXPECT_EQ(*read_file(file(), 10'000), good.substr(0, 40));
  ASSERT_TRUE(replace_file(file(), as_bytes(good)));
  EXPECT_TRUE(keyring.reload_if_changed().value());
}

TEST_F(Rotation, AFullFileSaysWhatToDoAndNothingChanges) {
  Keyring keyring = open();
  std::string text;
  for (int version = 1; text.size() < 64 * 1024 - 200; ++version)
    text += std::to_string(version) + " " + std::string(64, 'a') + " 2026-01-31T08:15:00.123456Z\n";
  ASSERT_TRUE(replace_file(file(), as_bytes(text)));
  Result<std::uint32_t> made = 0;
  for (int i = 0; i < 3 && made; ++i) made = keyring.rotate(kPurpose, kNow);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Errc::too_large);
  EXPECT_THAT(made.error().message, HasSubstr("retire"));
  EXPECT_EQ(numbers(open()).back(), keyring.current(kPurpose).version);
}

TEST_F(Rotation, TheLastVersionNumberHasNoSuccessor) {
  Keyring keyring = open();
  ASSERT_TRUE(replace_file(
      file(), as_bytes("4294967295 " + std::string(64, 'a') + " 2026-01-31T08:15:00.123456Z\n")));
  EXPECT_EQ(keyring.rotate(kPurpose, kNow).error().code, Errc::too_large);
}

TEST_F(Rotation, LeftoversOfACrashAreRemovedAndNothingElse) {
  open();
  std::ofstream(directory() / "token-hash.keys.new") << "1 half a k";
  std::ofstream(directory() / "token-hash.keys.abcdefghijkl.new") << "x";
  std::ofstream(directory() / "README") << "mine";
  open();
  EXPECT_FALSE(fs::exists(directory() / "token-hash.keys.new"));
  EXPECT_FALSE(fs::exists(directory() / "token-hash.keys.abcdefghijkl.new"));
  EXPECT_TRUE(fs::exists(directory() / "README"));
}

// Killed again and again while it rotates: the file is whole after each death.
TEST_F(Rotation, BeingKilledLeavesTheOldFileOrTheNew) {
  open();
  std::size_t versions = 1;
  for (int round = 0; round < 25; ++round) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      auto keyring = Keyring::open(directory());
      while (keyring && keyring->rotate(kPurpose, kNow)) {
      }
      ::_exit(1);
    }
    ::usleep(2'000 + 700 * static_cast<unsigned>(round));
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status)) << "the child ended by itself";
    Keyring keyring = open();
    const auto now = numbers(keyring);
    EXPECT_GE(now.size(), versions);
    versions = now.size();
    if (versions > 300) {
      for (std::size_t i = 0; i + 1 < now.size(); ++i) ASSERT_TRUE(keyring.retire(kPurpose, now[i]));
      versions = 1;
    }
  }
  EXPECT_GT(open().current(kPurpose).version, 1u);
}

TEST_F(Rotation, EphemeralKeysRotateInMemory) {
  Keyring keyring = Keyring::ephemeral();
  EXPECT_EQ(keyring.rotate(kPurpose, kNow).value(), 2u);
  EXPECT_TRUE(keyring.retire(kPurpose, 1));
  EXPECT_FALSE(keyring.reload_if_changed().value());
  EXPECT_TRUE(keyring.protect(nullptr));
}

TEST(KeyPurpose, EveryNameParsesBack) {
  for (const KeyPurpose purpose : key_purposes())
    EXPECT_EQ(parse_key_purpose(name(purpose)).value(), purpose);
  const auto unknown = parse_key_purpose("pepper");
  ASSERT_FALSE(unknown);
  EXPECT_THAT(unknown.error().message, HasSubstr("password-pepper"));
}

}  // namespace
}  // namespace bulkhead::crypto
