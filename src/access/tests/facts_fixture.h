// Three people, one of whom is administrator, and short words for what the tests of Facts do. Organizations
// and their like are written into the database as their own services would.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>

#include "access/facts.h"
#include "access/tokens.h"
#include "db/testing/database_contract.h"
#include "identity/login/policies.h"
#include "identity/people/testing/installation.h"

namespace bulkhead::access::testing {

using identity::testing::some_origin;

class FactsFixture : public ::testing::TestWithParam<db::testing::Engine> {
 protected:
  static oci::RepositoryName repository(std::string_view name) {
    return oci::RepositoryName::parse(name).value();
  }

  Principal account(std::string_view name, bool administrator = false) {
    return principal_of(installation_.add_account(name, administrator));
  }
  std::int64_t make(std::string_view name, const Principal& creator = {}) {
    return facts_.ensure(repository(name), creator, some_origin()).value()->id;
  }
  void publish(std::string_view name) {
    EXPECT_THAT(facts_.change(repository(name), {.visibility = Visibility::public_}, {}, some_origin()),
                db::testing::Succeeds());
  }
  void grant(std::string_view to, Role role, std::string_view target) {
    EXPECT_THAT(facts_.grant(parse_grant_subject(to).value(), role, parse_grant_target(target).value(),
                             some_origin()),
                db::testing::Succeeds());
  }
  void revoke(std::string_view from, std::string_view target) {
    EXPECT_THAT(
        facts_.revoke(parse_grant_subject(from).value(), parse_grant_target(target).value(), some_origin()),
        db::testing::Succeeds());
  }

  std::int64_t id_of(std::string_view table, std::string_view name) {
    return installation_.read("SELECT id FROM " + std::string(table) + " WHERE name = ?", {std::string(name)})
        .at(0)
        .integer(0);
  }
  // With the namespace of its name.
  void organization(std::string_view name, std::string_view member_role = "none") {
    installation_.write(
        "INSERT INTO organizations (name, display_name, member_role, created_at) VALUES (?, '', ?, 0)",
        {std::string(name), std::string(member_role)});
    installation_.write("INSERT INTO namespaces (name, organization_id, created_at) VALUES (?, ?, 0)",
                        {std::string(name), id_of("organizations", name)});
    facts_.forget_roles();
  }
  void member(std::string_view organization, const Principal& who, std::string_view role = "member") {
    installation_.write(
        "INSERT INTO organization_members (organization_id, account_id, role) VALUES (?, ?, ?)",
        {id_of("organizations", organization), who.account_id, std::string(role)});
    facts_.forget_roles();
  }
  std::int64_t team(std::string_view organization, std::string_view name, db::Value parent = {}) {
    installation_.write(
        "INSERT INTO teams (organization_id, parent_id, name, created_at) VALUES (?, ?, ?, 0)",
        {id_of("organizations", organization), std::move(parent), std::string(name)});
    return id_of("teams", name);
  }
  void join(std::int64_t team_id, const Principal& who) {
    installation_.write("INSERT INTO team_members (team_id, account_id, source) VALUES (?, ?, 'direct')",
                        {team_id, who.account_id});
    facts_.forget_roles();
  }
  void leave(std::int64_t team_id, const Principal& who) {
    installation_.write("DELETE FROM team_members WHERE team_id = ? AND account_id = ?",
                        {team_id, who.account_id});
    facts_.forget_roles();
  }
  // Of an organization, or of a repository when that is given.
  Principal robot(std::string_view name, std::string_view organization, std::int64_t repository_id = 0) {
    installation_.write(
        "INSERT INTO accounts (name, kind, state, password_hash, created_at) VALUES (?, 'robot', 'active', "
        "'', 0)",
        {std::string(name)});
    const std::int64_t id = id_of("accounts", name);
    installation_.write(
        "INSERT INTO robots (account_id, organization_id, repository_id, description) VALUES (?, ?, ?, '')",
        {id, repository_id == 0 ? db::Value(id_of("organizations", organization)) : db::Value(),
         repository_id == 0 ? db::Value() : db::Value(repository_id)});
    return {.account_id = id, .account = std::string(name), .administrator = false, .credential_version = 1};
  }

  Standing standing(const Principal& principal, std::string_view name) {
    return facts_.resolve(principal, repository(name)).value().standing;
  }
  Role role(const Principal& principal, std::string_view name) { return standing(principal, name).role; }

  identity::testing::Installation installation_{GetParam()};
  identity::Policies policies_{*installation_.database, installation_.clock, 1000};
  Facts facts_{*installation_.database, installation_.accounts, policies_, installation_.clock, 1000, true};
  Principal alice_ = account("alice");
  Principal bob_ = account("bob");
  Principal admin_ = account("admin", true);
};

}  // namespace bulkhead::access::testing
