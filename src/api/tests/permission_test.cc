// Who is let into the operations that take more than one look: on robots, on the states of accounts, and on
// what is one's own and still another's to change.
#include "api/management/permission.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "api/tests/test_api.h"
#include "base/percent.h"

namespace bulkhead::api::management {
namespace {

using access::Role;
using http::Method;
using identity::SystemRole;

class Permissions : public ::testing::Test {
 protected:
  unsigned status(const ManagementCaller& who, Method method, std::string_view target,
                  std::string_view body = "") {
    return api_.send(who, method, target, body, {.if_match = "*"}).status;
  }
  // A robot of the repository, which is made when it is not there.
  std::string robot_of(std::string_view repository) {
    const auto made = api_.robots.create_for_repository(api_.registry.repository(repository).id, "bot", "",
                                                        std::nullopt, {});
    return "/robots/" + percent_encode(made.value().account.name);
  }

  testing::TestApi api_;
  ManagementCaller alice_ = api_.caller("alice");
  ManagementCaller bob_ = api_.caller("bob");
  ManagementCaller officer_ = api_.caller("olivia", SystemRole::security_officer);
  ManagementCaller admin_ = api_.caller("root-admin", SystemRole::administrator);
};

TEST_F(Permissions, RobotsOfRepositoriesAreTheirOwnersToManage) {
  const std::string robot = robot_of("alice/app");
  EXPECT_EQ(status(alice_, Method::get, robot), 200u);
  EXPECT_EQ(status(bob_, Method::get, robot), 404u);
  api_.registry.grant("bob", Role::maintainer, "alice/app");
  EXPECT_EQ(status(bob_, Method::get, robot), 404u);
  ASSERT_TRUE(
      api_.registry.facts->change(*oci::RepositoryName::parse("alice/app"), {.owner = "bob"}, {}, {}));
  EXPECT_EQ(status(bob_, Method::get, robot), 200u);
  EXPECT_EQ(status(bob_, Method::get, "/users/alice%2Bbot/tokens"), 200u);
}

// Who merely pushed first is the owner as long as something else gives a role, and manages robots as long.
TEST_F(Permissions, RobotsOfARepositoryGoWithTheRoleOfWhoPushedItFirst) {
  const auto name = *oci::RepositoryName::parse("alice/app");
  api_.registry.as("alice");
  api_.registry.grant("bob", Role::writer, "alice/");
  ASSERT_TRUE(api_.registry.facts->ensure(name, bob_.principal, {}));
  const std::string robot = robot_of("alice/app");
  EXPECT_EQ(status(bob_, Method::get, robot), 200u);
  ASSERT_TRUE(api_.registry.facts->revoke({false, "bob"}, {true, "alice"}, {}));
  EXPECT_EQ(status(bob_, Method::get, robot), 404u);
  EXPECT_EQ(status(bob_, Method::get, "/users/alice%2Bbot/tokens"), 404u);
  EXPECT_EQ(status(bob_, Method::delete_, robot), 404u);
  EXPECT_EQ(status(alice_, Method::get, robot), 200u);
}

TEST_F(Permissions, ATokenManagesRobotsOfRepositoriesThatItReaches) {
  const std::string robot = robot_of("alice/app");
  ManagementCaller token = alice_;
  const auto limited_to = [&](std::string_view repository) {
    token.principal.ceiling = std::make_shared<const identity::TokenScopes>(std::vector{
        identity::TokenScope{.namespace_id = 0,
                             .repository_id = api_.registry.repository(repository).id,
                             .actions = identity::TokenActions{.pull = true, .push = true, .remove = true}}});
  };
  limited_to("alice/other");
  EXPECT_EQ(status(token, Method::delete_, robot), 404u);
  limited_to("alice/app");
  EXPECT_EQ(status(token, Method::delete_, robot), 204u);
}

TEST_F(Permissions, ARobotSeesItselfAndDoesNotManageItself) {
  const std::string robot = robot_of("alice/app");
  ManagementCaller bot = alice_;
  bot.principal.account = "alice+bot";
  bot.principal.account_id = api_.robots.find("alice+bot").value().account.id;
  EXPECT_EQ(status(bot, Method::get, "/users/alice%2Bbot"), 200u);
  EXPECT_EQ(status(bot, Method::get, "/users/alice%2Bbot/tokens"), 403u);
  EXPECT_EQ(status(bot, Method::delete_, robot), 403u);
  EXPECT_EQ(status(bot, Method::get, "/users/alice/tokens"), 404u);
}

// Also for those who may know because of a right on the whole installation.
TEST_F(Permissions, ANamespaceThatIsNotThereHasNoGrants) {
  EXPECT_EQ(status(admin_, Method::get, "/namespaces/alice/grants"), 200u);
  EXPECT_EQ(status(admin_, Method::get, "/namespaces/no-such-one/grants"), 404u);
  EXPECT_EQ(status(alice_, Method::get, "/namespaces/no-such-one/grants"), 404u);
}

TEST_F(Permissions, OfTheInstallationDoNotHideWhatIsTheCallersOwn) {
  EXPECT_EQ(status(alice_, Method::delete_, "/users/alice/factors"), 403u);
  EXPECT_EQ(status(bob_, Method::delete_, "/users/alice/factors"), 404u);
  EXPECT_EQ(status(alice_, Method::patch, "/namespaces/alice", R"({"quota_bytes":1})"), 403u);
  EXPECT_EQ(status(bob_, Method::patch, "/namespaces/alice", R"({"quota_bytes":1})"), 404u);
  EXPECT_EQ(status(admin_, Method::patch, "/namespaces/alice", R"({"quota_bytes":1})"), 200u);
}

TEST_F(Permissions, SecurityOfficersLockAccountsAndAdministratorsOpenThem) {
  const auto set = [this](const ManagementCaller& who, std::string_view state) {
    return status(who, Method::patch, "/users/alice", fmt::format(R"({{"state":"{}"}})", state));
  };
  EXPECT_EQ(set(officer_, "disabled"), 403u);
  EXPECT_EQ(set(officer_, "locked"), 200u);
  EXPECT_EQ(set(officer_, "active"), 403u);
  EXPECT_EQ(set(admin_, "active"), 200u);
  EXPECT_EQ(set(alice_, "locked"), 403u);
  EXPECT_EQ(set(bob_, "locked"), 404u);
}

TEST_F(Permissions, SecurityOfficersStopRobotsAndTheirManagersStartThem) {
  const std::string robot = robot_of("alice/app");
  EXPECT_EQ(status(officer_, Method::patch, robot, R"({"enabled":false})"), 200u);
  EXPECT_EQ(status(officer_, Method::patch, robot, R"({"enabled":true})"), 403u);
  EXPECT_EQ(status(alice_, Method::patch, robot, R"({"enabled":true})"), 200u);
  EXPECT_EQ(status(officer_, Method::patch, robot, R"({"enabled":false})"), 200u);
  EXPECT_EQ(status(admin_, Method::patch, robot, R"({"enabled":true})"), 200u);
}

}  // namespace
}  // namespace bulkhead::api::management
