#include "identity/keys/key_rotation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "db/testing/database_contract.h"
#include "identity/keys/data_keys.h"
#include "identity/login/setup.h"
#include "identity/people/testing/installation.h"

namespace bulkhead::identity {
namespace {

using namespace std::chrono_literals;
using crypto::KeyPurpose;
using db::testing::Engine;
using db::testing::FailsWith;
using db::testing::Succeeds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::Installation;
using ::testing::IsEmpty;
using testing::some_origin;

class KeyRotationTest : public ::testing::TestWithParam<Engine> {
 protected:
  KeyVersionInfo info(KeyPurpose purpose, std::uint32_t version) {
    for (const auto& each : rotation_.list().value())
      if (each.purpose == purpose && each.version == version) return each;
    ADD_FAILURE() << "no version " << version << " of " << name(purpose);
    return {};
  }
  void rotate(KeyPurpose purpose) { ASSERT_THAT(rotation_.rotate(purpose, some_origin()), Succeeds()); }
  Result<void> retire(KeyPurpose purpose, std::uint32_t version, bool force = false) {
    const auto ended = rotation_.retire(purpose, version, force, some_origin());
    if (!ended) return ended.error();
    return {};
  }
  void create(std::string_view name) {
    ASSERT_THAT(installation_.accounts.create(name, Secret<>("correct horse battery"), false, some_origin()),
                Succeeds());
  }

  Installation installation_{GetParam()};
  crypto::Keyring& keyring_ = installation_.keyring;
  testing::ManualClock& clock_ = installation_.clock;
  KeyRotation rotation_{*installation_.database, keyring_, clock_, 300s};
};

TEST_P(KeyRotationTest, RotatingMakesAVersionAndItsEvidence) {
  EXPECT_EQ(rotation_.rotate(KeyPurpose::token_hash, some_origin()).value(), 2u);
  EXPECT_EQ(keyring_.current(KeyPurpose::token_hash).version, 2u);
  EXPECT_EQ(keyring_.current(KeyPurpose::token_hash).created_at, clock_.now());
  EXPECT_THAT(installation_.events(),
              ElementsAre(testing::Recorded{"key_rotated", "root-of-tests", "operator", "", "token-hash",
                                            R"({"version":2})"}));
}

TEST_P(KeyRotationTest, PasswordsNeedTheirPepperUntilTheyAreHashedAgain) {
  create("alice");
  create("bob");
  rotate(KeyPurpose::password_pepper);
  clock_.advance(1h);
  const auto old = info(KeyPurpose::password_pepper, 1);
  EXPECT_THAT(old.needed_by, ElementsAre(KeyNeed{"passwords", 2}));
  EXPECT_FALSE(old.may_go);
  const auto refused = retire(KeyPurpose::password_pepper, 1);
  ASSERT_THAT(refused, FailsWith(Errc::conflict));
  EXPECT_THAT(refused.error().message, HasSubstr("passwords (2)"));

  // What LogIn does with what is outdated.
  for (const char* name : {"alice", "bob"}) {
    const auto credentials = installation_.accounts.credentials(name).value();
    const Secret<> password("correct horse battery");
    ASSERT_TRUE(installation_.hasher.verify(password, credentials.password_hash));
    ASSERT_TRUE(installation_.hasher.outdated(credentials.password_hash));
    ASSERT_THAT(installation_.accounts.upgrade_hash(credentials.account.id, credentials.password_hash,
                                                    installation_.hasher.hash(password)),
                Succeeds());
  }
  EXPECT_TRUE(info(KeyPurpose::password_pepper, 1).may_go);
  EXPECT_THAT(info(KeyPurpose::password_pepper, 2).needed_by, ElementsAre(KeyNeed{"passwords", 2}));
  ASSERT_THAT(retire(KeyPurpose::password_pepper, 1), Succeeds());
  EXPECT_EQ(installation_.last_event().detail, R"({"version":1})");
  EXPECT_EQ(keyring_.find(KeyPurpose::password_pepper, 1), nullptr);
}

TEST_P(KeyRotationTest, VersionElevenIsNotVersionOne) {
  create("alice");
  for (int i = 0; i < 10; ++i) rotate(KeyPurpose::password_pepper);
  create("bob");
  EXPECT_THAT(info(KeyPurpose::password_pepper, 1).needed_by, ElementsAre(KeyNeed{"passwords", 1}));
  EXPECT_THAT(info(KeyPurpose::password_pepper, 11).needed_by, ElementsAre(KeyNeed{"passwords", 1}));
  EXPECT_THAT(info(KeyPurpose::password_pepper, 2).needed_by, IsEmpty());
}

TEST_P(KeyRotationTest, ForceRetiresWhatIsNeededAndTheEvidenceSaysSo) {
  create("alice");
  rotate(KeyPurpose::password_pepper);
  ASSERT_THAT(retire(KeyPurpose::password_pepper, 1, true), Succeeds());
  EXPECT_EQ(installation_.last_event().action, "key_retired");
  EXPECT_EQ(installation_.last_event().detail, R"({"version":1,"forced":true,"ended":{"passwords":1}})");
  const auto stored = installation_.accounts.credentials("alice")->password_hash;
  EXPECT_FALSE(installation_.hasher.verify(Secret<>("correct horse battery"), stored));
  EXPECT_THAT(retire(KeyPurpose::password_pepper, 2, true), FailsWith(Errc::conflict)) << "the current one";
  EXPECT_THAT(retire(KeyPurpose::password_pepper, 9, true), FailsWith(Errc::not_found));
}

TEST_P(KeyRotationTest, BearerKeysMayGoWhenTheTokensOfTheirTimeHaveExpired) {
  clock_.advance(1h);
  rotate(KeyPurpose::token_signing);
  EXPECT_FALSE(info(KeyPurpose::token_signing, 1).may_go);
  EXPECT_THAT(retire(KeyPurpose::token_signing, 1), FailsWith(Errc::conflict));
  clock_.advance(359s);
  EXPECT_FALSE(info(KeyPurpose::token_signing, 1).may_go);
  clock_.advance(1s);
  EXPECT_TRUE(info(KeyPurpose::token_signing, 1).may_go);
  EXPECT_FALSE(info(KeyPurpose::token_signing, 2).may_go);
  EXPECT_THAT(retire(KeyPurpose::token_signing, 1), Succeeds());
}

TEST_P(KeyRotationTest, TokensNeedTheirVersionWhileTheyAreAlive) {
  const auto alice = installation_.add_account("alice");
  const std::int64_t now = to_micros(clock_.now());
  const std::int64_t later = now + 1'000'000'000'000;
  const auto token = [&](std::string hash, std::int64_t expires, db::Value revoked) {
    installation_.write(
        "INSERT INTO access_tokens (account_id, name, hash, created_at, expires_at, revoked_at) "
        "VALUES (?, 't', ?, ?, ?, ?)",
        {alice.id, std::move(hash), now, expires, std::move(revoked)});
  };
  token("v1:aa", later, db::Value());
  token("v1:bb", now, db::Value());  // expired
  token("v1:cc", later, now);        // revoked
  token("v10:dd", later, db::Value());
  installation_.write("INSERT INTO recovery_codes (account_id, hash) VALUES (?, 'v1:r')", {alice.id});
  installation_.write("INSERT INTO recovery_codes (account_id, hash, used_at) VALUES (?, 'v1:s', 1)",
                      {alice.id});
  installation_.write(
      "INSERT INTO sessions (account_id, hash, client, address, credential_version, multi_factor, "
      "created_at, "
      "proved_at, expires_at) VALUES (?, 'v1:x', '', '', 1, 0, ?, ?, ?)",
      {alice.id, now, now, later});
  installation_.write(
      "INSERT INTO webauthn_challenges (hash, account_id, purpose, expires_at) "
      "VALUES ('v1:w', ?, 'assertion', ?)",
      {alice.id, later});
  EXPECT_THAT(info(KeyPurpose::token_hash, 1).needed_by,
              ElementsAre(KeyNeed{"access tokens", 1}, KeyNeed{"sessions", 1}, KeyNeed{"recovery codes", 1},
                          KeyNeed{"log-ins under way", 1}));
}

TEST_P(KeyRotationTest, TheSetupTokenNeedsItsVersion) {
  identity::Setup setup(*installation_.database, keyring_, installation_.accounts, clock_);
  ASSERT_THAT(setup.issue(), Succeeds());
  EXPECT_THAT(info(KeyPurpose::token_hash, 1).needed_by, ElementsAre(KeyNeed{"setup token", 1}));
  clock_.advance(61min);
  EXPECT_THAT(info(KeyPurpose::token_hash, 1).needed_by, IsEmpty());
}

TEST_P(KeyRotationTest, ASetupTokenOutlivesARotation) {
  identity::Setup setup(*installation_.database, keyring_, installation_.accounts, clock_);
  const auto token = std::move(*setup.issue().value());
  rotate(KeyPurpose::token_hash);
  rotate(KeyPurpose::password_pepper);
  EXPECT_THAT(setup.redeem(token, "alice", Secret<>("correct horse battery"), some_origin()), Succeeds());
}

TEST_P(KeyRotationTest, DataKeysNeedWhatWrapsThem) {
  auto keys = DataKeys::open(*installation_.database, keyring_, clock_).value();
  rotate(KeyPurpose::key_encryption);
  clock_.advance(1h);
  EXPECT_THAT(info(KeyPurpose::key_encryption, 1).needed_by, ElementsAre(KeyNeed{"data keys", 1}));
  ASSERT_THAT(keys->advance({}, 100, some_origin()), Succeeds());
  EXPECT_TRUE(info(KeyPurpose::key_encryption, 1).may_go);
  EXPECT_THAT(info(KeyPurpose::key_encryption, 2).needed_by, ElementsAre(KeyNeed{"data keys", 2}));
}

TEST_P(KeyRotationTest, WhatNothingNeedsGoesByItselfAfterADay) {
  create("alice");
  clock_.advance(1h);
  rotate(KeyPurpose::token_signing);
  rotate(KeyPurpose::password_pepper);
  clock_.advance(23h);
  EXPECT_THAT(rotation_.retire_unneeded(some_origin()).value(), IsEmpty());
  clock_.advance(1h);
  const auto gone = rotation_.retire_unneeded(some_origin()).value();
  ASSERT_EQ(gone.size(), 1u);
  EXPECT_EQ(gone[0].purpose, KeyPurpose::token_signing);
  EXPECT_EQ(gone[0].version, 1u);
  EXPECT_EQ(installation_.last_event().action, "key_retired");
  EXPECT_NE(keyring_.find(KeyPurpose::password_pepper, 1), nullptr) << "alice's password needs it";
  EXPECT_THAT(rotation_.retire_unneeded(some_origin()).value(), IsEmpty());
}

TEST_P(KeyRotationTest, RotationsAtOnceEachLeaveAVersionAndEvidence) {
  constexpr int kThreads = 6;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i)
      threads.emplace_back(
          [&] { EXPECT_THAT(rotation_.rotate(KeyPurpose::token_hash, some_origin()), Succeeds()); });
  }
  EXPECT_EQ(keyring_.versions(KeyPurpose::token_hash).size(), kThreads + 1u);
  std::set<std::string> details;
  for (const auto& event : installation_.events()) details.insert(event.detail);
  EXPECT_EQ(details.size(), static_cast<std::size_t>(kThreads));
}

TEST_P(KeyRotationTest, WithoutEvidenceThereIsNoRotation) {
  installation_.write("DROP TABLE events");
  EXPECT_FALSE(rotation_.rotate(KeyPurpose::token_hash, some_origin()));
  EXPECT_EQ(keyring_.current(KeyPurpose::token_hash).version, 1u);
}

INSTANTIATE_TEST_SUITE_P(Engines, KeyRotationTest, ::testing::Values(Engine::sqlite, Engine::postgres),
                         db::testing::engine_name);

}  // namespace
}  // namespace bulkhead::identity
