// A keyring whose files are sealed under a passphrase.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <map>

#include "base/bytes.h"
#include "base/file.h"
#include "base/testing/temporary_directory.h"
#include "crypto/key_source.h"
#include "crypto/keyring.h"

namespace bulkhead::crypto {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

constexpr auto kPurpose = KeyPurpose::key_encryption;
constexpr PassphraseParameters kCheap{.memory_kib = PassphraseParameters::kLeastMemoryKib, .passes = 2};
const Time kNow = from_micros(1'767'225'600'000'000);

class ProtectedKeyring : public testing::Test {
 protected:
  static std::unique_ptr<KeySource> source(std::string_view passphrase = "a passphrase of tests") {
    return passphrase_source(Secret<>(std::string(passphrase)), kCheap);
  }
  fs::path directory() const { return temporary_.path() / "keys"; }
  Keyring open(KeySource* with) {
    auto keyring = Keyring::open(directory(), with);
    if (!keyring) throw std::runtime_error(keyring.error().message);
    return std::move(*keyring);
  }
  Error error_of_open(KeySource* with) {
    const auto keyring = Keyring::open(directory(), with);
    return keyring ? Error{Errc::internal, "it opened"} : keyring.error();
  }
  std::string all_files() const {
    std::string text;
    for (const auto& entry : fs::directory_iterator(directory())) text += *read_file(entry.path(), 100'000);
    return text;
  }
  void expect_hidden(const Keyring& keyring) {
    const std::string text = all_files();
    for (const KeyPurpose purpose : key_purposes())
      for (const auto& version : keyring.versions(purpose)) {
        const auto bytes = as_bytes(keyring.find(purpose, version.version)->bytes.reveal());
        EXPECT_THAT(text, Not(HasSubstr(to_hex(bytes))));
        EXPECT_THAT(text, Not(HasSubstr(to_base64url(bytes))));
      }
  }
  fs::path master() const { return directory() / "master.key"; }

  TemporaryDirectory temporary_;
};

TEST_F(ProtectedKeyring, OpensWithItsPassphraseAndHoldsNoKeyAsItIs) {
  const Keyring first = open(source().get());
  EXPECT_TRUE(first.is_protected());
  expect_hidden(first);
  const Keyring second = open(source().get());
  for (const KeyPurpose purpose : key_purposes())
    EXPECT_EQ(first.current(purpose).bytes.reveal(), second.current(purpose).bytes.reveal());
  EXPECT_EQ(fs::status(master()).permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(ProtectedKeyring, WithoutItOrWithAnotherItStaysShutAndAsItWas) {
  open(source().get());
  const auto before = all_files();
  EXPECT_EQ(error_of_open(source("another passphrase").get()).code, Errc::unauthenticated);
  const auto missing = error_of_open(nullptr);
  EXPECT_EQ(missing.code, Errc::unavailable);
  EXPECT_THAT(missing.message, HasSubstr("keys_passphrase_file"));
  EXPECT_EQ(all_files(), before);
}

TEST_F(ProtectedKeyring, RotatesAndReloadsSealed) {
  Keyring keyring = open(source().get());
  Keyring other = open(source().get());
  ASSERT_EQ(keyring.rotate(kPurpose, kNow).value(), 2u);
  EXPECT_TRUE(other.reload_if_changed().value());
  EXPECT_EQ(other.current(kPurpose).bytes.reveal(), keyring.current(kPurpose).bytes.reveal());
  expect_hidden(keyring);
}

TEST_F(ProtectedKeyring, SealsAPlainDirectoryWhenOneIsGiven) {
  const Keyring plain = open(nullptr);
  EXPECT_FALSE(plain.is_protected());
  const Keyring sealed = open(source().get());
  EXPECT_EQ(plain.current(kPurpose).bytes.reveal(), sealed.current(kPurpose).bytes.reveal());
  expect_hidden(sealed);
}

// Sealing stopped halfway: master.key is there, some files are sealed and some are not.
TEST_F(ProtectedKeyring, FinishesASealingThatWasInterrupted) {
  const Keyring plain = open(nullptr);
  std::map<fs::path, std::string> texts;
  for (const auto& entry : fs::directory_iterator(directory()))
    texts[entry.path()] = *read_file(entry.path(), 10'000);
  open(source().get());
  const auto [path, text] = *texts.begin();
  ASSERT_TRUE(replace_file(path, as_bytes(text)));
  const Keyring again = open(source().get());
  expect_hidden(again);
  for (const KeyPurpose purpose : key_purposes())
    EXPECT_EQ(plain.current(purpose).bytes.reveal(), again.current(purpose).bytes.reveal());
}

TEST_F(ProtectedKeyring, AnotherPassphraseTakesThePlaceOfTheFirst) {
  Keyring keyring = open(source().get());
  ASSERT_TRUE(keyring.protect(source("the second passphrase").get()));
  EXPECT_EQ(error_of_open(source().get()).code, Errc::unauthenticated);
  const Keyring again = open(source("the second passphrase").get());
  EXPECT_EQ(again.current(kPurpose).bytes.reveal(), keyring.current(kPurpose).bytes.reveal());
}

TEST_F(ProtectedKeyring, ProtectionCanBeGivenAndTakenWhileItIsOpen) {
  Keyring keyring = open(nullptr);
  ASSERT_TRUE(keyring.protect(source().get()));
  expect_hidden(keyring);
  ASSERT_TRUE(keyring.rotate(kPurpose, kNow));
  ASSERT_TRUE(keyring.protect(nullptr));
  EXPECT_FALSE(fs::exists(master()));
  const Keyring again = open(nullptr);
  EXPECT_EQ(again.current(kPurpose).version, 2u);
  EXPECT_EQ(again.current(kPurpose).bytes.reveal(), keyring.current(kPurpose).bytes.reveal());
}

TEST_F(ProtectedKeyring, ALostMasterKeyIsSaidSoAndNothingIsMadeInItsPlace) {
  open(source().get());
  fs::remove(master());
  EXPECT_THAT(error_of_open(nullptr).message, HasSubstr("master.key is missing"));
  const auto before = *read_file(directory() / "key-encryption.keys", 10'000);
  EXPECT_EQ(error_of_open(source().get()).code, Errc::corrupt);
  EXPECT_EQ(*read_file(directory() / "key-encryption.keys", 10'000), before);
}

TEST_F(ProtectedKeyring, TruncatedAndAlteredFilesAreRefused) {
  open(source().get());
  for (const fs::path& path : {master(), directory() / "key-encryption.keys"}) {
    const std::string good = *read_file(path, 10'000);
    for (std::size_t length = 0; length < good.size(); length += 7) {
      ASSERT_TRUE(replace_file(path, as_bytes(good.substr(0, length))));
      EXPECT_EQ(error_of_open(source().get()).code, Errc::corrupt) << path << " of " << length << " bytes";
    }
    ASSERT_TRUE(replace_file(path, as_bytes(good)));
  }
  EXPECT_EQ(error_of_open(source().get()).message, "it opened");
}

TEST_F(ProtectedKeyring, ASealedLineOpensInItsOwnPlaceOnly) {
  Keyring keyring = open(source().get());
  const auto token = *read_file(directory() / "token-hash.keys", 10'000);
  ASSERT_TRUE(replace_file(directory() / "key-encryption.keys", as_bytes(token)));
  EXPECT_EQ(error_of_open(source().get()).code, Errc::corrupt);
  ASSERT_TRUE(replace_file(directory() / "key-encryption.keys", as_bytes("2" + token.substr(1))));
  EXPECT_EQ(error_of_open(source().get()).code, Errc::corrupt);
}

TEST_F(ProtectedKeyring, StoredParametersHaveBounds) {
  open(source().get());
  const std::string good = *read_file(master(), 10'000);
  const std::string rest = good.substr(good.find(' ', good.find("m=")));
  for (const char* parameters : {"m=1,t=2", "m=4194304,t=2", "m=19456,t=1", "m=19456,t=4000000000", "m=,t=2",
                                 "m=019456,t=2", "m=19456,t=+2", "m=19456"}) {
    ASSERT_TRUE(replace_file(master(), as_bytes("passphrase " + std::string(parameters) + rest)));
    EXPECT_EQ(error_of_open(source().get()).code, Errc::corrupt) << parameters;
  }
  ASSERT_TRUE(replace_file(master(), as_bytes("pkcs11 key-label AAAA\n")));
  EXPECT_EQ(error_of_open(source().get()).code, Errc::unavailable);
  EXPECT_THROW(passphrase_source(Secret<>("x"), {.memory_kib = 1, .passes = 1}), std::invalid_argument);
}

class PassphraseFile : public testing::Test {
 protected:
  Result<Secret<>> read(std::string_view text, unsigned mode = 0600) {
    const auto path = temporary_.path() / "passphrase";
    EXPECT_TRUE(replace_file(path, as_bytes(text), mode));
    fs::permissions(path, static_cast<fs::perms>(mode));
    return read_secret_line(path, kLeastPassphrase);
  }
  TemporaryDirectory temporary_;
};

TEST_F(PassphraseFile, IsItsFirstLine) {
  for (const char* text : {"correct horse battery", "correct horse battery\n", "correct horse battery\r\n",
                           "correct horse battery\nmore\n"})
    EXPECT_EQ(read(text)->reveal(), "correct horse battery");
}

TEST_F(PassphraseFile, HasALeastAndAMostLength) {
  EXPECT_EQ(read("").error().code, Errc::invalid_argument);
  EXPECT_EQ(read("elevenchars\n").error().code, Errc::invalid_argument);
  EXPECT_EQ(read("twelve chars\n")->reveal().size(), 12u);
  EXPECT_EQ(read(std::string(1024, 'x'))->reveal().size(), 1024u);
  EXPECT_EQ(read(std::string(1025, 'x')).error().code, Errc::invalid_argument);
  EXPECT_EQ(read(std::string(1'000'000, 'x')).error().code, Errc::invalid_argument);
}

TEST_F(PassphraseFile, MustBeClosedToOthersButMayBeTheGroups) {
  EXPECT_TRUE(read("correct horse battery", 0440));
  for (const unsigned mode : {0644u, 0604u, 0620u, 0660u, 0602u})
    EXPECT_EQ(read("correct horse battery", mode).error().code, Errc::unavailable) << mode;
  EXPECT_EQ(read_secret_line(temporary_.path() / "none", kLeastPassphrase).error().code, Errc::not_found);
  EXPECT_EQ(read_secret_line(temporary_.path(), kLeastPassphrase).error().code, Errc::unavailable);
  const auto pipe = temporary_.path() / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(read_secret_line(pipe, kLeastPassphrase).error().code, Errc::unavailable);
  if (::geteuid() != 0) return;
  EXPECT_TRUE(read("correct horse battery"));
  ASSERT_EQ(::chown((temporary_.path() / "passphrase").c_str(), 65534, 65534), 0);
  EXPECT_EQ(read_secret_line(temporary_.path() / "passphrase", kLeastPassphrase).error().code,
            Errc::unavailable);
}

}  // namespace
}  // namespace bulkhead::crypto
