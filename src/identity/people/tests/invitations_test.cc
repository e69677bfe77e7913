#include "identity/people/invitations.h"

#include <thread>

#include "identity/people/testing/directory_fixture.h"
#include "identity/secrets/token_format.h"

namespace bulkhead::identity {
namespace {

using namespace std::chrono_literals;
using db::testing::Engine;
using db::testing::FailsWith;
using db::testing::Succeeds;
using testing::Recorded;
using testing::some_origin;

class InvitationsTest : public testing::DirectoryFixture {
 protected:
  Result<IssuedInvitation> invite(std::string account, std::string email = {},
                                  MemberRole role = MemberRole::member,
                                  std::optional<std::int64_t> team_id = {}) {
    return invitations_.invite({acme_.id, std::move(account), std::move(email), role, team_id}, alice_.id,
                               some_origin());
  }
  Result<void> accept(const Secret<>& token, const Account& account) {
    return invitations_.accept(token, account.id, some_origin());
  }
  void address(std::string_view account, std::string email, bool verified) {
    ASSERT_THAT(installation_.accounts.set_profile(
                    account, {.display_name = {}, .email = std::move(email), .email_verified = verified},
                    some_origin()),
                Succeeds());
  }
  std::optional<MemberRole> role(const Account& account) {
    return members_.role(acme_.id, account.id).value();
  }

  Organization acme_ = organization("acme", alice_);
};

TEST_P(InvitationsTest, BringAnAccountInWithItsRoleAndTeam) {
  const auto devs = team(acme_, "devs");
  const auto issued = invite("bob", "", MemberRole::owner, devs.id);
  ASSERT_THAT(issued, Succeeds());
  EXPECT_EQ(issued->invitation.account, "bob");
  EXPECT_EQ(issued->invitation.team, "devs");
  EXPECT_EQ(issued->invitation.invited_by, "alice");
  EXPECT_EQ(issued->invitation.expires_at, installation_.clock.now() + 7 * 24h);
  EXPECT_TRUE(token_is_well_formed("bhinvite_", issued->token.reveal()));
  EXPECT_EQ(installation_.last_event(),
            (Recorded{"invitation_created", "root-of-tests", "operator", "", "bob",
                      R"({"organization":"acme","role":"owner","team":"devs"})"}));
  EXPECT_EQ(role(bob_), std::nullopt) << "not before it is accepted";

  const int before = roles_changed_;
  ASSERT_THAT(accept(issued->token, bob_), Succeeds());
  EXPECT_GT(roles_changed_, before);
  EXPECT_EQ(role(bob_), MemberRole::owner);
  EXPECT_EQ(teams_.of_account(bob_.id).value().at(0).id, devs.id);
  EXPECT_EQ(installation_.last_event(), (Recorded{"invitation_ended", "root-of-tests", "operator", "", "bob",
                                                  R"({"organization":"acme","outcome":"accepted"})"}));
  EXPECT_THAT(accept(issued->token, bob_), FailsWith(Errc::not_found)) << "once";
}

TEST_P(InvitationsTest, AreKeptAsKeyedHashes) {
  const auto issued = invite("bob").value();
  const std::string stored = installation_.read("SELECT hash FROM invitations").at(0).text(0);
  EXPECT_TRUE(stored.starts_with("v1:"));
  EXPECT_EQ(stored.find(issued.token.reveal().substr(9, 30)), std::string::npos);
  for (const auto& event : installation_.events())
    EXPECT_EQ(event.detail.find(issued.token.reveal().substr(9, 30)), std::string::npos);
  EXPECT_THAT(accept(Secret<>(std::string(stored)), bob_), FailsWith(Errc::not_found));
  const auto other_keys = crypto::Keyring::ephemeral();
  Invitations thief(directory_, other_keys);
  EXPECT_THAT(thief.accept(issued.token, bob_.id, some_origin()), FailsWith(Errc::not_found));
}

TEST_P(InvitationsTest, RefuseWrongUsedExpiredAndWithdrawnTokensAlike) {
  const auto expired = invite("bob").value();
  installation_.clock.advance(7 * 24h);
  const auto refused = accept(expired.token, bob_);
  ASSERT_THAT(refused, FailsWith(Errc::not_found));
  EXPECT_TRUE(invitations_.of_organization(acme_.id, 0, 9)->empty());
  EXPECT_TRUE(invitations_.of_account(bob_.id)->empty());
  const auto withdrawn = invite("bob").value();
  ASSERT_THAT(invitations_.revoke(acme_.id, withdrawn.invitation.id, some_origin()), Succeeds());
  EXPECT_NE(installation_.last_event().detail.find("revoked"), std::string::npos);
  EXPECT_EQ(accept(withdrawn.token, bob_).error(), refused.error());
  EXPECT_EQ(accept(make_token("bhinvite_"), bob_).error(), refused.error());
  EXPECT_EQ(accept(Secret<>(std::string("bhinvite_mistyped")), bob_).error(), refused.error());
  EXPECT_EQ(accept(Secret<>(), bob_).error(), refused.error());
  EXPECT_EQ(invitations_.accept(expired.invitation.id, bob_.id, some_origin()).error(), refused.error());
  EXPECT_EQ(role(bob_), std::nullopt);
}

TEST_P(InvitationsTest, HoldUntilTheLastMoment) {
  const auto issued = invite("bob").value();
  installation_.clock.advance(7 * 24h - 1us);
  EXPECT_THAT(accept(issued.token, bob_), Succeeds());
}

TEST_P(InvitationsTest, AreForWhoWasInvited) {
  const auto issued = invite("bob").value();
  const auto before = events();
  EXPECT_THAT(accept(issued.token, carol_), FailsWith(Errc::denied));
  EXPECT_THAT(invitations_.accept(issued.invitation.id, carol_.id, some_origin()),
              FailsWith(Errc::not_found));
  EXPECT_THAT(invitations_.decline(issued.token, carol_.id, some_origin()), FailsWith(Errc::denied));
  EXPECT_THAT(accept(issued.token, Account{}), FailsWith(Errc::not_found));
  installation_.write("UPDATE accounts SET state = 'disabled' WHERE id = ?", {bob_.id});
  EXPECT_THAT(accept(issued.token, bob_), FailsWith(Errc::denied));
  EXPECT_EQ(events(), before);
  EXPECT_EQ(role(carol_), std::nullopt);
}

TEST_P(InvitationsTest, ByEMailAreForWhoHasTheVerifiedAddress) {
  const auto issued = invite("", "Bob@example.com").value();
  EXPECT_EQ(issued.invitation.account_id, std::nullopt);
  const auto said = [&](const Account& account) { return accept(issued.token, account).error().message; };
  EXPECT_THAT(accept(issued.token, bob_), FailsWith(Errc::denied));
  EXPECT_THAT(said(bob_), ::testing::HasSubstr("your account has none"));
  address("bob", "bob@example.com", false);
  EXPECT_THAT(accept(issued.token, bob_), FailsWith(Errc::denied)) << "anybody can claim an address";
  EXPECT_THAT(said(bob_), ::testing::HasSubstr("nobody has verified"));
  EXPECT_TRUE(invitations_.of_account(bob_.id)->empty());
  address("carol", "carol@example.com", true);
  EXPECT_THAT(accept(issued.token, carol_), FailsWith(Errc::denied));
  EXPECT_THAT(said(carol_), ::testing::HasSubstr("your account has another one"));
  address("bob", "bob@EXAMPLE.com", true);
  ASSERT_EQ(invitations_.of_account(bob_.id)->size(), 1u);
  EXPECT_TRUE(invitations_.of_account(carol_.id)->empty());
  ASSERT_THAT(invitations_.accept(issued.invitation.id, bob_.id, some_origin()), Succeeds());
  EXPECT_EQ(role(bob_), MemberRole::member);
  EXPECT_EQ(installation_.last_event().target, "Bob@example.com");
}

TEST_P(InvitationsTest, AreDeclined) {
  const auto first = invite("bob").value();
  ASSERT_THAT(invitations_.decline(first.token, bob_.id, some_origin()), Succeeds());
  EXPECT_NE(installation_.last_event().detail.find("declined"), std::string::npos);
  const auto second = invite("bob").value();
  ASSERT_THAT(invitations_.decline(second.invitation.id, bob_.id, some_origin()), Succeeds());
  EXPECT_EQ(count("invitations"), 0);
  EXPECT_EQ(role(bob_), std::nullopt);
}

TEST_P(InvitationsTest, AreWithdrawnByTheirOrganizationOnly) {
  const auto globex = organization("globex", carol_);
  const auto issued = invite("bob").value();
  EXPECT_THAT(invitations_.revoke(globex.id, issued.invitation.id, some_origin()),
              FailsWith(Errc::not_found));
  EXPECT_THAT(invitations_.revoke(acme_.id, 4711, some_origin()), FailsWith(Errc::not_found));
  EXPECT_EQ(count("invitations"), 1);
}

TEST_P(InvitationsTest, AreMadeOnceForEachWhoIsNoMember) {
  ASSERT_THAT(invite("bob"), Succeeds());
  ASSERT_THAT(invite("", "x@example.com"), Succeeds());
  const auto before = events();
  EXPECT_THAT(invite("bob"), FailsWith(Errc::conflict));
  EXPECT_THAT(invite("", "X@Example.com"), FailsWith(Errc::conflict));
  EXPECT_THAT(invite("alice"), FailsWith(Errc::conflict)) << "a member";
  EXPECT_EQ(events(), before);
  installation_.clock.advance(7 * 24h);
  EXPECT_THAT(invite("bob"), Succeeds()) << "the old one has expired";
  EXPECT_EQ(count("invitations"), 1);
}

TEST_P(InvitationsTest, RefuseBadRequests) {
  const auto globex = organization("globex", carol_);
  const auto theirs = team(globex, "devs");
  robots_.create_for_organization(acme_.id, "ci", "", {}, some_origin()).value();
  const auto before = events();
  EXPECT_THAT(invite(""), FailsWith(Errc::invalid_argument));
  EXPECT_THAT(invite("bob", "bob@example.com"), FailsWith(Errc::invalid_argument));
  EXPECT_THAT(invite("", "bob@example.com\r\nBcc: all@example.com"), FailsWith(Errc::invalid_argument));
  EXPECT_THAT(invite("\xff"), FailsWith(Errc::name_invalid));
  EXPECT_THAT(invite("acme+ci"), FailsWith(Errc::name_invalid));
  EXPECT_THAT(invite("acme+none"), FailsWith(Errc::name_invalid))
      << "a robot's name, whether there is one or not";
  EXPECT_THAT(invite("bob", "", MemberRole::member, theirs.id), FailsWith(Errc::invalid_argument));
  EXPECT_THAT(invite("bob", "", MemberRole::member, 4711), FailsWith(Errc::not_found));
  EXPECT_THAT(invitations_.invite({4711, "bob", "", MemberRole::member, {}}, alice_.id, some_origin()),
              FailsWith(Errc::not_found));
  EXPECT_EQ(events(), before);
  EXPECT_EQ(count("invitations"), 0);
}

TEST_P(InvitationsTest, DoNotTellWhoHasAnAccount) {
  const auto bobs = invite("bob");
  const auto nobodys = invite("nobody-here");
  ASSERT_THAT(bobs, Succeeds());
  ASSERT_THAT(nobodys, Succeeds());
  EXPECT_EQ(nobodys->invitation.account, "nobody-here");
  EXPECT_EQ(nobodys->invitation.account_id, std::nullopt);
  EXPECT_THAT(invite("nobody-here"), FailsWith(Errc::conflict));
  EXPECT_THAT(invite("bob"), FailsWith(Errc::conflict));
  const auto listed = invitations_.of_organization(acme_.id, 0, 9).value();
  ASSERT_EQ(listed.size(), 2u);
  EXPECT_EQ(listed[1].account, "nobody-here");
  // Whoever gets the name later is somebody else.
  const auto late = installation_.add_account("nobody-here");
  EXPECT_TRUE(invitations_.of_account(late.id)->empty());
  EXPECT_THAT(accept(nobodys->token, late), FailsWith(Errc::denied));
  EXPECT_THAT(accept(nobodys->token, carol_), FailsWith(Errc::denied));
}

TEST_P(InvitationsTest, MakeAMemberAnOwner) {
  ASSERT_THAT(accept(invite("bob")->token, bob_), Succeeds());
  EXPECT_THAT(invite("bob"), FailsWith(Errc::conflict));
  const auto offered = invite("bob", "", MemberRole::owner);
  ASSERT_THAT(offered, Succeeds());
  EXPECT_EQ(role(bob_), MemberRole::member);
  ASSERT_THAT(accept(offered->token, bob_), Succeeds());
  EXPECT_EQ(role(bob_), MemberRole::owner);
  EXPECT_THAT(invite("bob", "", MemberRole::owner), FailsWith(Errc::conflict));
}

TEST_P(InvitationsTest, AreLimitedInNumber) {
  installation_.write(
      "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
      "INSERT INTO invitations (organization_id, email, role, hash, invited_by, created_at, expires_at) "
      "SELECT ?, 'x' || CAST(i AS TEXT) || '@example.com', 'member', 'v1:' || CAST(i AS TEXT), ?, 0, ? FROM "
      "n",
      {static_cast<std::int64_t>(Invitations::kMostOpen) - 1, acme_.id, alice_.id,
       to_micros(installation_.clock.now() + 1h)});
  ASSERT_THAT(invite("bob"), Succeeds());
  EXPECT_THAT(invite("carol"), FailsWith(Errc::conflict));
  EXPECT_EQ(invitations_.of_organization(acme_.id, 0, 2)->size(), 2u);
  installation_.clock.advance(2h);
  EXPECT_THAT(invite("carol"), Succeeds()) << "those that expired make room";
}

TEST_P(InvitationsTest, NeverLowerARole) {
  const auto issued = invite("bob").value();
  join(acme_, bob_, MemberRole::owner);
  ASSERT_THAT(accept(issued.token, bob_), Succeeds());
  EXPECT_EQ(role(bob_), MemberRole::owner);
}

TEST_P(InvitationsTest, AreAcceptedOnceWhenTwoTryAtOnce) {
  const auto issued = invite("bob").value();
  std::atomic<int> accepted{0};
  std::thread first([&] { accepted += accept(issued.token, bob_).has_value(); });
  std::thread second([&] { accepted += accept(issued.token, bob_).has_value(); });
  first.join();
  second.join();
  EXPECT_EQ(accepted, 1);
}

INSTANTIATE_TEST_SUITE_P(Engines, InvitationsTest, ::testing::Values(Engine::sqlite, Engine::postgres),
                         db::testing::engine_name);

}  // namespace
}  // namespace bulkhead::identity
