#include "access/system.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>

namespace bulkhead::access {
namespace {

using identity::SystemRole;

constexpr int kActions = 12;

std::string allowed(SystemRole role) {
  std::string words;
  for (int i = 0; i < kActions; ++i) {
    const auto action = static_cast<SystemAction>(i);
    if (!decide(role, action)) continue;
    if (!words.empty()) words += ' ';
    words += name(action);
  }
  return words;
}

TEST(SystemDecision, AllowsEachRoleItsOwnAndNothingElse) {
  EXPECT_EQ(allowed(SystemRole::none), "");
  EXPECT_EQ(allowed(SystemRole::auditor), "read_evidence read_directory read_metrics");
  EXPECT_EQ(allowed(SystemRole::security_officer),
            "read_evidence read_directory read_metrics contain_incident approve");
  EXPECT_EQ(allowed(SystemRole::administrator),
            "read_evidence read_directory read_metrics contain_incident manage_accounts appoint "
            "manage_organizations manage_namespaces manage_policy manage_providers rotate_keys");
}

TEST(SystemDecision, LetsAnAuditorChangeNothing) {
  for (int i = 0; i < kActions; ++i) {
    const auto action = static_cast<SystemAction>(i);
    EXPECT_TRUE(!decide(SystemRole::auditor, action) || name(action).starts_with("read_")) << name(action);
  }
}

TEST(SystemAction, HasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (int i = 0; i < kActions; ++i) names.insert(name(static_cast<SystemAction>(i)));
  EXPECT_EQ(names.size(), static_cast<std::size_t>(kActions));
  EXPECT_EQ(name(SystemAction::rotate_keys), name(static_cast<SystemAction>(kActions - 1)));
}

}  // namespace
}  // namespace bulkhead::access
