#include "identity/people/system_role.h"

#include <gtest/gtest.h>

#include "db/testing/database_contract.h"

namespace bulkhead::identity {
namespace {

using db::testing::FailsWith;

TEST(SystemRole, IsReadAsItIsWritten) {
  for (const SystemRole role :
       {SystemRole::none, SystemRole::auditor, SystemRole::security_officer, SystemRole::administrator})
    EXPECT_EQ(parse_system_role(name(role)).value(), role);
  EXPECT_EQ(name(SystemRole::none), "none");
  EXPECT_EQ(name(SystemRole::security_officer), "security_officer");
}

TEST(SystemRole, IsNothingElse) {
  for (const char* text : {"owner", "Administrator", "administrator ", "admin", "", "\xff"})
    EXPECT_THAT(parse_system_role(text), FailsWith(Errc::invalid_argument)) << text;
}

}  // namespace
}  // namespace bulkhead::identity
