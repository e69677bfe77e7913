// An installation with three people and the services that say who belongs where.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "db/testing/database_contract.h"
#include "identity/people/account_changes.h"
#include "identity/people/invitations.h"
#include "identity/people/members.h"
#include "identity/people/organizations.h"
#include "identity/people/robots.h"
#include "identity/people/teams.h"
#include "identity/people/testing/installation.h"

namespace bulkhead::identity::testing {

class DirectoryFixture : public ::testing::TestWithParam<db::testing::Engine> {
 protected:
  Organization organization(std::string_view name, const Account& owner) {
    return organizations_.create(name, "", owner.id, some_origin()).value();
  }
  void join(const Organization& organization, const Account& account, MemberRole role = MemberRole::member) {
    EXPECT_THAT(members_.set(organization.id, account.id, role, some_origin()), db::testing::Succeeds());
  }
  Team team(const Organization& organization, std::string_view name,
            std::optional<std::int64_t> parent = {}) {
    return teams_.create(organization.id, name, parent, some_origin()).value();
  }

  std::int64_t integer(std::string_view sql, std::vector<db::Value> parameters = {}) {
    return installation_.read(sql, std::move(parameters)).at(0).integer(0);
  }
  std::int64_t count(std::string_view table) {
    return integer(std::string("SELECT COUNT(*) FROM ") + std::string(table));
  }
  // The number of a new repository, owned by nobody unless said otherwise.
  std::int64_t repository(std::string_view name, const db::Value& owner = {}, std::string_view contact = "") {
    const std::string space(name.substr(0, name.find('/')));
    installation_.write(
        "INSERT INTO repositories (namespace_id, name, visibility, owner_id, contact, created_at) "
        "SELECT id, ?, 'private', ?, ?, 0 FROM namespaces WHERE name = ?",
        {std::string(name), owner, std::string(contact), space});
    return integer("SELECT id FROM repositories WHERE name = ?", {std::string(name)});
  }
  std::string repository_name(std::int64_t id) {
    return installation_.read("SELECT name FROM repositories WHERE id = ?", {id}).at(0).text(0);
  }
  std::int64_t namespace_of(std::string_view name) {
    return integer("SELECT id FROM namespaces WHERE name = ?", {std::string(name)});
  }
  std::size_t events() { return installation_.events().size(); }

  Installation installation_{GetParam()};
  std::atomic<int> roles_changed_{0};
  Directory directory_{*installation_.database, installation_.accounts, installation_.clock,
                       [this] { ++roles_changed_; }};
  Organizations organizations_{directory_};
  Members members_{directory_};
  Teams teams_{directory_};
  Robots robots_{directory_};
  Invitations invitations_{directory_, installation_.keyring};
  AccountChanges account_changes_{directory_};
  Account alice_ = installation_.add_account("alice");
  Account bob_ = installation_.add_account("bob");
  Account carol_ = installation_.add_account("carol");
};

}  // namespace bulkhead::identity::testing
