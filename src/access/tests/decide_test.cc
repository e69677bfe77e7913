#include "access/decide.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "db/testing/database_contract.h"

namespace bulkhead::access {
namespace {

using db::testing::FailsWith;

const Principal kAnonymous{};
Principal account() {
  return {.account_id = 7, .account = "alice", .administrator = false, .credential_version = 1};
}
Principal administrator() {
  return {.account_id = 8, .account = "root", .administrator = true, .credential_version = 1};
}

// Every cell, written out: what each role may do in a private, a public and an absent repository.
struct Line {
  Role role;
  std::string_view in_private;
  std::string_view in_public;
  std::string_view in_absent;
};
constexpr Line kLines[] = {
    {Role::none, "", "pull", ""},
    {Role::reader, "pull", "pull", "pull"},
    {Role::writer, "pull push", "pull push", "pull push"},
    {Role::maintainer, "pull push delete", "pull push delete", "pull push delete"},
    {Role::owner, "pull push delete", "pull push delete", "pull push delete"},
};

std::string allowed(const Principal& principal, const Standing& standing) {
  std::string words;
  for (const Action action : {Action::pull, Action::push, Action::remove}) {
    if (!decide(principal, action, standing)) continue;
    if (!words.empty()) words += ' ';
    words += name(action);
  }
  return words;
}

TEST(Decide, AllowsEachRoleWhatTheTableSaysAndNothingElse) {
  for (const bool anonymous_pull : {false, true}) {
    for (const Principal& principal : {account(), administrator()}) {
      for (const Line& line : kLines) {
        SCOPED_TRACE(std::string(name(line.role)) + " for " + principal.account);
        EXPECT_EQ(allowed(principal, {true, Visibility::private_, line.role, anonymous_pull}),
                  line.in_private);
        EXPECT_EQ(allowed(principal, {true, Visibility::public_, line.role, anonymous_pull}), line.in_public);
        for (const Visibility visibility : {Visibility::private_, Visibility::public_})
          EXPECT_EQ(allowed(principal, {false, visibility, line.role, anonymous_pull}), line.in_absent);
      }
    }
  }
}

TEST(Decide, AllowsAnonymousCallersPublicPullsWhereTheInstallationDoes) {
  for (const Role role : {Role::none, Role::reader, Role::writer, Role::maintainer, Role::owner}) {
    EXPECT_EQ(allowed(kAnonymous, {true, Visibility::public_, role, true}), "pull");
    EXPECT_EQ(allowed(kAnonymous, {true, Visibility::public_, role, false}), "");
    EXPECT_EQ(allowed(kAnonymous, {true, Visibility::private_, role, true}), "");
    EXPECT_EQ(allowed(kAnonymous, {false, Visibility::private_, role, true}), "");
    EXPECT_EQ(allowed(kAnonymous, {false, Visibility::public_, role, true}), "");
  }
}

TEST(Decide, AnswersAlikeForAbsentAndForbidden) {
  for (const Principal& principal : {kAnonymous, account(), administrator()})
    EXPECT_EQ(allowed(principal, {false, Visibility::private_, Role::none, true}),
              allowed(principal, {true, Visibility::private_, Role::none, true}));
}

TEST(Role, IsNamedAsPeopleWriteIt) {
  EXPECT_EQ(parse_role("reader").value(), Role::reader);
  EXPECT_EQ(parse_role("writer").value(), Role::writer);
  EXPECT_EQ(parse_role("maintainer").value(), Role::maintainer);
  for (const char* text : {"", "none", "owner", "Reader", "reader ", "admin"})
    EXPECT_THAT(parse_role(text), FailsWith(Errc::invalid_argument)) << text;
}

}  // namespace
}  // namespace bulkhead::access
