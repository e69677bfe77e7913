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

TEST(Decide, HoldsACredentialToItsCeilingByIds) {
  Principal limited = account();
  limited.token_id = 1;
  limited.ceiling = std::make_shared<const identity::TokenScopes>(std::vector<identity::TokenScope>{
      {0, 7, {true, true, false}},   // repository 7
      {3, 0, {true, false, false}},  // namespace 3
  });
  const auto in = [](std::int64_t space, std::int64_t repository) {
    return Standing{.exists = repository != 0,
                    .role = Role::owner,
                    .anonymous_pull = false,
                    .namespace_id = space,
                    .repository_id = repository};
  };
  EXPECT_EQ(allowed(limited, in(2, 7)), "pull push");
  EXPECT_EQ(allowed(limited, in(3, 8)), "pull");
  EXPECT_EQ(allowed(limited, in(3, 0)), "pull") << "a repository that a push would make";
  EXPECT_EQ(allowed(limited, in(2, 8)), "");
  EXPECT_EQ(allowed(limited, in(7, 3)), "");
  EXPECT_EQ(allowed(limited, in(0, 0)), "");

  Standing reader = in(2, 7);
  reader.role = Role::reader;
  EXPECT_EQ(allowed(limited, reader), "pull") << "a ceiling gives nothing";

  Standing open = in(2, 8);
  open.visibility = Visibility::public_;
  EXPECT_EQ(allowed(limited, open), "") << "only accounts may, and this credential not as its account";
  open.anonymous_pull = true;
  EXPECT_EQ(allowed(limited, open), "pull") << "what anybody may";
}

TEST(Decide, AllowsNothingToATokenWhoseScopesAreNotAtHand) {
  Principal principal = account();
  principal.token_id = 1;
  EXPECT_EQ(allowed(principal, {true, Visibility::private_, Role::owner, true}), "");
  principal.ceiling = std::make_shared<const identity::TokenScopes>();
  EXPECT_EQ(allowed(principal, {true, Visibility::private_, Role::owner, true}), "");
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
