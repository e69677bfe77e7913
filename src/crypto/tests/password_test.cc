#include "crypto/password.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include <time.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <stdexcept>
#include <string>

#include "crypto/testing/passwords.h"
#include "crypto/tests/fixed_keyring.h"

namespace bulkhead::crypto {
namespace {

Secret<> secret(std::string text) { return Secret<>(std::move(text)); }

// Made once with an independent program, so that the format cannot change unnoticed. Pepper 7 is
// counting_key().
constexpr std::string_view kGoldenPassword = "correct horse b\xc3\xa4ttery";
constexpr std::string_view kGolden =
    "$bulkhead$argon2id$v=19$m=19456,t=2,p=1$pepper=7$AAECAwQFBgcICQoLDA0ODw==$"
    "/9sMhhJs3I23vx1r4MzLYmoiuSYJIpNiUCqFpOg73Y8=";

std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string result(text);
  const auto position = result.find(from);
  EXPECT_NE(position, std::string::npos) << from;
  return result.replace(position, from.size(), to);
}

TEST(PasswordHasher, VerifiesOnlyThePasswordThatWasHashed) {
  const auto keyring = Keyring::ephemeral();
  const PasswordHasher hasher(keyring, cheap_password_parameters());
  const auto stored = hasher.hash(secret("a long enough one"));
  EXPECT_TRUE(hasher.verify(secret("a long enough one"), stored));
  EXPECT_FALSE(hasher.verify(secret("a long enough onf"), stored));
  EXPECT_FALSE(hasher.verify(secret("A long enough one"), stored));
  EXPECT_FALSE(hasher.verify(secret("a long enough one "), stored));
  EXPECT_FALSE(hasher.verify(secret(""), stored));
  EXPECT_FALSE(hasher.verify(secret(std::string("a long enough one\0", 18)), stored));
}

TEST(PasswordHasher, StoresParametersAndPepperVersionButNeverTheSameStringTwice) {
  const auto keyring = Keyring::ephemeral();
  const PasswordHasher hasher(keyring, cheap_password_parameters());
  const auto stored = hasher.hash(secret("a long enough one"));
  EXPECT_THAT(stored, testing::StartsWith("$bulkhead$argon2id$v=19$m=19456,t=2,p=1$pepper=1$"));
  EXPECT_NE(stored, hasher.hash(secret("a long enough one")));
}

TEST(PasswordHasher, VerifiesTheGoldenString) {
  const auto keyring = fixed_keyring({{7, counting_key()}});
  const PasswordHasher hasher(keyring, cheap_password_parameters());
  EXPECT_TRUE(hasher.verify(secret(std::string(kGoldenPassword)), kGolden));
  EXPECT_FALSE(hasher.outdated(kGolden));
}

TEST(PasswordHasher, WithoutThePepperNothingVerifies) {
  const auto other = fixed_keyring({{7, std::string(32, 'x')}});
  EXPECT_FALSE(PasswordHasher(other, cheap_password_parameters())
                   .verify(secret(std::string(kGoldenPassword)), kGolden));
  const auto without_version = fixed_keyring({{8, counting_key()}});
  EXPECT_FALSE(PasswordHasher(without_version, cheap_password_parameters())
                   .verify(secret(std::string(kGoldenPassword)), kGolden));
}

TEST(PasswordHasher, WhatCannotVerifyCostsAHashAllTheSame) {
  auto keyring = Keyring::ephemeral();
  const PasswordHasher hasher(keyring, cheap_password_parameters());
  const Secret<> password("correct horse battery");
  const std::string stored = hasher.hash(password);
  const auto cost = [&](std::string_view of) {
    const auto begin = std::chrono::steady_clock::now();
    const bool verified = hasher.verify(password, of);
    const auto took = std::chrono::steady_clock::now() - begin;
    return std::pair(verified, took);
  };
  const auto [verified, full] = cost(stored);
  EXPECT_TRUE(verified);
  ASSERT_TRUE(keyring.rotate(KeyPurpose::password_pepper, Time{}));
  EXPECT_TRUE(hasher.verify(password, stored));
  EXPECT_TRUE(hasher.outdated(stored));
  ASSERT_TRUE(keyring.retire(KeyPurpose::password_pepper, 1));
  for (const std::string& hopeless : {stored, std::string(), std::string("nonsense")}) {
    const auto [matched, took] = cost(hopeless);
    EXPECT_FALSE(matched);
    EXPECT_GT(took, full / 5);
  }
}

TEST(PasswordHasher, AnOldPepperVerifiesAndIsOutdated) {
  const auto keyring = fixed_keyring({{7, counting_key()}, {8, std::string(32, 'x')}});
  const PasswordHasher hasher(keyring, cheap_password_parameters());
  EXPECT_TRUE(hasher.verify(secret(std::string(kGoldenPassword)), kGolden));
  EXPECT_TRUE(hasher.outdated(kGolden));
  const auto again = hasher.hash(secret(std::string(kGoldenPassword)));
  EXPECT_THAT(again, testing::HasSubstr("$pepper=8$"));
  EXPECT_FALSE(hasher.outdated(again));
}

TEST(PasswordHasher, OtherParametersVerifyAndAreOutdated) {
  const auto keyring = fixed_keyring({{7, counting_key()}});
  auto parameters = cheap_password_parameters();
  ++parameters.passes;
  const PasswordHasher more_passes(keyring, parameters);
  EXPECT_TRUE(more_passes.verify(secret(std::string(kGoldenPassword)), kGolden));
  EXPECT_TRUE(more_passes.outdated(kGolden));
  parameters = cheap_password_parameters();
  parameters.memory_kib += 1024;
  EXPECT_TRUE(PasswordHasher(keyring, parameters).outdated(kGolden));
}

TEST(PasswordHasher, AnySingleAlteredCharacterFails) {
  const auto keyring = fixed_keyring({{7, counting_key()}});
  const PasswordHasher hasher(keyring, cheap_password_parameters());
  for (std::size_t i = 0; i < kGolden.size(); ++i) {
    std::string altered(kGolden);
    altered[i] = static_cast<char>(altered[i] ^ 1);
    EXPECT_FALSE(hasher.verify(secret(std::string(kGoldenPassword)), altered)) << altered;
  }
}

TEST(PasswordHasher, StringsThatCannotBeReadVerifyNothingAndAreOutdated) {
  const auto keyring = fixed_keyring({{7, counting_key()}});
  const PasswordHasher hasher(keyring, cheap_password_parameters());
  const std::string golden(kGolden);
  for (const std::string& stored : {
           std::string(),
           golden + " ",
           golden + "\n",
           " " + golden,
           golden.substr(0, golden.size() - 1),
           golden + "$",
           std::string(100'000, '$'),
           golden + std::string(100'000, 'A'),
           replaced(golden, "argon2id", "argon2i"),
           replaced(golden, "v=19", "v=16"),
           replaced(golden, "p=1", "p=2"),
           replaced(golden, "t=2", "t=02"),
           replaced(golden, "t=2", "t=+2"),
           replaced(golden, "t=2", "t="),
           replaced(golden, "t=2", "t=4294967298"),
           replaced(golden, "m=19456,t=2", "t=2,m=19456"),
           replaced(golden, "pepper=7", "pepper=0"),
           replaced(golden, "pepper=7", "pepper=-7"),
           replaced(golden, "AAECAwQFBgcICQoLDA0ODw==", "AAECAwQFBgcICQoLDA0ODw"),
           replaced(golden, "AAECAwQFBgcICQoLDA0ODw==", "AAECAwQFBgcICQoLDA0O"),
           replaced(golden, "AAECAwQFBgcICQoLDA0ODw==", "AAECAwQFBgcICQoLDA0ODx=="),
           replaced(golden, "AAECAwQFBgcICQoLDA0ODw==", ""),
           replaced(golden, "/9sMhhJs3I23", ""),
       }) {
    EXPECT_FALSE(hasher.verify(secret(std::string(kGoldenPassword)), stored)) << stored.substr(0, 200);
    EXPECT_TRUE(hasher.outdated(stored)) << stored.substr(0, 200);
  }
}

long peak_resident_kib() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    long kib = 0;
    if (word == "VmHWM:" && status >> kib) return kib;
  }
  return -1;
}

TEST(PasswordHasher, APlantedStringCannotAskForMemoryOrTime) {
  const auto keyring = fixed_keyring({{7, counting_key()}});
  const PasswordHasher hasher(keyring, cheap_password_parameters());
  const long before = peak_resident_kib();
  for (const char* planted : {"m=104857600,t=2", "m=4294967295,t=4294967295", "m=262145,t=2", "m=19456,t=11",
                              "m=19456,t=1", "m=19455,t=2", "m=8,t=1"}) {
    const auto stored = replaced(kGolden, "m=19456,t=2", planted);
    EXPECT_FALSE(hasher.verify(secret(std::string(kGoldenPassword)), stored));
    EXPECT_TRUE(hasher.outdated(stored));
  }
  EXPECT_LT(peak_resident_kib() - before, 10 * 1024);
}

TEST(PasswordHasher, ParametersOutsideTheirBoundsAreRefused) {
  const auto keyring = Keyring::ephemeral();
  for (const PasswordParameters parameters :
       {PasswordParameters{19 * 1024 - 1, 2}, PasswordParameters{19 * 1024, 1}, PasswordParameters{0, 0},
        PasswordParameters{256 * 1024 + 1, 2}, PasswordParameters{19 * 1024, 11}})
    EXPECT_THROW(PasswordHasher(keyring, parameters), std::invalid_argument);
  EXPECT_NO_THROW(PasswordHasher(keyring, {256 * 1024, 10}));
  EXPECT_NO_THROW(PasswordHasher(keyring, {}));
}

long resident_kib() {
  std::ifstream statm("/proc/self/statm");
  long size = 0, resident = 0;
  statm >> size >> resident;
  return resident * 4;
}

TEST(PasswordHasher, ItsMemoryGoesBackToTheSystem) {
  const auto keyring = Keyring::ephemeral();
  const PasswordHasher hasher(keyring, {.memory_kib = 64 * 1024, .passes = 2});
  const long before = resident_kib();
  static_cast<void>(hasher.hash(secret("a long enough one")));
  EXPECT_GT(peak_resident_kib() - before, 50 * 1024);
  EXPECT_LT(resident_kib() - before, 8 * 1024);
}

TEST(PasswordHasher, SpendCostsWhatAVerificationDoes) {
  const auto keyring = Keyring::ephemeral();
  const PasswordHasher hasher(keyring, cheap_password_parameters());
  const auto stored = hasher.hash(secret("a long enough one"));
  // Processor time of this thread, so that a busy machine does not matter; the best of several for the
  // caches.
  const auto cost = [](auto&& run) {
    long best = std::numeric_limits<long>::max();
    for (int i = 0; i < 5; ++i) {
      timespec start{}, end{};
      ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
      run();
      ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
      best = std::min(best, (end.tv_sec - start.tv_sec) * 1'000'000'000 + end.tv_nsec - start.tv_nsec);
    }
    return static_cast<double>(best);
  };
  const double verification = cost([&] { EXPECT_FALSE(hasher.verify(secret("wrong"), stored)); });
  const double decoy = cost([&] { hasher.spend(secret("wrong")); });
  EXPECT_GT(decoy, 0.5 * verification);
  EXPECT_LT(decoy, 2.0 * verification);
}

}  // namespace
}  // namespace bulkhead::crypto
