#include "identity/login/leaked.h"

#include <algorithm>

#include "crypto/testing/ephemeral_sealer.h"
#include "identity/login/setup.h"
#include "identity/login/testing/tokens_fixture.h"
#include "identity/secrets/token_format.h"
#include "identity/secrets/token_hash.h"

namespace bulkhead::identity {
namespace {

using namespace std::chrono_literals;
using testing::Engine;
using testing::FailsWith;
using testing::some_origin;
using testing::Succeeds;

TEST(FindCredentials, SeesThemWhereverTheyStand) {
  const auto pat = make_token("bhpat_");
  const auto robot = make_token("bhrobot_");
  const std::string text =
      "https://alice:" + pat.reveal() + "@registry/ bhbh" + robot.reveal() + pat.reveal();
  const auto found = find_credentials(text, 10);
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0], pat.reveal());
  EXPECT_EQ(found[1], robot.reveal());
  EXPECT_EQ(found[2], pat.reveal());
  EXPECT_EQ(find_credentials(text, 2).size(), 2u);
}

TEST(FindCredentials, SeesOnlyWhatTheChecksumConfirms) {
  const auto token = make_token("bhpat_");
  std::string mistyped = token.reveal();
  mistyped[20] = mistyped[20] == 'a' ? 'b' : 'a';
  for (const std::string& text : {std::string(), std::string("bh"), std::string("bhpat_"), mistyped,
                                  token.reveal().substr(0, 41), make_token("bhother_").reveal(),
                                  std::string(100'000, 'b'), std::string("bhpat_") + std::string(36, '0')})
    EXPECT_TRUE(find_credentials(text, 10).empty()) << text.substr(0, 60);
}

class LeakedTest : public testing::TokensFixture {
 protected:
  crypto::EphemeralSealer sealer_;
  Sessions sessions_{database_, installation_.keyring, sealer_, accounts_,
                     policies_, installation_.clock,   {}};
  Leaked leaked_{database_, installation_.keyring, tokens_, sessions_, installation_.clock};
  audit::Origin finder_{{}, {}, "203.0.113.9", "scanner/1", {}};
};

TEST_P(LeakedTest, AccessTokensAreRevokedAtOnceAndTheOwnerIsTold) {
  const auto made = create(wanted(alice_));
  const auto other = create(wanted(alice_));
  ASSERT_THAT(use(made.secret), Succeeds());
  ASSERT_THAT(leaked_.report("token=" + made.secret.reveal(), finder_), Succeeds());
  EXPECT_THAT(use(made.secret), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(use(other.secret), Succeeds());
  EXPECT_TRUE(tokens_.find(alice_.id, made.token.id)->revoked());
  const auto event = installation_.last_event();
  EXPECT_EQ(event.action, "credential_reported_leaked");
  EXPECT_EQ(event.account, "") << "anybody may report";
  EXPECT_EQ(event.target, "alice");
  EXPECT_EQ(event.detail, R"({"kind":"access_token","id":)" + std::to_string(made.token.id) + "}");
}

TEST_P(LeakedTest, EveryKindIsTakenOutOfUseInOneReport) {
  identity::Setup setup(database_, installation_.keyring, accounts_, installation_.clock);
  const auto acme = make_organization("acme");
  const auto robot = make_robot("acme-robot", "organization_id", acme);
  const auto pat = create(wanted(alice_));
  const auto robots = create(wanted(robot));
  const auto session = sessions_.start(bob_, false, some_origin()).value();
  ASSERT_THAT(sessions_.verify(session.secret.reveal(), kHome), Succeeds());
  const auto invitation = make_token("bhinvite_");
  installation_.write(
      "INSERT INTO invitations (organization_id, email, role, hash, invited_by, created_at, expires_at) "
      "VALUES (?, '', 'member', ?, ?, 0, 0)",
      {acme, token_hash(installation_.keyring, invitation.reveal()), alice_.id});
  const auto setup_token = make_token("bhsetup_");
  installation_.write("INSERT INTO setup_token (id, hash, expires_at) VALUES (1, ?, 0)",
                      {token_hash(installation_.keyring, setup_token.reveal())});

  const std::string text = pat.secret.reveal() + "\n" + robots.secret.reveal() + "\n" +
                           session.secret.reveal() + "\n" + invitation.reveal() + "\n" +
                           setup_token.reveal() + "\n" + pat.secret.reveal();
  ASSERT_THAT(leaked_.report(text, finder_), Succeeds());
  EXPECT_THAT(use(pat.secret), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(use(robots.secret), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(sessions_.verify(session.secret.reveal(), kHome), FailsWith(Errc::unauthenticated));
  EXPECT_TRUE(installation_.read("SELECT id FROM invitations").empty());
  EXPECT_TRUE(installation_.read("SELECT id FROM setup_token").empty());

  std::vector<std::string> told;
  for (const auto& event : installation_.events())
    if (event.action == "credential_reported_leaked") told.push_back(event.target);
  EXPECT_THAT(told, ::testing::UnorderedElementsAre("alice", "acme-robot", "bob", "alice", ""));
}

TEST_P(LeakedTest, TellsWhoseItWasAndWhoLooksAfterTheRobotForAMonth) {
  const auto acme = make_organization("acme");
  join(bob_, acme, "owner");
  const auto robot = make_robot("acme-robot", "organization_id", acme);
  const auto own = create(wanted(alice_));
  const auto robots = create(wanted(robot));
  EXPECT_THAT(leaked_.notices(alice_).value(), ::testing::IsEmpty());
  ASSERT_THAT(leaked_.report(own.secret.reveal() + " " + robots.secret.reveal(), finder_), Succeeds());
  const auto told = [&](const Account& account) {
    std::vector<std::string> accounts;
    for (const auto& notice : leaked_.notices(account).value()) accounts.push_back(notice.account);
    return accounts;
  };
  EXPECT_THAT(told(alice_), ::testing::ElementsAre("alice"));
  EXPECT_EQ(leaked_.notices(alice_)->front().detail,
            R"({"kind":"access_token","id":)" + std::to_string(own.token.id) + "}");
  EXPECT_THAT(told(bob_), ::testing::ElementsAre("acme-robot"));
  EXPECT_THAT(told(robot), ::testing::ElementsAre("acme-robot"));
  installation_.clock.advance(std::chrono::days(30) + std::chrono::microseconds(1));
  EXPECT_THAT(told(alice_), ::testing::IsEmpty());
  const Account later = installation_.add_account("later");
  installation_.write("UPDATE events SET target = 'later'");
  EXPECT_THAT(told(later), ::testing::IsEmpty()) << "another's of the same name, before";
}

TEST_P(LeakedTest, WhatIsUnknownOrDeadAlreadyAnswersTheSameAndChangesNothing) {
  const auto made = create(wanted(alice_));
  ASSERT_THAT(leaked_.report(made.secret.reveal(), finder_), Succeeds());
  const auto events = installation_.events().size();
  const int writes = database_.writes;
  for (const std::string& text :
       {made.secret.reveal(), make_token("bhpat_").reveal(), make_token("bhsession_").reveal(),
        std::string("hunter2"), std::string(), std::string("\0\xff", 2)})
    EXPECT_THAT(leaked_.report(text, finder_), Succeeds());
  EXPECT_EQ(installation_.events().size(), events);
  EXPECT_EQ(database_.writes, writes);
}

TEST_P(LeakedTest, TextWithoutCredentialsCostsNoLookUp) {
  const int before = database_.asked();
  EXPECT_THAT(leaked_.report("bhpat_ bhpat_" + std::string(1 << 20, 'x'), finder_), Succeeds());
  EXPECT_EQ(database_.asked(), before);
}

INSTANTIATE_TEST_SUITE_P(Engines, LeakedTest, ::testing::Values(Engine::sqlite, Engine::postgres),
                         db::testing::engine_name);

}  // namespace
}  // namespace bulkhead::identity
