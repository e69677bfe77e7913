#include "identity/keys/key_checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "db/testing/database_contract.h"
#include "identity/keys/key_rotation.h"
#include "identity/people/testing/installation.h"

namespace bulkhead::identity {
namespace {

using namespace std::chrono_literals;
using crypto::KeyPurpose;
using db::testing::Engine;
using db::testing::Succeeds;
using ::testing::ElementsAre;
using testing::Installation;
using ::testing::IsEmpty;
using testing::some_origin;

class KeyChecksTest : public ::testing::TestWithParam<Engine> {
 protected:
  KeyChecks checks() { return KeyChecks::read(*installation_.database, installation_.clock).value(); }
  void learn() {
    ASSERT_THAT(learn_keys(*installation_.database, installation_.keyring, installation_.clock.now()),
                Succeeds());
  }
  std::vector<std::string> compare(const crypto::Keyring& keyring) {
    std::vector<std::string> said;
    for (const auto& problem : checks().compare(keyring).value()) said.push_back(describe(problem));
    return said;
  }
  void create(std::string_view name) {
    ASSERT_THAT(installation_.accounts.create(name, Secret<>("correct horse battery"), false, some_origin()),
                Succeeds());
  }

  Installation installation_{GetParam()};
  KeyRotation rotation_{*installation_.database, installation_.keyring, installation_.clock, 300s};
};

TEST_P(KeyChecksTest, ADatabaseIsNewUntilAnInstallationBegins) {
  EXPECT_FALSE(checks().begun());
  KeyChecks fresh = checks();
  ASSERT_THAT(fresh.begin(), Succeeds());
  EXPECT_TRUE(fresh.begun());
  EXPECT_TRUE(checks().begun());
  ASSERT_THAT(checks().begin(), Succeeds()) << "once is enough";
}

TEST_P(KeyChecksTest, TheSameKeysAreRecognised) {
  EXPECT_THAT(compare(installation_.keyring), IsEmpty()) << "nothing is known";
  learn();
  EXPECT_THAT(compare(installation_.keyring), IsEmpty());
}

TEST_P(KeyChecksTest, OtherKeysOfTheSameNumbersAreNot) {
  create("alice");
  learn();
  const auto other = crypto::Keyring::ephemeral();
  EXPECT_THAT(compare(other),
              ElementsAre("password-pepper version 1 is another key than before, needed by passwords (1)",
                          "token-signing version 1 is another key than before",
                          "token-hash version 1 is another key than before",
                          "key-encryption version 1 is another key than before",
                          "log-signing version 1 is another key than before"));
}

TEST_P(KeyChecksTest, AVersionThatWasReplacedAndThatNothingNeedsMayBeGone) {
  create("alice");
  learn();
  for (const KeyPurpose purpose : {KeyPurpose::token_hash, KeyPurpose::password_pepper}) {
    ASSERT_THAT(rotation_.rotate(purpose, some_origin()), Succeeds());
    // Behind the database's back, as in a keyring that is newer than a restored database.
    ASSERT_THAT(installation_.keyring.retire(purpose, 1), Succeeds());
  }
  EXPECT_THAT(compare(installation_.keyring),
              ElementsAre("password-pepper version 1 is missing, needed by passwords (1)"));
}

TEST_P(KeyChecksTest, RotationsAndRetirementsAreFollowed) {
  learn();
  ASSERT_THAT(rotation_.rotate(KeyPurpose::token_hash, some_origin()), Succeeds());
  ASSERT_THAT(rotation_.retire(KeyPurpose::token_hash, 1, true, some_origin()), Succeeds());
  const auto rows = installation_.read(
      "SELECT version, check_value FROM key_checks WHERE purpose = 'token-hash' ORDER BY version");
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_TRUE(rows.at(0).text(1).starts_with("retired ")) << "what was retired is known when it comes back";
  EXPECT_FALSE(rows.at(1).text(1).starts_with("retired "));
  EXPECT_EQ(checks().first_version(KeyPurpose::token_hash).value(), 3u);
}

TEST_P(KeyChecksTest, MissingFilesAreMissedOnceTheyWereUsed) {
  EXPECT_THAT(checks().without({KeyPurpose::token_hash}).value(), IsEmpty()) << "never used";
  create("alice");
  // Of an earlier program, which kept no list.
  const auto unlisted = checks().without({KeyPurpose::password_pepper}).value();
  ASSERT_EQ(unlisted.size(), 1u);
  EXPECT_EQ(describe(unlisted.front()), "password-pepper version 1 is missing, needed by passwords (1)");
  EXPECT_EQ(checks().first_version(KeyPurpose::password_pepper).value(), 2u);
  learn();
  EXPECT_EQ(checks().without({KeyPurpose::password_pepper, KeyPurpose::log_signing}).value().size(), 2u);
}

TEST_P(KeyChecksTest, WhatIsAcceptedIsKnownAndLeavesEvidence) {
  learn();
  const auto other = crypto::Keyring::ephemeral();
  KeyChecks known = checks();
  auto problems = known.compare(other).value();
  problems.resize(1);
  ASSERT_THAT(known.accept(other, problems, some_origin()), Succeeds());
  EXPECT_EQ(compare(other).size(), 4u) << "the others are not accepted in passing";
  const auto events = installation_.events();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_THAT(events,
              ElementsAre(testing::Recorded{"keyring_accepted", "root-of-tests", "operator", "",
                                            "password-pepper", R"({"version":1,"state":"another"})"}));
}

TEST_P(KeyChecksTest, ACheckValueIsNoKey) {
  learn();
  for (const auto& row : installation_.read("SELECT check_value FROM key_checks"))
    EXPECT_EQ(row.text(0).size(), 32u);
}

INSTANTIATE_TEST_SUITE_P(Engines, KeyChecksTest, ::testing::Values(Engine::sqlite, Engine::postgres),
                         db::testing::engine_name);

}  // namespace
}  // namespace bulkhead::identity
