// A keyring sealed by a token; SoftHSM (Debian's softhsm2) stands in for the hardware.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <fstream>

#include "base/bytes.h"
#include "base/file.h"
#include "base/testing/temporary_directory.h"
#include "crypto/key_source.h"
#include "crypto/keyring.h"
#include "crypto/pkcs11_token.h"

namespace bulkhead::crypto {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kModule = "/usr/lib/softhsm/libsofthsm2.so";
constexpr auto kPurpose = KeyPurpose::key_encryption;

class Pkcs11 : public testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(kModule)) GTEST_SKIP() << "there is no " << kModule << ": install softhsm2";
    fs::create_directory(temporary_.path() / "tokens");
    std::ofstream(temporary_.path() / "softhsm2.conf")
        << "directories.tokendir = " << (temporary_.path() / "tokens").string() << "\nlog.level = ERROR\n";
    ::setenv("SOFTHSM2_CONF", (temporary_.path() / "softhsm2.conf").c_str(), 1);
    make_token("first");
  }
  static void make_token(const std::string& label) {
    const auto command = "softhsm2-util --init-token --free --label " + label +
                         " --so-pin 12345678 --pin 1234 > /dev/null 2>&1";
    ASSERT_EQ(::system(command.c_str()), 0);
  }
  static Pkcs11Options options(std::string token = "first", std::string key = "bulkhead",
                               std::string pin = "1234") {
    return {kModule, std::move(token), std::move(key), Secret<>(std::move(pin))};
  }
  Result<Keyring> open(Pkcs11Options with) {
    return Keyring::open(directory(), pkcs11_source(std::move(with)).get());
  }
  fs::path directory() const { return temporary_.path() / "keys"; }

  TemporaryDirectory temporary_;
};

TEST_F(Pkcs11, OpensWithItsTokenAndHoldsNoKeyAsItIs) {
  auto first = open(options());
  ASSERT_TRUE(first) << first.error().message;
  ASSERT_TRUE(first->rotate(kPurpose, Time{}));
  const auto second = open(options(""));
  ASSERT_TRUE(second) << second.error().message;
  for (const KeyPurpose purpose : key_purposes()) {
    const auto bytes = first->current(purpose).bytes.reveal();
    EXPECT_EQ(second->current(purpose).bytes.reveal(), bytes);
    for (const auto& entry : fs::directory_iterator(directory()))
      EXPECT_THAT(*read_file(entry.path(), 100'000), Not(HasSubstr(to_hex(as_bytes(bytes)))));
  }
}

TEST_F(Pkcs11, StaysShutWithoutThePinTheTokenOrTheKey) {
  ASSERT_TRUE(open(options()));
  make_token("second");
  EXPECT_EQ(open(options("first", "bulkhead", "4321")).error().code, Errc::unauthenticated);
  EXPECT_EQ(open(options("third")).error().code, Errc::unavailable);
  EXPECT_THAT(open(options("third")).error().message, HasSubstr("\"second\""));
  EXPECT_EQ(open(options("second")).error().code, Errc::unavailable) << "a missing key was made anew";
  EXPECT_EQ(open(options("first", "another")).error().code, Errc::unavailable);
  EXPECT_EQ(open(options("")).error().code, Errc::unavailable) << "one of two tokens was taken";
  EXPECT_EQ(Keyring::open(directory()).error().code, Errc::unavailable);
  const auto passphrase = passphrase_source(Secret<>("a passphrase of tests"));
  EXPECT_EQ(Keyring::open(directory(), passphrase.get()).error().code, Errc::unavailable);
}

TEST_F(Pkcs11, AnotherKeyOfTheSameLabelDoesNotOpenIt) {
  ASSERT_TRUE(open(options()));
  make_token("second");
  const auto line = pkcs11_source(options("second"))->protect(LockedBytes::random(32));
  ASSERT_TRUE(line) << line.error().message;
  EXPECT_EQ(open(options("second")).error().code, Errc::unauthenticated);
}

TEST_F(Pkcs11, TheKeyCannotLeaveTheToken) {
  ASSERT_TRUE(pkcs11_source(options())->protect(LockedBytes::random(32)));
  auto token = Pkcs11Token::open(options());
  ASSERT_TRUE(token) << token.error().message;
  EXPECT_TRUE(token->use_key("bulkhead", false)) << "it is checked to be CKA_EXTRACTABLE false";
}

TEST_F(Pkcs11, AlteredAndTruncatedFilesAreRefused) {
  const LockedBytes master = LockedBytes::random(32);
  const auto source = pkcs11_source(options());
  const auto line = source->protect(master);
  ASSERT_TRUE(line);
  EXPECT_EQ(source->recover(*line)->reveal(), master.reveal());
  for (const std::size_t length :
       {std::size_t{0}, std::size_t{6}, std::size_t{7}, std::size_t{20}, line->size() - 2})
    EXPECT_EQ(source->recover(line->substr(0, length)).error().code, Errc::corrupt) << length;
  std::string altered = *line;
  altered[10] = altered[10] == 'A' ? 'B' : 'A';
  EXPECT_EQ(source->recover(altered).error().code, Errc::unauthenticated);
  altered = *line;
  altered[40] = altered[40] == 'A' ? 'B' : 'A';
  EXPECT_EQ(source->recover(altered).error().code, Errc::unauthenticated);
}

TEST_F(Pkcs11, SealsAPlainDirectoryAndTakesThePlaceOfAPassphrase) {
  auto keyring = Keyring::open(directory());
  ASSERT_TRUE(keyring);
  const auto passphrase = passphrase_source(
      Secret<>("a passphrase of tests"), {.memory_kib = PassphraseParameters::kLeastMemoryKib, .passes = 2});
  ASSERT_TRUE(keyring->protect(passphrase.get()));
  ASSERT_TRUE(keyring->protect(pkcs11_source(options()).get()));
  const auto again = open(options());
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->current(kPurpose).bytes.reveal(), keyring->current(kPurpose).bytes.reveal());
}

TEST(Pkcs11Module, WhatIsNoneIsSaidSo) {
  for (const char* module : {"/nonexistent.so", "/etc/passwd", "libsodium.so.23"}) {
    const auto source = pkcs11_source({module, "", "bulkhead", Secret<>("1234")});
    const auto outcome = source->protect(LockedBytes::random(32));
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, Errc::unavailable) << module;
  }
}

}  // namespace
}  // namespace bulkhead::crypto
