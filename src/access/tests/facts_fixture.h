// Three people, one of whom is administrator, and short words for what the tests of Facts do.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string_view>

#include "access/facts.h"
#include "access/tokens.h"
#include "db/testing/database_contract.h"
#include "identity/testing/installation.h"

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
  std::int64_t make(std::string_view name) {
    return facts_.ensure(repository(name), some_origin()).value()->id;
  }
  void publish(std::string_view name) {
    EXPECT_THAT(facts_.set_visibility(repository(name), Visibility::public_, some_origin()),
                db::testing::Succeeds());
  }
  void grant(std::string_view to, Role role, std::string_view target) {
    EXPECT_THAT(facts_.grant(to, role, parse_grant_target(target).value(), some_origin()),
                db::testing::Succeeds());
  }
  Standing standing(const Principal& principal, std::string_view name) {
    return facts_.resolve(principal, repository(name)).value().standing;
  }
  Role role(const Principal& principal, std::string_view name) { return standing(principal, name).role; }

  identity::testing::Installation installation_{GetParam()};
  Facts facts_{*installation_.database, installation_.clock, 1000, true};
  Principal alice_ = account("alice");
  Principal bob_ = account("bob");
  Principal admin_ = account("admin", true);
};

}  // namespace bulkhead::access::testing
