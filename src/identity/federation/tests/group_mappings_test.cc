// The part of LoginProviders that says which groups lead into which teams, and what goes with a provider.
#include "identity/federation/testing/login_providers_fixture.h"

#include <atomic>
#include <thread>

namespace bulkhead::identity {
namespace {

using db::testing::Engine;
using db::testing::FailsWith;
using db::testing::Succeeds;
using testing::Recorded;
using testing::some_origin;

class GroupMappingsTest : public testing::LoginProvidersFixture {
 protected:
  std::optional<MemberRole> role(const Account& account) {
    return members_.role(acme_.id, account.id).value();
  }

  Organization acme_ = organization("acme", alice_);
  Team devs_ = team(acme_, "devs");
  Team ops_ = team(acme_, "ops");
  LoginProvider corp_ = created(oidc("corp"));
  LoginProvider branch_ = created(oidc("branch"));
};

TEST_P(GroupMappingsTest, AreListedByGroupThenTeam) {
  ASSERT_THAT(map(corp_, "eng", ops_), Succeeds());
  ASSERT_THAT(map(corp_, "eng", devs_), Succeeds());
  ASSERT_THAT(map(corp_, R"(a "quoted" group)", devs_), Succeeds());
  EXPECT_EQ(installation_.last_event(),
            (Recorded{"group_mapping_added", "root-of-tests", "operator", "", "acme/devs",
                      R"({"provider":"corp","group":"a \"quoted\" group"})"}));
  const auto all = providers_.mappings(corp_.id).value();
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].group, R"(a "quoted" group)");
  EXPECT_EQ(all[1].group, "eng");
  EXPECT_EQ(all[1].team, "acme/devs");
  EXPECT_EQ(all[1].team_id, devs_.id);
  EXPECT_EQ(all[2].team, "acme/ops");
  EXPECT_TRUE(providers_.mappings(branch_.id)->empty());
  EXPECT_THAT(providers_.mappings(4711), FailsWith(Errc::not_found));
}

TEST_P(GroupMappingsTest, AddedTwiceAreOne) {
  ASSERT_THAT(map(corp_, "eng", devs_), Succeeds());
  const auto before = events();
  EXPECT_THAT(map(corp_, "eng", devs_), Succeeds());
  EXPECT_EQ(events(), before);
  EXPECT_THAT(map(corp_, "Eng", devs_), Succeeds()) << "compared byte by byte";
  EXPECT_EQ(count("group_mappings"), 2);
}

TEST_P(GroupMappingsTest, NeedAGroupATeamAndAProvider) {
  const auto before = events();
  for (const std::string& group : {std::string(), std::string(513, 'g'), std::string(1 << 20, 'g'),
                                   std::string("a\nb"), std::string("a\0b", 3), std::string("\xff")}) {
    EXPECT_THAT(map(corp_, group, devs_), FailsWith(Errc::invalid_argument));
    EXPECT_THAT(unmap(corp_, group, devs_), FailsWith(Errc::not_found));
  }
  EXPECT_THAT(providers_.add_mapping(corp_.id, "eng", 4711, some_origin()), FailsWith(Errc::not_found));
  EXPECT_THAT(providers_.add_mapping(4711, "eng", devs_.id, some_origin()), FailsWith(Errc::not_found));
  EXPECT_THAT(unmap(corp_, "eng", devs_), FailsWith(Errc::not_found));
  EXPECT_EQ(events(), before);
  EXPECT_EQ(count("group_mappings"), 0);
  EXPECT_THAT(map(corp_, std::string(512, 'g'), devs_), Succeeds());
}

TEST_P(GroupMappingsTest, AreLimitedInNumber) {
  for (std::size_t i = 0; i < LoginProviders::kMostMappings; ++i)
    installation_.write("INSERT INTO group_mappings (provider_id, external_group, team_id) VALUES (?, ?, ?)",
                        {corp_.id, "g" + std::to_string(i), devs_.id});
  EXPECT_THAT(map(corp_, "one more", devs_), FailsWith(Errc::conflict));
  EXPECT_THAT(map(corp_, "g7", devs_), Succeeds()) << "it is there already";
  EXPECT_THAT(map(branch_, "one more", devs_), Succeeds());
  EXPECT_EQ(count("group_mappings"), static_cast<std::int64_t>(LoginProviders::kMostMappings) + 1);
}

TEST_P(GroupMappingsTest, EndMembershipsWithTheLastGroupThatLeadsToTheTeam) {
  ASSERT_THAT(map(corp_, "eng", devs_), Succeeds());
  ASSERT_THAT(map(corp_, "dev", devs_), Succeeds());
  ASSERT_THAT(map(branch_, "eng", devs_), Succeeds());
  enter(corp_, bob_, {devs_.id});
  ASSERT_THAT(unmap(corp_, "eng", devs_), Succeeds());
  EXPECT_TRUE(in_team(devs_, bob_));
  ASSERT_THAT(unmap(corp_, "dev", devs_), Succeeds());
  EXPECT_TRUE(in_team(devs_, bob_)) << "the other provider's group is left";
  const int before = roles_changed_;
  ASSERT_THAT(unmap(branch_, "eng", devs_), Succeeds());
  EXPECT_GT(roles_changed_, before);
  EXPECT_FALSE(in_team(devs_, bob_));
  EXPECT_EQ(role(bob_), std::nullopt) << "the organization with the last team";
  EXPECT_EQ(installation_.last_event(), (Recorded{"group_mapping_removed", "root-of-tests", "operator", "",
                                                  "acme/devs", R"({"provider":"branch","group":"eng"})"}));
}

TEST_P(GroupMappingsTest, GoWithTheirTeam) {
  ASSERT_THAT(map(corp_, "eng", devs_), Succeeds());
  ASSERT_THAT(map(corp_, "eng", ops_), Succeeds());
  enter(corp_, bob_, {devs_.id});
  ASSERT_THAT(teams_.remove(devs_.id, some_origin()), Succeeds());
  const auto left = providers_.mappings(corp_.id).value();
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].team, "acme/ops");
  EXPECT_THAT(map(corp_, "eng", devs_), FailsWith(Errc::not_found));
}

TEST_P(GroupMappingsTest, ARemovedProviderTakesAllAlongThatItGave) {
  ASSERT_THAT(map(corp_, "eng", devs_), Succeeds());
  ASSERT_THAT(map(corp_, "eng", ops_), Succeeds());
  ASSERT_THAT(map(branch_, "eng", ops_), Succeeds());
  enter(corp_, bob_, {devs_.id, ops_.id});
  enter(corp_, carol_, {devs_.id});
  join(acme_, carol_);
  ASSERT_THAT(teams_.add_member(devs_.id, carol_.id, some_origin()), Succeeds());
  link(corp_, "bob's id", bob_);
  link(branch_, "bob's id", bob_);
  begin_log_in(corp_);
  begin_log_in(branch_);
  const auto own = sessions_.start(bob_, false, some_origin()).value();
  const auto backed =
      sessions_
          .start(bob_, false, {corp_.id, "bob's id", Secret<>(std::string("refresh")), corp_.stored},
                 some_origin())
          .value();
  const auto others =
      sessions_.start(bob_, false, {branch_.id, "bob's id", {}, branch_.stored}, some_origin()).value();
  ASSERT_THAT(sessions_.verify(backed.secret.reveal(), "192.0.2.7"), Succeeds());

  ASSERT_THAT(providers_.remove(corp_.id, some_origin()), Succeeds());
  EXPECT_EQ(installation_.last_event(), (Recorded{"login_provider_removed", "root-of-tests", "operator", "",
                                                  "corp", R"({"identities":1,"mappings":2,"sessions":1})"}));
  EXPECT_THAT(sessions_.verify(backed.secret.reveal(), "192.0.2.7"), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(sessions_.verify(own.secret.reveal(), "192.0.2.7"), Succeeds());
  EXPECT_THAT(sessions_.verify(others.secret.reveal(), "192.0.2.7"), Succeeds());
  EXPECT_FALSE(in_team(devs_, bob_));
  EXPECT_TRUE(in_team(ops_, bob_)) << "the other provider leads there too";
  EXPECT_TRUE(in_team(devs_, carol_)) << "somebody put her there";
  EXPECT_EQ(count("external_identities"), 1);
  EXPECT_EQ(count("external_sessions"), 1);
  EXPECT_EQ(count("login_requests"), 1);
  EXPECT_EQ(count("group_mappings"), 1);
  EXPECT_THAT(installation_.accounts.find("bob"), Succeeds()) << "accounts stay";
  EXPECT_THAT(providers_.find("corp"), FailsWith(Errc::not_found));
  EXPECT_THAT(providers_.remove(corp_.id, some_origin()), FailsWith(Errc::not_found));

  // One of the same name is another: nobody is known to it.
  const auto again = created(oidc("corp"));
  EXPECT_NE(again.id, corp_.id);
  EXPECT_TRUE(providers_.mappings(again.id)->empty());
}

TEST_P(GroupMappingsTest, ARemovalLeavesNoSessionThatBeganMeanwhile) {
  std::atomic<bool> removed{false};
  std::vector<Sessions::Started> started;
  std::thread logs_in([&] {
    while (!removed) {
      auto session = sessions_.start(bob_, false, {corp_.id, "bob's id"}, some_origin());
      if (!session) break;
      started.push_back(*std::move(session));
    }
  });
  EXPECT_THAT(providers_.remove(corp_.id, some_origin()), Succeeds());
  removed = true;
  logs_in.join();
  EXPECT_EQ(count("sessions"), 0);
  for (const auto& session : started)
    EXPECT_THAT(sessions_.verify(session.secret.reveal(), "192.0.2.7"), FailsWith(Errc::unauthenticated));
}

INSTANTIATE_TEST_SUITE_P(Engines, GroupMappingsTest, ::testing::Values(Engine::sqlite, Engine::postgres),
                         db::testing::engine_name);

}  // namespace
}  // namespace bulkhead::identity
