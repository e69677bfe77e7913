// The exchange of a CI's token, which anybody may ask for.
#include <gtest/gtest.h>

#include "api/tests/test_api.h"

namespace bulkhead::api::management {
namespace {

namespace json = boost::json;
using http::Method;

class WorkloadTokens : public ::testing::Test {
 protected:
  WorkloadTokens() {
    const auto alice = api_.caller("alice");
    const auto acme = api_.organizations.create("acme", "", alice.principal.account_id, {}).value();
    const auto robot = api_.robots.create_for_organization(acme.id, "ci", "", {}, {}).value();
    const auto app =
        api_.registry.facts->ensure(oci::RepositoryName::parse("acme/app").value(), alice.principal, {})
            .value();
    EXPECT_TRUE(
        api_.registry.facts->grant({false, "acme+ci"}, access::Role::writer, {false, "acme/app"}, {}));
    identity::NewWorkloadTrust trust;
    trust.robot_id = robot.account.id;
    trust.name = "main branch";
    trust.issuer = api_.issuer.url();
    trust.audience = "bulkhead";
    trust.rule = {{"repository_owner_id", "17"}, {"ref", "refs/heads/main"}};
    trust.scopes = {{.namespace_id = 0, .repository_id = app->id, .actions = {.pull = true, .push = true}}};
    EXPECT_TRUE(api_.workload.create(trust, {}));
  }

  unsigned exchange(const std::string& token) {
    return api_
        .send(ManagementCaller(), Method::post, "/workload/token",
              json::serialize(json::object{{"token", token}, {"robot", "acme+ci"}}))
        .status;
  }
  std::string mint() const {
    return identity::testing::mint(
        api_.issuer.key(), identity::testing::claims_of(api_.issuer.url(), api_.installation.clock.now()));
  }

  testing::TestApi api_;
};

TEST_F(WorkloadTokens, ThatAreRefusedTooOftenKeepTheirNetworkOut) {
  const identity::LoginLimits limits;
  std::string unknown = identity::testing::mint(
      api_.issuer.key(),
      identity::testing::claims_of("https://elsewhere.example", api_.installation.clock.now()));
  for (std::uint32_t i = 0; i + 1 < limits.passwords.per_network; ++i)
    ASSERT_EQ(exchange(unknown), 401u) << i;
  EXPECT_EQ(exchange(mint()), 200u) << "below the limit";
  EXPECT_EQ(exchange("not even a token"), 401u);
  EXPECT_EQ(exchange(unknown), 429u);
  const std::string good = mint();
  EXPECT_EQ(exchange(good), 429u) << "nothing is read for this network now";
  EXPECT_EQ(api_.journal.events().back().detail, "rate_limited");
  api_.installation.clock.advance(limits.passwords.window);
  EXPECT_EQ(exchange(mint()), 200u);
}

TEST_F(WorkloadTokens, DoNotCountWhenTheyAreGood) {
  const identity::LoginLimits limits;
  for (std::uint32_t i = 0; i < limits.passwords.per_network + 5; ++i) ASSERT_EQ(exchange(mint()), 200u) << i;
}

}  // namespace
}  // namespace bulkhead::api::management
