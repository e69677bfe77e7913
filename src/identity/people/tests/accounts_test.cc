#include "identity/people/accounts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "db/condition.h"
#include "db/testing/database_contract.h"
#include "identity/people/testing/installation.h"

namespace bulkhead::identity {
namespace {

using db::testing::Engine;
using db::testing::FailsWith;
using db::testing::Succeeds;
using ::testing::ElementsAre;
using testing::Installation;
using testing::some_origin;

Secret<> password(std::string_view text = "correct horse battery") { return Secret<>(std::string(text)); }

class AccountsTest : public ::testing::TestWithParam<Engine> {
 protected:
  Installation installation_{GetParam()};
  Accounts& accounts_ = installation_.accounts;
};

TEST_P(AccountsTest, CreatesAnAccountItsNamespaceAndTheEvidence) {
  const auto account = accounts_.create("alice", password(), true, some_origin());
  ASSERT_THAT(account, Succeeds());
  EXPECT_EQ(account->name, "alice");
  EXPECT_TRUE(account->active());
  EXPECT_TRUE(account->administrator());
  EXPECT_EQ(account->created_at, installation_.clock.now());

  const auto spaces = installation_.read("SELECT owner_id FROM namespaces WHERE name = 'alice'");
  ASSERT_EQ(spaces.size(), 1u);
  EXPECT_EQ(spaces[0].integer(0), account->id);
  EXPECT_THAT(installation_.events(),
              ElementsAre(testing::Recorded{"account_created", "root-of-tests", "operator", "", "alice",
                                            "administrator"}));
}

TEST_P(AccountsTest, KeepsThePasswordAsAHashOnly) {
  ASSERT_THAT(accounts_.create("alice", password(), false, some_origin()), Succeeds());
  const auto credentials = accounts_.credentials("alice");
  ASSERT_THAT(credentials, Succeeds());
  EXPECT_EQ(credentials->password_hash.find("correct horse"), std::string::npos);
  EXPECT_TRUE(installation_.hasher.verify(password(), credentials->password_hash));
}

TEST_P(AccountsTest, RefusesBadNamesAndPasswordsWithoutATrace) {
  EXPECT_THAT(accounts_.create("Alice", password(), false, some_origin()), FailsWith(Errc::name_invalid));
  EXPECT_THAT(accounts_.create("alice", password("short"), false, some_origin()),
              FailsWith(Errc::invalid_argument));
  for (const char* prefix : {"bhpat_", "bhrobot_", "bhsession_", "bhinvite_", "bhsetup_"})
    EXPECT_THAT(
        accounts_.create("alice", password(std::string(prefix) + "kestrelvole"), false, some_origin()),
        FailsWith(Errc::invalid_argument))
        << prefix;
  EXPECT_THAT(accounts_.list().value(), ElementsAre());
  EXPECT_THAT(installation_.events(), ElementsAre());
}

TEST_P(AccountsTest, RefusesANameThatAnAccountOrANamespaceHas) {
  installation_.add_account("alice");
  installation_.write("INSERT INTO namespaces (name, created_at) VALUES ('orphan', 0)");
  EXPECT_THAT(accounts_.create("alice", password(), false, some_origin()), FailsWith(Errc::conflict));
  EXPECT_THAT(accounts_.create("orphan", password(), false, some_origin()), FailsWith(Errc::conflict));
  EXPECT_EQ(accounts_.list()->size(), 1u);
  EXPECT_EQ(installation_.events().size(), 1u);
}

TEST_P(AccountsTest, OneOfTwoThatCreateTheSameNameAtOnceWins) {
  std::atomic<int> created{0};
  std::atomic<int> conflicts{0};
  const auto create = [&] {
    const auto account = accounts_.create("alice", password(), false, some_origin());
    if (account)
      ++created;
    else if (account.error().code == Errc::conflict)
      ++conflicts;
  };
  std::thread first(create);
  std::thread second(create);
  first.join();
  second.join();
  EXPECT_EQ(created, 1);
  EXPECT_EQ(conflicts, 1);
  EXPECT_EQ(installation_.read("SELECT id FROM namespaces WHERE name = 'alice'").size(), 1u);
}

TEST_P(AccountsTest, FindsByNameAndIdAndListsInOrder) {
  EXPECT_FALSE(accounts_.any().value());
  const auto bob = installation_.add_account("bob");
  const auto alice = installation_.add_account("alice");
  EXPECT_TRUE(accounts_.any().value());
  EXPECT_EQ(accounts_.find("alice")->id, alice.id);
  EXPECT_EQ(accounts_.find(bob.id)->name, "bob");
  const auto all = accounts_.list();
  ASSERT_EQ(all->size(), 2u);
  EXPECT_EQ(all->at(0).name, "alice");
  EXPECT_EQ(all->at(1).name, "bob");
}

TEST_P(AccountsTest, AnswersNotFoundForWhoIsNotThere) {
  for (const std::string& name :
       {std::string("nobody-here"), std::string("a\0b", 3), std::string("\xff\xfe"), std::string()}) {
    EXPECT_THAT(accounts_.find(name), FailsWith(Errc::not_found));
    EXPECT_THAT(accounts_.credentials(name), FailsWith(Errc::not_found));
    EXPECT_THAT(accounts_.set_active(name, false, some_origin()), FailsWith(Errc::not_found));
    EXPECT_THAT(accounts_.set_administrator(name, true, some_origin()), FailsWith(Errc::not_found));
    EXPECT_THAT(accounts_.set_password(name, password(), some_origin()), FailsWith(Errc::not_found));
  }
  EXPECT_THAT(accounts_.find(std::int64_t{17}), FailsWith(Errc::not_found));
  EXPECT_EQ(accounts_.peek(17), nullptr);
  EXPECT_THAT(installation_.events(), ElementsAre());
}

TEST_P(AccountsTest, DisablesOnceWithOneEventAndANewVersion) {
  const auto before = installation_.add_account("alice");
  ASSERT_THAT(accounts_.set_active("alice", false, some_origin()), Succeeds());
  ASSERT_THAT(accounts_.set_active("alice", false, some_origin()), Succeeds());
  const auto after = accounts_.find("alice");
  EXPECT_FALSE(after->active());
  EXPECT_EQ(after->credential_version, before.credential_version + 1);
  EXPECT_EQ(installation_.events().size(), 2u);
  EXPECT_EQ(installation_.last_event().action, "account_disabled");

  ASSERT_THAT(accounts_.set_active("alice", true, some_origin()), Succeeds());
  EXPECT_EQ(accounts_.find("alice")->credential_version, before.credential_version + 1);
  EXPECT_EQ(installation_.last_event().action, "account_enabled");
}

TEST_P(AccountsTest, ChangesAPasswordWithItsVersion) {
  const auto before = installation_.add_account("alice");
  ASSERT_THAT(accounts_.set_password("alice", password("another long one"), some_origin()), Succeeds());
  const auto credentials = accounts_.credentials("alice");
  EXPECT_TRUE(installation_.hasher.verify(password("another long one"), credentials->password_hash));
  EXPECT_EQ(credentials->account.credential_version, before.credential_version + 1);
  EXPECT_EQ(installation_.last_event().action, "account_password_changed");
  EXPECT_THAT(accounts_.set_password("alice", password("short"), some_origin()),
              FailsWith(Errc::invalid_argument));
}

TEST_P(AccountsTest, MakesAndUnmakesAdministratorsWithEvidence) {
  installation_.add_account("alice");
  installation_.add_account("root", true);
  ASSERT_THAT(accounts_.set_administrator("alice", true, some_origin()), Succeeds());
  EXPECT_TRUE(accounts_.find("alice")->administrator());
  EXPECT_EQ(installation_.last_event().detail, "administrator");
  ASSERT_THAT(accounts_.set_administrator("alice", true, some_origin()), Succeeds());
  ASSERT_THAT(accounts_.set_administrator("alice", false, some_origin()), Succeeds());
  EXPECT_FALSE(accounts_.find("alice")->administrator());
  EXPECT_EQ(installation_.last_event().detail, "none");
  EXPECT_EQ(installation_.events().size(), 4u);
}

TEST_P(AccountsTest, UpgradesAHashOnlyWhileItIsTheOldOne) {
  const auto account = installation_.add_account("alice");
  const std::string old_hash = accounts_.credentials("alice")->password_hash;
  ASSERT_THAT(accounts_.upgrade_hash(account.id, old_hash, "newer"), Succeeds());
  ASSERT_THAT(accounts_.upgrade_hash(account.id, old_hash, "too late"), Succeeds());
  EXPECT_EQ(accounts_.credentials("alice")->password_hash, "newer");
  EXPECT_EQ(accounts_.find("alice")->credential_version, account.credential_version);
  EXPECT_EQ(installation_.events().size(), 1u);
}

TEST_P(AccountsTest, RemembersWhatItFoundAndForgetsWhatChanged) {
  const auto account = installation_.add_account("alice");
  EXPECT_EQ(accounts_.peek(account.id), nullptr);
  ASSERT_THAT(accounts_.find(account.id), Succeeds());
  ASSERT_NE(accounts_.peek(account.id), nullptr);
  EXPECT_EQ(accounts_.peek(account.id)->name, "alice");

  ASSERT_THAT(accounts_.set_active("alice", false, some_origin()), Succeeds());
  const auto peeked = accounts_.peek(account.id);
  EXPECT_TRUE(peeked == nullptr || !peeked->active());
}

TEST_P(AccountsTest, NeverShowsAStateOlderThanTheLastFinishedChange) {
  const auto account = installation_.add_account("alice");
  std::atomic<std::int64_t> finished{account.credential_version};
  std::atomic<bool> stop{false};
  std::atomic<bool> stale{false};
  const auto look = [&] {
    while (!stop) {
      const std::int64_t at_least = finished;
      const auto peeked = accounts_.peek(account.id);
      if (peeked && peeked->credential_version < at_least) stale = true;
      const auto found = accounts_.find(account.id);
      if (!found || found->credential_version < at_least) stale = true;
    }
  };
  std::thread first(look);
  std::thread second(look);
  for (int i = 0; i < 30; ++i) {
    EXPECT_THAT(accounts_.set_active("alice", i % 2 == 1, some_origin()), Succeeds());
    // Disabling raises the version; enabling leaves it.
    finished = account.credential_version + i / 2 + 1;
  }
  stop = true;
  first.join();
  second.join();
  EXPECT_FALSE(stale);
}

TEST_P(AccountsTest, AsksAgainInTheTransactionWhetherItMay) {
  const auto before = installation_.add_account("alice");
  const auto events = installation_.events().size();
  const db::Condition gone([](db::Session&) -> Result<void> { return Error{Errc::denied, "gone"}; });
  EXPECT_THAT(accounts_.set_password("alice", password("a new password"), some_origin()),
              FailsWith(Errc::denied));
  EXPECT_THAT(accounts_.create("bob", password("a new password"), false, some_origin()),
              FailsWith(Errc::denied));
  EXPECT_EQ(accounts_.find("alice")->credential_version, before.credential_version);
  EXPECT_EQ(installation_.events().size(), events);
}

TEST_P(AccountsTest, KeepsTheLastActiveOwnerOfAnOrganization) {
  const auto alice = installation_.add_account("alice");
  const auto bob = installation_.add_account("bob");
  installation_.write(
      "INSERT INTO organizations (id, name, display_name, created_at) VALUES (7, 'acme', '', 0)");
  for (const Account& owner : {alice, bob})
    installation_.write(
        "INSERT INTO organization_members (organization_id, account_id, role) VALUES (7, ?, 'owner')",
        {owner.id});
  ASSERT_THAT(accounts_.set_state("bob", AccountState::locked, some_origin()), Succeeds());
  const auto events = installation_.events().size();
  for (const AccountState state : {AccountState::disabled, AccountState::locked}) {
    const auto refused = accounts_.set_state("alice", state, some_origin());
    ASSERT_THAT(refused, FailsWith(Errc::conflict));
    EXPECT_NE(refused.error().message.find("acme"), std::string::npos);
  }
  EXPECT_TRUE(accounts_.find("alice")->active());
  EXPECT_EQ(installation_.events().size(), events);
  EXPECT_THAT(accounts_.set_state("bob", AccountState::disabled, some_origin()), Succeeds())
      << "stopped already";
  ASSERT_THAT(accounts_.set_state("bob", AccountState::active, some_origin()), Succeeds());
  EXPECT_THAT(accounts_.set_state("alice", AccountState::disabled, some_origin()), Succeeds());
}

TEST_P(AccountsTest, LocksAndUnlocksWithEvidenceAndEndsTokens) {
  const auto before = installation_.add_account("alice");
  ASSERT_THAT(accounts_.set_state("alice", AccountState::locked, some_origin()), Succeeds());
  ASSERT_THAT(accounts_.set_state("alice", AccountState::locked, some_origin()), Succeeds());
  const auto locked = accounts_.find("alice").value();
  EXPECT_EQ(locked.state, AccountState::locked);
  EXPECT_FALSE(locked.active());
  EXPECT_EQ(locked.credential_version, before.credential_version + 1);
  EXPECT_EQ(installation_.last_event().action, "account_locked");
  EXPECT_EQ(installation_.events().size(), 2u);

  ASSERT_THAT(accounts_.set_state("alice", AccountState::active, some_origin()), Succeeds());
  EXPECT_TRUE(accounts_.find("alice")->active());
  EXPECT_EQ(accounts_.find("alice")->credential_version, locked.credential_version);
  EXPECT_EQ(installation_.last_event().action, "account_enabled");
}

TEST_P(AccountsTest, KeepsTheLastActiveAdministrator) {
  installation_.add_account("alice", true);
  installation_.add_account("bob", true);
  ASSERT_THAT(accounts_.set_active("bob", false, some_origin()), Succeeds());
  const auto events = installation_.events().size();
  for (const AccountState state : {AccountState::disabled, AccountState::locked})
    EXPECT_THAT(accounts_.set_state("alice", state, some_origin()), FailsWith(Errc::conflict));
  for (const SystemRole role : {SystemRole::none, SystemRole::auditor, SystemRole::security_officer})
    EXPECT_THAT(accounts_.set_system_role("alice", role, some_origin()), FailsWith(Errc::conflict));
  EXPECT_TRUE(accounts_.find("alice")->active());
  EXPECT_TRUE(accounts_.find("alice")->administrator());
  EXPECT_EQ(installation_.events().size(), events);

  ASSERT_THAT(accounts_.set_active("bob", true, some_origin()), Succeeds());
  EXPECT_THAT(accounts_.set_system_role("alice", SystemRole::auditor, some_origin()), Succeeds());
}

TEST_P(AccountsTest, OneOfTwoAdministratorsWhoStopEachOtherAtOnceStays) {
  installation_.add_account("alice", true);
  installation_.add_account("bob", true);
  std::atomic<int> stopped{0};
  std::thread first([&] { stopped += accounts_.set_active("alice", false, some_origin()).has_value(); });
  std::thread second(
      [&] { stopped += accounts_.set_administrator("bob", false, some_origin()).has_value(); });
  first.join();
  second.join();
  EXPECT_EQ(stopped, 1);
}

TEST_P(AccountsTest, GivesSystemRolesToPeopleOnly) {
  installation_.add_account("alice");
  installation_.write(
      "INSERT INTO accounts (name, kind, state, password_hash, created_at) VALUES ('acme+ci', 'robot', "
      "'active', '', 0)");
  for (const SystemRole role :
       {SystemRole::auditor, SystemRole::security_officer, SystemRole::administrator}) {
    ASSERT_THAT(accounts_.set_system_role("alice", role, some_origin()), Succeeds());
    EXPECT_EQ(accounts_.find("alice")->system_role, role);
    EXPECT_EQ(installation_.last_event().detail, name(role));
    EXPECT_THAT(accounts_.set_system_role("acme+ci", role, some_origin()), FailsWith(Errc::invalid_argument));
  }
}

TEST_P(AccountsTest, KnowsARobotAndGivesItNoPassword) {
  installation_.write(
      "INSERT INTO accounts (name, kind, state, password_hash, created_at) VALUES ('acme+ci', 'robot', "
      "'active', '', 0)");
  EXPECT_EQ(accounts_.find("acme+ci")->kind, AccountKind::robot);
  EXPECT_THAT(accounts_.set_active("acme+ci", false, some_origin()), Succeeds());
  EXPECT_THAT(accounts_.credentials("acme+ci"), FailsWith(Errc::not_found));
  EXPECT_THAT(accounts_.set_password("acme+ci", password(), some_origin()),
              FailsWith(Errc::invalid_argument));
}

TEST_P(AccountsTest, KeepsAProfileAndSaysWhatChanged) {
  installation_.add_account("alice");
  ASSERT_THAT(
      accounts_.set_profile(
          "alice", {.display_name = "Alice Ångström", .email = "alice@Example.COM", .email_verified = true},
          some_origin()),
      Succeeds());
  auto alice = accounts_.find("alice").value();
  EXPECT_EQ(alice.display_name, "Alice Ångström");
  EXPECT_EQ(alice.email, "alice@example.com");
  EXPECT_TRUE(alice.email_verified);
  EXPECT_EQ(installation_.last_event().action, "account_profile_changed");
  EXPECT_EQ(installation_.last_event().detail,
            R"({"display_name":"Alice Ångström","email":"alice@example.com","email_verified":true})");

  const auto events = installation_.events().size();
  ASSERT_THAT(
      accounts_.set_profile("alice", {.display_name = "Alice Ångström", .email = {}, .email_verified = {}},
                            some_origin()),
      Succeeds());
  EXPECT_EQ(installation_.events().size(), events);

  ASSERT_THAT(
      accounts_.set_profile("alice", {.display_name = {}, .email = "other@example.com", .email_verified = {}},
                            some_origin()),
      Succeeds());
  alice = accounts_.find("alice").value();
  EXPECT_FALSE(alice.email_verified) << "another address is not verified";
  EXPECT_EQ(alice.display_name, "Alice Ångström");
}

TEST_P(AccountsTest, RefusesABadProfileAndChangesNothing) {
  installation_.add_account("alice");
  const auto events = installation_.events().size();
  EXPECT_THAT(accounts_.set_profile("alice", {.display_name = "a\nb", .email = {}, .email_verified = {}},
                                    some_origin()),
              FailsWith(Errc::invalid_argument));
  EXPECT_THAT(accounts_.set_profile("alice", {.display_name = {}, .email = "a@b\r\nc", .email_verified = {}},
                                    some_origin()),
              FailsWith(Errc::invalid_argument));
  EXPECT_THAT(accounts_.set_profile("alice", {.display_name = {}, .email = {}, .email_verified = true},
                                    some_origin()),
              FailsWith(Errc::invalid_argument));
  EXPECT_THAT(accounts_.set_profile("nobody-here", {}, some_origin()), FailsWith(Errc::not_found));
  EXPECT_EQ(installation_.events().size(), events);
}

TEST_P(AccountsTest, ListsPageByPageAndOfOneKindOrState) {
  for (const char* name : {"bob", "alice", "carol"}) installation_.add_account(name);
  installation_.write(
      "INSERT INTO accounts (name, kind, state, password_hash, created_at) VALUES ('bob+ci', 'robot', "
      "'active', '', 0)");
  ASSERT_THAT(accounts_.set_active("carol", false, some_origin()), Succeeds());
  const auto names = [&](const Accounts::Page& page) {
    std::vector<std::string> all;
    for (const Account& account : accounts_.list(page).value()) all.push_back(account.name);
    return all;
  };
  EXPECT_THAT(names({.after = "", .limit = 2, .kind = {}, .state = {}}), ElementsAre("alice", "bob"));
  EXPECT_THAT(names({.after = "bob", .limit = 2, .kind = {}, .state = {}}), ElementsAre("bob+ci", "carol"));
  EXPECT_THAT(names({.after = "", .limit = 0, .kind = {}, .state = {}}), ElementsAre());
  EXPECT_THAT(names({.after = std::string("b\0", 2), .limit = 1, .kind = {}, .state = {}}),
              ElementsAre("bob"));
  EXPECT_THAT(names({.after = "\xff", .limit = 9, .kind = {}, .state = {}}), ElementsAre());
  EXPECT_THAT(names({.after = "", .limit = 9, .kind = AccountKind::robot, .state = {}}),
              ElementsAre("bob+ci"));
  EXPECT_THAT(names({.after = "", .limit = 9, .kind = AccountKind::person, .state = AccountState::active}),
              ElementsAre("alice", "bob"));
  EXPECT_THAT(names({.after = "", .limit = 9, .kind = {}, .state = AccountState::disabled}),
              ElementsAre("carol"));
}

INSTANTIATE_TEST_SUITE_P(Engines, AccountsTest, ::testing::Values(Engine::sqlite, Engine::postgres),
                         db::testing::engine_name);

}  // namespace
}  // namespace bulkhead::identity
