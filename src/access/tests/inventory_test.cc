#include "access/inventory.h"

#include <gtest/gtest.h>

#include "db/testing/database_contract.h"
#include "identity/login/policies.h"
#include "identity/people/directory.h"
#include "identity/people/members.h"
#include "identity/people/organizations.h"
#include "identity/people/teams.h"
#include "identity/people/testing/installation.h"

namespace bulkhead::access {
namespace {

using identity::testing::some_origin;

class Inventory : public ::testing::TestWithParam<db::testing::Engine> {
 protected:
  template <class Read>
  auto in_session(Read read) {
    decltype(read(std::declval<db::Session&>())) out = Error{Errc::internal, "not run"};
    const auto done = installation_.database->read([&](db::Session& session) -> Result<void> {
      out = read(session);
      return {};
    });
    if (!done) throw std::runtime_error(done.error().message);
    if (!out) throw std::runtime_error(out.error().message);
    return *std::move(out);
  }

  std::vector<std::string> namespaces(std::optional<std::int64_t> owner, std::string_view after = "",
                                      std::size_t limit = 100) {
    std::vector<std::string> names;
    for (const auto& each :
         in_session([&](db::Session& session) { return read_namespaces(session, owner, after, limit); }))
      names.push_back(each.name);
    return names;
  }

  std::vector<std::string> given(const GrantTarget& target, std::string_view after = "",
                                 std::size_t limit = 100) {
    std::vector<std::string> out;
    for (const auto& each :
         in_session([&](db::Session& session) { return read_given_roles(session, target, after, limit); }))
      out.push_back(render(each.subject) + " " + std::string(name(each.role)));
    return out;
  }

  identity::testing::Installation installation_{GetParam()};
  identity::Policies policies_{*installation_.database, installation_.clock, 100};
  Facts facts_{*installation_.database, installation_.accounts, policies_, installation_.clock, 100, true};
  identity::Directory directory_{*installation_.database, installation_.accounts, installation_.clock, [] {}};
  identity::Organizations organizations_{directory_};
  identity::Teams teams_{directory_};
  identity::Members members_{directory_};
  std::int64_t alice_ = installation_.add_account("alice").id;
  std::int64_t bob_ = installation_.add_account("bob").id;
};
using Names = std::vector<std::string>;

TEST_P(Inventory, ListsNamespacesByNameFromTheInstallationsOwnOn) {
  ASSERT_TRUE(organizations_.create("acme", "", alice_, some_origin()));
  EXPECT_EQ(namespaces({}), (Names{"", "acme", "alice", "bob"}));
  EXPECT_EQ(namespaces({}, "", 2), (Names{"", "acme"}));
  EXPECT_EQ(namespaces({}, "/", 2), (Names{"acme", "alice"}));
  EXPECT_EQ(namespaces({}, "bob"), Names());
}

TEST_P(Inventory, ListsTheNamespacesOfAnOwner) {
  const auto acme = organizations_.create("acme", "", alice_, some_origin());
  ASSERT_TRUE(acme);
  ASSERT_TRUE(members_.set(acme->id, bob_, identity::MemberRole::member, some_origin()));
  EXPECT_EQ(namespaces(alice_), (Names{"acme", "alice"}));
  EXPECT_EQ(namespaces(bob_), Names{"bob"});
  ASSERT_TRUE(members_.set(acme->id, bob_, identity::MemberRole::owner, some_origin()));
  EXPECT_EQ(namespaces(bob_), (Names{"acme", "bob"}));
}

TEST_P(Inventory, KnowsWhoseANamespaceIsAndItsQuota) {
  ASSERT_TRUE(organizations_.create("acme", "", alice_, some_origin()));
  ASSERT_TRUE(facts_.set_quota("acme", 7, some_origin()));
  const auto acme = in_session([](db::Session& session) { return read_namespace(session, "acme"); });
  EXPECT_EQ(acme.owner, "acme");
  EXPECT_TRUE(acme.of_organization);
  EXPECT_EQ(acme.quota_bytes, 7);
  const auto alice = in_session([](db::Session& session) { return read_namespace(session, "alice"); });
  EXPECT_EQ(alice.owner, "alice");
  EXPECT_FALSE(alice.of_organization);
  EXPECT_EQ(alice.quota_bytes, std::nullopt);
  const auto none = installation_.database->read([](db::Session& session) -> Result<void> {
    const auto found = read_namespace(session, "none");
    if (!found) return found.error();
    return {};
  });
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Errc::name_unknown);
}

TEST_P(Inventory, ListsRolesOfAccountsAndTeams) {
  const auto acme = organizations_.create("acme", "", alice_, some_origin());
  ASSERT_TRUE(acme);
  ASSERT_TRUE(teams_.create(acme->id, "dev", std::nullopt, some_origin()));
  const GrantTarget space{true, "acme"};
  ASSERT_TRUE(facts_.grant({false, "bob"}, Role::reader, space, some_origin()));
  ASSERT_TRUE(facts_.grant({true, "acme/dev"}, Role::writer, space, some_origin()));
  EXPECT_EQ(given(space), (Names{"bob reader", "team:acme/dev writer"}));
  EXPECT_EQ(given(space, "", 1), Names{"bob reader"});
  EXPECT_EQ(given(space, "bob"), Names{"team:acme/dev writer"});
  EXPECT_EQ(given({false, "acme/app"}), Names());
  const auto one = [&](const GrantSubject& subject) {
    return in_session([&](db::Session& session) { return read_given_role(session, space, subject); });
  };
  EXPECT_EQ(one({true, "acme/dev"})->role, Role::writer);
  EXPECT_FALSE(one({false, "alice"}).has_value());
}

INSTANTIATE_TEST_SUITE_P(Engines, Inventory,
                         ::testing::Values(db::testing::Engine::sqlite, db::testing::Engine::postgres),
                         db::testing::engine_name);

}  // namespace
}  // namespace bulkhead::access
