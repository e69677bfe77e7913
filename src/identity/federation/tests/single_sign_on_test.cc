#include "identity/federation/single_sign_on.h"

#include "crypto/testing/ephemeral_sealer.h"
#include "identity/login/policies.h"
#include "identity/people/testing/directory_fixture.h"

namespace bulkhead::identity {
namespace {

using db::testing::Engine;
using db::testing::FailsWith;
using db::testing::Succeeds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::some_origin;

class SingleSignOnTest : public testing::DirectoryFixture {
 protected:
  LoginProvider provider(std::string_view name, bool creates_accounts = true) {
    installation_.write(
        "INSERT INTO login_providers (name, kind, settings, sealed, created_at) VALUES (?, 'oidc', '{}', '', "
        "0)",
        {std::string(name)});
    LoginProvider made;
    made.id = integer("SELECT id FROM login_providers WHERE name = ?", {std::string(name)});
    made.name = name;
    made.stored = "{}";
    made.creates_accounts = creates_accounts;
    return made;
  }
  void map(const LoginProvider& from, std::string_view group, const Team& team) {
    installation_.write("INSERT INTO group_mappings (provider_id, external_group, team_id) VALUES (?, ?, ?)",
                        {from.id, std::string(group), team.id});
  }
  static ExternalPerson person(std::string_view name, std::vector<std::string> groups = {}) {
    ExternalPerson out;
    out.subject = "id-of-" + std::string(name);
    out.name = name;
    out.groups = std::move(groups);
    return out;
  }
  std::vector<std::string> teams_of(const Account& account) {
    std::vector<std::string> names;
    for (const Team& each : teams_.of_account(account.id).value()) names.push_back(each.path());
    return names;
  }
  Sessions::Started backed(const Account& account, const LoginProvider& by, std::string_view subject,
                           std::string_view refresh = "") {
    return sessions_
        .start(account, false, {by.id, std::string(subject), Secret<>(std::string(refresh)), by.stored},
               some_origin())
        .value();
  }
  bool lives(const Sessions::Started& started) {
    return sessions_.verify(started.secret.reveal(), "192.0.2.7").has_value();
  }

  crypto::EphemeralSealer sealer_;
  Policies policies_{*installation_.database, installation_.clock, 100};
  Sessions sessions_{*installation_.database,
                     installation_.keyring,
                     sealer_,
                     installation_.accounts,
                     policies_,
                     installation_.clock,
                     {}};
  SingleSignOn sign_on_{directory_, sessions_};
  LoginProvider corp_ = provider("corp");
};

TEST_P(SingleSignOnTest, MakesAnAccountWithTheFirstLogInAndFindsItWithTheNext) {
  ExternalPerson dora = person("Dora@example.com");
  dora.display_name = "Dora D";
  dora.email = "dora@Example.com";
  dora.email_verified = true;
  const auto made = sign_on_.admit(corp_, dora, some_origin());
  ASSERT_THAT(made, Succeeds());
  EXPECT_EQ(made->name, "dora");
  EXPECT_EQ(made->display_name, "Dora D");
  EXPECT_EQ(made->email, "dora@example.com");
  EXPECT_TRUE(made->email_verified);
  EXPECT_EQ(namespace_of("dora") > 0, true);
  EXPECT_THAT(installation_.accounts.credentials("dora"), FailsWith(Errc::not_found)) << "it has no password";

  dora.name = "somebody-else-entirely";
  dora.display_name = "Dora E";
  const auto again = sign_on_.admit(corp_, dora, some_origin());
  ASSERT_THAT(again, Succeeds());
  EXPECT_EQ(again->id, made->id);
  EXPECT_EQ(again->name, "dora");
  EXPECT_EQ(again->display_name, "Dora E");
  const auto identities = sign_on_.identities(made->id).value();
  ASSERT_EQ(identities.size(), 1U);
  EXPECT_EQ(identities[0].provider, "corp");
  EXPECT_EQ(identities[0].subject, "id-of-Dora@example.com");
}

TEST_P(SingleSignOnTest, NeverTakesAnAccountForItsName) {
  ExternalPerson impostor = person("alice");
  impostor.email = alice_.email;
  const auto before = events();
  const auto refused = sign_on_.admit(corp_, impostor, some_origin());
  ASSERT_THAT(refused, FailsWith(Errc::conflict));
  EXPECT_THAT(refused.error().message, HasSubstr("administrator can link"));
  EXPECT_EQ(events(), before);
  EXPECT_EQ(count("external_identities"), 0);

  // Nor one of a provider for the same subject of another.
  const LoginProvider other = provider("other");
  const Account dora = sign_on_.admit(corp_, person("dora"), some_origin()).value();
  EXPECT_THAT(sign_on_.admit(other, person("dora"), some_origin()), FailsWith(Errc::conflict));
  EXPECT_EQ(sign_on_.identities(dora.id)->size(), 1U);
}

TEST_P(SingleSignOnTest, RefusesNamesAndSubjectsThatCannotBeTaken) {
  for (const char* name : {"", "a", "library", "../etc", "d\xc3\xb6rte", "a b", "x+robot"})
    EXPECT_THAT(sign_on_.admit(corp_, person(name), some_origin()), FailsWith(Errc::name_invalid)) << name;
  for (const std::string& subject : {std::string(), std::string(256, 'x'), std::string("a\nb")}) {
    ExternalPerson nobody = person("dora");
    nobody.subject = subject;
    EXPECT_THAT(sign_on_.admit(corp_, nobody, some_origin()), FailsWith(Errc::invalid_argument));
  }
  EXPECT_EQ(count("external_identities"), 0);
}

TEST_P(SingleSignOnTest, LeavesAProfileAloneThatItCannotShow) {
  ExternalPerson dora = person("dora");
  dora.display_name = "Dora";
  dora.email = "dora@example.com";
  ASSERT_THAT(sign_on_.admit(corp_, dora, some_origin()), Succeeds());
  dora.display_name = "evil\x1b[31m";
  dora.email = "not an address";
  const auto kept = sign_on_.admit(corp_, dora, some_origin());
  ASSERT_THAT(kept, Succeeds());
  EXPECT_EQ(kept->display_name, "Dora");
  EXPECT_EQ(kept->email, "dora@example.com");
  EXPECT_FALSE(kept->email_verified);
}

TEST_P(SingleSignOnTest, BringsMembershipsUpToDateWithEachLogIn) {
  const Organization acme = organization("acme", alice_);
  const Team backend = team(acme, "backend");
  const Team frontend = team(acme, "frontend");
  map(corp_, "developers", backend);
  map(corp_, "designers", frontend);
  const Account dora =
      sign_on_.admit(corp_, person("dora", {"developers", "designers", "smokers"}), some_origin()).value();
  EXPECT_THAT(teams_of(dora), ElementsAre("acme/backend", "acme/frontend"));
  const int roles_changed = roles_changed_;
  ASSERT_THAT(sign_on_.admit(corp_, person("dora", {"designers"}), some_origin()), Succeeds());
  EXPECT_THAT(teams_of(dora), ElementsAre("acme/frontend"));
  EXPECT_GT(roles_changed_, roles_changed);
  ASSERT_THAT(sign_on_.admit(corp_, person("dora", {"Designers"}), some_origin()), Succeeds());
  EXPECT_THAT(teams_of(dora), IsEmpty()) << "groups are compared byte by byte";
  EXPECT_EQ(integer("SELECT COUNT(*) FROM organization_members WHERE account_id = ?", {dora.id}), 0);
}

TEST_P(SingleSignOnTest, ComparesADirectorysGroupsAsDirectoriesDo) {
  corp_.settings = ldap::Settings();
  const Organization acme = organization("acme", alice_);
  map(corp_, " DEVELOPERS", team(acme, "backend"));
  const Account dora = sign_on_.admit(corp_, person("dora", {"developers"}), some_origin()).value();
  EXPECT_THAT(teams_of(dora), ElementsAre("acme/backend"));
  corp_.admitted_groups = {"Staff"};
  EXPECT_THAT(sign_on_.admit(corp_, person("dora", {"developers"}), some_origin()), FailsWith(Errc::denied));
  EXPECT_THAT(sign_on_.admit(corp_, person("dora", {"staff"}), some_origin()), Succeeds());
}

TEST_P(SingleSignOnTest, GroupsThatNobodyKnowsOfTakeNothingAway) {
  const Organization acme = organization("acme", alice_);
  map(corp_, "developers", team(acme, "backend"));
  map(corp_, "designers", team(acme, "frontend"));
  const Account dora = sign_on_.admit(corp_, person("dora", {"developers"}), some_origin()).value();
  ExternalPerson unknown = person("dora", {"designers"});
  unknown.groups_complete = false;
  unknown.groups_note = "cut off";
  ASSERT_THAT(sign_on_.admit(corp_, unknown, some_origin()), Succeeds());
  EXPECT_THAT(teams_of(dora), ElementsAre("acme/backend", "acme/frontend"));
  const auto session = backed(dora, corp_, "id-of-dora");
  corp_.admitted_groups = {"staff"};
  const auto refused = sign_on_.admit(corp_, unknown, some_origin());
  ASSERT_THAT(refused, FailsWith(Errc::denied));
  EXPECT_THAT(refused.error().message, ::testing::HasSubstr("cut off"));
  EXPECT_TRUE(lives(session)) << "nobody said that she left";
  EXPECT_THAT(teams_of(dora), ElementsAre("acme/backend", "acme/frontend"));
  corp_.admitted_groups = {"designers"};
  EXPECT_THAT(sign_on_.admit(corp_, unknown, some_origin()), Succeeds());
}

TEST_P(SingleSignOnTest, TellsWhoGetsNoAccountWhatAnAdministratorNeeds) {
  ExternalPerson other = person("jürgen");
  const auto invalid = sign_on_.admit(corp_, other, some_origin());
  ASSERT_THAT(invalid, FailsWith(Errc::name_invalid));
  EXPECT_THAT(invalid.error().message, ::testing::HasSubstr("\"jürgen\""));
  EXPECT_THAT(invalid.error().message, ::testing::HasSubstr("\"id-of-jürgen\""));
  other.name = "a\u202eb";
  const auto hidden = sign_on_.admit(corp_, other, some_origin());
  EXPECT_EQ(hidden.error().message.find("\u202e"), std::string::npos);
  const auto taken = sign_on_.admit(corp_, person("alice"), some_origin());
  ASSERT_THAT(taken, FailsWith(Errc::conflict));
  EXPECT_THAT(taken.error().message, ::testing::HasSubstr("\"id-of-alice\""));
}

TEST_P(SingleSignOnTest, LetsInOnlyMembersOfAdmittedGroups) {
  corp_.admitted_groups = {"staff"};
  EXPECT_THAT(sign_on_.admit(corp_, person("dora", {"guests"}), some_origin()), FailsWith(Errc::denied));
  EXPECT_EQ(count("external_identities"), 0);
  const Organization acme = organization("acme", alice_);
  map(corp_, "developers", team(acme, "backend"));
  const Account dora =
      sign_on_.admit(corp_, person("dora", {"guests", "staff", "developers"}), some_origin()).value();
  const auto session = backed(dora, corp_, "id-of-dora");
  EXPECT_TRUE(lives(session));
  EXPECT_THAT(sign_on_.admit(corp_, person("dora", {"developers"}), some_origin()), FailsWith(Errc::denied));
  EXPECT_THAT(teams_of(dora), IsEmpty()) << "whoever is let in no more has nothing of the groups";
  EXPECT_FALSE(lives(session));
}

TEST_P(SingleSignOnTest, MakesNoAccountsWhereItMustNotAndLetsInLinkedOnes) {
  const LoginProvider closed = provider("closed", false);
  EXPECT_THAT(sign_on_.admit(closed, person("bob"), some_origin()), FailsWith(Errc::denied));
  ASSERT_THAT(sign_on_.link(closed.id, "id-of-bob", bob_.id, some_origin()), Succeeds());
  EXPECT_EQ(installation_.last_event().action, "external_identity_linked");
  const auto found = sign_on_.admit(closed, person("bob"), some_origin());
  ASSERT_THAT(found, Succeeds());
  EXPECT_EQ(found->id, bob_.id);
}

TEST_P(SingleSignOnTest, LetsInNobodyWhoseAccountIsStopped) {
  const Account dora = sign_on_.admit(corp_, person("dora"), some_origin()).value();
  for (const AccountState state : {AccountState::disabled, AccountState::locked}) {
    ASSERT_THAT(installation_.accounts.set_state("dora", state, some_origin()), Succeeds());
    EXPECT_THAT(sign_on_.admit(corp_, person("dora"), some_origin()), FailsWith(Errc::denied));
  }
}

TEST_P(SingleSignOnTest, LinksEachPersonToOneAccountAndEachAccountToOnePerson) {
  ASSERT_THAT(sign_on_.link(corp_.id, "s1", alice_.id, some_origin()), Succeeds());
  const auto before = events();
  EXPECT_THAT(sign_on_.link(corp_.id, "s1", alice_.id, some_origin()), Succeeds()) << "twice is once";
  EXPECT_THAT(sign_on_.link(corp_.id, "s1", bob_.id, some_origin()), FailsWith(Errc::conflict));
  EXPECT_THAT(sign_on_.link(corp_.id, "s2", alice_.id, some_origin()), FailsWith(Errc::conflict));
  EXPECT_THAT(sign_on_.link(4711, "s2", bob_.id, some_origin()), FailsWith(Errc::not_found));
  EXPECT_THAT(sign_on_.link(corp_.id, "", bob_.id, some_origin()), FailsWith(Errc::invalid_argument));
  const Organization acme = organization("acme", alice_);
  const auto after = events();
  const auto robot = robots_.create_for_organization(acme.id, "deploy", "", alice_.id, some_origin());
  ASSERT_THAT(robot, Succeeds());
  EXPECT_THAT(sign_on_.link(corp_.id, "s3", robot->account.id, some_origin()),
              FailsWith(Errc::invalid_argument));
  EXPECT_EQ(events(), after + 1);
  EXPECT_EQ(before + 1, after);
}

TEST_P(SingleSignOnTest, UnlinkingEndsSessionsAndMembershipsThatCameOfIt) {
  const Organization acme = organization("acme", alice_);
  const Team backend = team(acme, "backend");
  map(corp_, "developers", backend);
  const Account dora = sign_on_.admit(corp_, person("dora", {"developers"}), some_origin()).value();
  const auto session = backed(dora, corp_, "id-of-dora");
  const auto own = sessions_.start(dora, false, some_origin()).value();
  ASSERT_THAT(sign_on_.unlink(corp_.id, dora.id, some_origin()), Succeeds());
  EXPECT_FALSE(lives(session));
  EXPECT_TRUE(lives(own)) << "the provider had no part in it";
  EXPECT_THAT(teams_of(dora), IsEmpty());
  EXPECT_THAT(sign_on_.unlink(corp_.id, dora.id, some_origin()), FailsWith(Errc::not_found));
  EXPECT_THAT(sign_on_.admit(corp_, person("dora"), some_origin()), FailsWith(Errc::conflict))
      << "the account is there and is nobody's of the provider now";
}

TEST_P(SingleSignOnTest, DismissesWhoTheProviderDoesNotKnowAnyMore) {
  const Organization acme = organization("acme", alice_);
  map(corp_, "developers", team(acme, "backend"));
  const Account dora = sign_on_.admit(corp_, person("dora", {"developers"}), some_origin()).value();
  const Account emil = sign_on_.admit(corp_, person("emil", {"developers"}), some_origin()).value();
  const auto gone = backed(dora, corp_, "id-of-dora");
  const auto stays = backed(emil, corp_, "id-of-emil");
  ASSERT_THAT(sign_on_.dismiss(corp_, "id-of-dora", some_origin()), Succeeds());
  EXPECT_FALSE(lives(gone));
  EXPECT_TRUE(lives(stays));
  EXPECT_THAT(teams_of(dora), IsEmpty());
  EXPECT_THAT(teams_of(emil), ElementsAre("acme/backend"));
  EXPECT_THAT(sign_on_.dismiss(corp_, "never heard of", some_origin()), Succeeds());
}

INSTANTIATE_TEST_SUITE_P(Engines, SingleSignOnTest, ::testing::Values(Engine::sqlite, Engine::postgres),
                         db::testing::engine_name);

}  // namespace
}  // namespace bulkhead::identity
