#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "identity/workload/tests/workload_fixture.h"

namespace bulkhead::identity {
namespace {

using db::testing::Engine;
using db::testing::FailsWith;
using db::testing::Succeeds;
using ::testing::HasSubstr;
using testing::some_origin;

class WorkloadTrustsTest : public ::testing::TestWithParam<Engine> {
 protected:
  Result<WorkloadTrust> create(const NewWorkloadTrust& wanted) {
    return workload_.create(wanted, some_origin());
  }
  Result<WorkloadTrust> create_with(const std::function<void(NewWorkloadTrust&)>& change) {
    auto wanted = at_.trust();
    change(wanted);
    return create(wanted);
  }

  WorkloadFixture at_{GetParam()};
  Workload& workload_ = at_.workload;
};

TEST_P(WorkloadTrustsTest, MakesListsAndRemovesWithEvidence) {
  const auto made = create(at_.trust());
  ASSERT_THAT(made, Succeeds());
  EXPECT_EQ(made->created_at, at_.installation.clock.now());
  const auto created = at_.installation.last_event();
  EXPECT_EQ(created.action, "workload_trust_created");
  EXPECT_EQ(created.target, "acme+ci");
  EXPECT_THAT(created.detail, HasSubstr(R"("issuer":"https://ci.example")"));
  EXPECT_THAT(created.detail, HasSubstr(R"("repository_owner_id":"17")"));

  const auto listed = workload_.list(at_.robot_id);
  ASSERT_EQ(listed->size(), 1u);
  EXPECT_EQ(listed->front().id, made->id);
  EXPECT_EQ(listed->front().rule, at_.trust().rule);
  EXPECT_EQ(listed->front().scopes, at_.trust().scopes);
  EXPECT_EQ(listed->front().lifetime, std::chrono::seconds(600));

  EXPECT_TRUE(at_.changed_robots.empty());
  ASSERT_THAT(workload_.remove(at_.robot_id, made->id, some_origin()), Succeeds());
  EXPECT_EQ(at_.installation.last_event().action, "workload_trust_removed");
  EXPECT_EQ(workload_.list(at_.robot_id)->size(), 0u);
  EXPECT_TRUE(at_.installation.read("SELECT 1 FROM workload_trust_scopes").empty());
  EXPECT_THAT(workload_.remove(at_.robot_id, made->id, some_origin()), FailsWith(Errc::not_found));
}

TEST_P(WorkloadTrustsTest, RemovingEndsWhatWasIssuedThroughIt) {
  const auto made = create(at_.trust());
  const auto grant = at_.exchange(at_.mint());
  ASSERT_THAT(grant, Succeeds());
  ASSERT_THAT(workload_.remove(at_.robot_id, made->id, some_origin()), Succeeds());
  EXPECT_THAT(at_.changed_robots, ::testing::ElementsAre(at_.robot_id));
  EXPECT_EQ(at_.number("SELECT credential_version FROM accounts WHERE name = 'acme+ci'"),
            grant->credential_version + 1);
  EXPECT_THAT(at_.exchange(at_.mint()), FailsWith(Errc::unauthenticated));
}

TEST_P(WorkloadTrustsTest, OneRobotCannotRemoveAnothers) {
  const auto made = create(at_.trust());
  const auto other = at_.add_robot("acme+other");
  EXPECT_THAT(workload_.remove(other, made->id, some_origin()), FailsWith(Errc::not_found));
  EXPECT_EQ(workload_.list(at_.robot_id)->size(), 1u);
  EXPECT_EQ(workload_.list(other)->size(), 0u);
}

TEST_P(WorkloadTrustsTest, AreOfRobotsOnly) {
  const auto person = at_.installation.add_account("alice");
  EXPECT_THAT(create_with([&](auto& trust) { trust.robot_id = person.id; }), FailsWith(Errc::not_found));
  EXPECT_THAT(create_with([&](auto& trust) { trust.robot_id = 4711; }), FailsWith(Errc::not_found));
  EXPECT_THAT(workload_.remove(person.id, 1, some_origin()), FailsWith(Errc::not_found));
}

TEST_P(WorkloadTrustsTest, RefusesWhatNobodyShouldTrust) {
  const auto before = at_.state();
  const auto refuses = [&](const std::function<void(NewWorkloadTrust&)>& change) {
    const auto made = create_with(change);
    return made.has_error() && made.error().code == Errc::invalid_argument;
  };
  EXPECT_TRUE(refuses([](auto& trust) { trust.name = ""; }));
  EXPECT_TRUE(refuses([](auto& trust) { trust.name = std::string(kLongestTrustName + 1, 'x'); }));
  EXPECT_TRUE(refuses([](auto& trust) { trust.name = "a\nb"; }));
  EXPECT_TRUE(refuses([](auto& trust) { trust.issuer = ""; }));
  EXPECT_TRUE(refuses([](auto& trust) { trust.issuer = "http://ci.example"; }));
  EXPECT_TRUE(refuses([](auto& trust) { trust.issuer = "https://ci.example/?x"; }));
  EXPECT_TRUE(refuses([](auto& trust) { trust.audience = ""; }));
  EXPECT_TRUE(refuses([](auto& trust) { trust.audience = std::string(kLongestAudience + 1, 'x'); }));
  EXPECT_TRUE(refuses([](auto& trust) { trust.rule = {}; }));
  EXPECT_TRUE(refuses([](auto& trust) { trust.rule = {{"sub", "*"}}; }));
  EXPECT_TRUE(refuses([](auto& trust) { trust.scopes = {}; }));
  EXPECT_TRUE(
      refuses([](auto& trust) { trust.scopes.resize(kMostWorkloadScopes + 1, trust.scopes.front()); }));
  EXPECT_TRUE(refuses([](auto& trust) { trust.scopes.front().repository_id = 0; }));
  EXPECT_TRUE(refuses([](auto& trust) { trust.scopes.front().namespace_id = 1; }));
  EXPECT_TRUE(refuses([](auto& trust) { trust.scopes.front().actions = {}; }));
  EXPECT_TRUE(refuses([](auto& trust) { trust.lifetime = std::chrono::seconds(59); }));
  EXPECT_TRUE(refuses([](auto& trust) { trust.lifetime = std::chrono::seconds(901); }));
  EXPECT_TRUE(refuses([](auto& trust) { trust.preset = "jenkins"; }));
  EXPECT_EQ(at_.state(), before);
}

TEST_P(WorkloadTrustsTest, TakesTheLimitsThemselves) {
  EXPECT_THAT(create_with([](auto& trust) { trust.lifetime = std::chrono::seconds(60); }), Succeeds());
  EXPECT_THAT(create_with([](auto& trust) { trust.lifetime = std::chrono::seconds(900); }), Succeeds());
  EXPECT_THAT(
      create_with([](auto& trust) { trust.scopes.resize(kMostWorkloadScopes, trust.scopes.front()); }),
      Succeeds());
}

TEST_P(WorkloadTrustsTest, AreForRepositoriesAndNamespacesThatExist) {
  const auto before = at_.state();
  EXPECT_THAT(create_with([](auto& trust) { trust.scopes.front().repository_id = 4711; }),
              FailsWith(Errc::name_unknown));
  EXPECT_THAT(create_with([](auto& trust) {
                trust.scopes.front().repository_id = 0;
                trust.scopes.front().namespace_id = 4711;
              }),
              FailsWith(Errc::name_unknown));
  EXPECT_EQ(at_.state(), before);
}

TEST_P(WorkloadTrustsTest, AreOnlySoManyForOneRobot) {
  for (int i = 0; i < 32; ++i) ASSERT_THAT(create(at_.trust()), Succeeds());
  EXPECT_THAT(create(at_.trust()), FailsWith(Errc::quota_exceeded));
  const auto other = at_.add_robot("acme+other");
  EXPECT_THAT(create_with([&](auto& trust) { trust.robot_id = other; }), Succeeds());
}

TEST_P(WorkloadTrustsTest, APresetFillsInTheIssuerAndKnowsTheClaims) {
  const auto github = create_with([](auto& trust) {
    trust.preset = "github";
    trust.issuer = "";
    trust.rule = {{"repository_owner_id", "17"}, {"repository_id", "4711"}, {"ref", "refs/heads/main"}};
  });
  ASSERT_THAT(github, Succeeds());
  EXPECT_EQ(github->issuer, "https://token.actions.githubusercontent.com");
  const auto enterprise = create_with([](auto& trust) { trust.preset = "github"; });
  ASSERT_THAT(enterprise, Succeeds());
  EXPECT_EQ(enterprise->issuer, "https://ci.example");

  // A claim that no such token has, as by a slip of the pen.
  EXPECT_THAT(create_with([](auto& trust) {
                trust.preset = "github";
                trust.rule = {{"repository_owner_id", "17"}, {"branch", "main"}};
              }),
              FailsWith(Errc::invalid_argument));
  EXPECT_THAT(create_with([](auto& trust) {
                trust.preset = "gitlab";
                trust.rule = {{"sub", "project_path:acme/app:ref_type:branch:ref:main"}};
              }),
              FailsWith(Errc::invalid_argument));
  EXPECT_THAT(create_with([](auto& trust) {
                trust.preset = "kubernetes";
                trust.issuer = "";
                trust.rule = {{"/kubernetes.io/serviceaccount/uid", "u-1"}};
              }),
              FailsWith(Errc::invalid_argument));  // there is no public issuer to fill in
}

INSTANTIATE_TEST_SUITE_P(Engines, WorkloadTrustsTest, ::testing::Values(Engine::sqlite, Engine::postgres),
                         db::testing::engine_name);

}  // namespace
}  // namespace bulkhead::identity
