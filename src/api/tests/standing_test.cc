// What permitted a change is asked for again where it is made: here it goes between the two.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>
#include <thread>

#include "api/tests/test_api.h"

namespace bulkhead::api::management {
namespace {

using http::Method;
using identity::SystemRole;

// One test has it at a time.
std::function<void()>* meanwhile = nullptr;
std::optional<std::string> makes_in;

// Another's request comes between the permission and the change.
Result<Reply> change(Call& call) {
  call.makes_in = makes_in;
  std::thread([] { (*meanwhile)(); }).join();
  const auto done = call.services.database.write([](db::Session& session) -> Result<void> {
    const auto changed = session.execute("UPDATE accounts SET display_name = 'changed' WHERE name = 'alice'");
    if (!changed) return changed.error();
    return {};
  });
  if (!done) return done.error();
  return Reply(boost::json::object{});
}

constexpr Operation operation(std::string_view path, const char* id, Permission permission) {
  return {.method = Method::post, .path = path, .id = id, .permission = permission, .handler = change};
}
constexpr Operation kOperations[] = {
    operation("/anybody", "anybody", kAnyone),
    operation("/account", "account", kAccount),
    operation("/users/{user}", "self", kSelf),
    operation("/officers", "officers", may(access::SystemAction::contain_incident)),
    operation("/organizations/{organization}/members", "member", kMember),
    operation("/organizations/{organization}", "chair", kOrganizationOwner),
    operation("/namespaces/{namespace}", "space", kNamespaceOwner),
    operation("/repositories/{repository}", "reader", kReader),
    operation("/repositories/{repository}/tags", "maintainer", kMaintainer),
    operation("/robots/{robot}/tokens", "credentials", kCredentials),
};

class Standing : public ::testing::Test {
 protected:
  Standing() {
    api_.registry.as("alice");
    write("INSERT INTO organizations (id, name, display_name, created_at) VALUES (7, 'acme', '', 0)");
    write("INSERT INTO namespaces (name, organization_id, created_at) VALUES ('acme', 7, 0)");
    write(
        "INSERT INTO organization_members (organization_id, account_id, role) "
        "SELECT 7, id, 'owner' FROM accounts WHERE name = 'alice'");
    session_ =
        api_.sessions.start(api_.installation.accounts.find("alice").value(), false, {}).value().session.id;
    meanwhile = &meanwhile_;
  }
  ~Standing() override { meanwhile = nullptr; }

  void write(std::string_view sql) { api_.installation.write(sql); }
  // What the change is answered when that statement comes between.
  unsigned status(std::string_view path, std::string sql, SystemRole role = {}) {
    meanwhile_ = [this, sql = std::move(sql)] {
      if (!sql.empty()) write(sql);
    };
    auto caller = api_.caller("alice", role);
    caller.session_id = session_;
    const auto answer = api_.send(caller, Method::post, path);
    const auto name = api_.installation.read("SELECT display_name FROM accounts WHERE name = 'alice'");
    EXPECT_EQ(name.at(0).text(0) == "changed", answer.status == 200u) << path;
    api_.installation.write(
        "UPDATE accounts SET display_name = '', state = 'active', credential_version = ? WHERE name = "
        "'alice'",
        {caller.principal.credential_version});
    return answer.status;
  }

  void maintain(std::string_view repository) {
    const auto made = api_.registry.repository(repository);
    api_.registry.grant("alice", access::Role::maintainer, fmt::format("{}/", made.name.namespace_name()));
  }

  static std::vector<const Operation*> operations() {
    std::vector<const Operation*> all;
    for (const Operation& each : kOperations) all.push_back(&each);
    return all;
  }

  testing::TestApi api_{operations()};
  std::int64_t session_ = 0;
  std::function<void()> meanwhile_;
};

constexpr auto kNothing = "";
constexpr auto kNewPassword = "UPDATE accounts SET credential_version = credential_version + 1";
constexpr auto kLeaves = "DELETE FROM organization_members";
constexpr auto kBecomesMember = "UPDATE organization_members SET role = 'member'";

TEST_F(Standing, IsEnoughWhereNothingComesBetween) {
  maintain("bob/app");
  for (const char* path :
       {"/anybody", "/account", "/users/alice", "/organizations/acme/members", "/organizations/acme",
        "/namespaces/acme", "/repositories/bob%2Fapp", "/repositories/bob%2Fapp/tags"})
    EXPECT_EQ(status(path, kNothing), 200u) << path;
  EXPECT_EQ(status("/officers", kNothing, SystemRole::security_officer), 200u);
}

TEST_F(Standing, EndsWithTheLogInsOfTheAccount) {
  for (const char* path : {"/account", "/users/alice", "/organizations/acme", "/namespaces/acme"})
    EXPECT_EQ(status(path, kNewPassword), 401u) << path;
  EXPECT_EQ(status("/anybody", kNewPassword), 200u) << "asked for nothing";
  EXPECT_EQ(status("/account", "UPDATE accounts SET state = 'locked'"), 401u);
}

TEST_F(Standing, EndsWithTheSystemRole) {
  for (const char* less :
       {"UPDATE accounts SET system_role = ''", "UPDATE accounts SET system_role = 'auditor'"})
    EXPECT_EQ(status("/officers", less, SystemRole::security_officer), 403u) << less;
}

TEST_F(Standing, EndsWithTheMembership) {
  EXPECT_EQ(status("/organizations/acme", kBecomesMember), 403u);
  EXPECT_EQ(status("/organizations/acme/members", kLeaves), 403u);
}

// An operation that is open to members decides about more by its handler.
TEST_F(Standing, IsNoLessThanItWas) {
  EXPECT_EQ(status("/organizations/acme/members", kBecomesMember), 403u);
  EXPECT_EQ(status("/organizations/acme/members", kNothing), 200u);
}

TEST_F(Standing, EndsWithTheRoleInANamespaceOrARepository) {
  EXPECT_EQ(status("/namespaces/acme", kLeaves), 403u);
  maintain("bob/app");
  EXPECT_EQ(status("/repositories/bob%2Fapp/tags", "UPDATE namespace_grants SET role = 'reader'"), 403u);
  EXPECT_EQ(status("/repositories/bob%2Fapp", "DELETE FROM namespace_grants"), 403u);
}

TEST_F(Standing, OverARobotEndsWithThePlaceThatItBelongsTo) {
  const auto organizations = api_.installation.add_account("acme+ci");
  api_.installation.write("UPDATE accounts SET kind = 'robot' WHERE id = ?", {organizations.id});
  api_.installation.write("INSERT INTO robots (account_id, organization_id, description) VALUES (?, 7, '')",
                          {organizations.id});
  EXPECT_EQ(status("/robots/acme+ci/tokens", kNothing), 200u);
  EXPECT_EQ(status("/robots/acme+ci/tokens", kBecomesMember), 403u);
}

TEST_F(Standing, IsNotAskedOfWhatIsPublic) {
  maintain("bob/app");
  write("UPDATE repositories SET visibility = 'public'");
  write("DELETE FROM namespace_grants");
  EXPECT_EQ(status("/repositories/bob%2Fapp", kNothing), 200u);
}

// A handler that makes a repository says where.
TEST_F(Standing, EndsWithTheRightToMakeSomethingThere) {
  maintain("bob/app");
  makes_in = "bob";
  EXPECT_EQ(status("/account", kNothing), 200u);
  EXPECT_EQ(status("/account", "UPDATE namespace_grants SET role = 'reader'"), 403u);
  makes_in.reset();
}

TEST_F(Standing, EndsWithWhatAPolicyAsksFor) {
  meanwhile_ = [this] {
    identity::Policy policy;
    policy.mfa_required = true;
    EXPECT_TRUE(api_.policies.set(7, policy, identity::testing::some_origin()).has_value());
  };
  EXPECT_EQ(api_.send(api_.caller("alice"), Method::post, "/organizations/acme").status, 403u);
}

}  // namespace
}  // namespace bulkhead::api::management
