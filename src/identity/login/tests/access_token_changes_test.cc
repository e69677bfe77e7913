#include <algorithm>
#include <cstdlib>

#include "identity/login/access_tokens.h"
#include "identity/login/testing/tokens_fixture.h"
#include "identity/secrets/token_format.h"
#include "identity/secrets/token_hash.h"

namespace bulkhead::identity {
namespace {

using namespace std::chrono_literals;
using testing::Engine;
using testing::FailsWith;
using testing::some_origin;
using testing::Succeeds;

class AccessTokenChangesTest : public testing::TokensFixture {};

TEST_P(AccessTokenChangesTest, RevokedOnesAreRefusedAtTheNextUse) {
  const auto made = create(wanted(alice_));
  const auto other = create(wanted(alice_));
  ASSERT_THAT(use(made.secret), Succeeds());
  ASSERT_THAT(tokens_.revoke(alice_.id, made.token.id, some_origin()), Succeeds());
  EXPECT_THAT(use(made.secret), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(tokens_.check(made.token.id, kHome), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(use(other.secret), Succeeds());
  EXPECT_EQ(installation_.last_event().action, "access_token_revoked");
  EXPECT_EQ(installation_.last_event().target, "alice");

  const auto events = installation_.events().size();
  EXPECT_THAT(tokens_.revoke(alice_.id, made.token.id, some_origin()), Succeeds());
  EXPECT_EQ(installation_.events().size(), events);
}

TEST_P(AccessTokenChangesTest, OfOthersAreNotFound) {
  const auto made = create(wanted(alice_));
  for (const std::int64_t id : {made.token.id, std::int64_t{4711}, std::int64_t{0}, std::int64_t{-1}}) {
    EXPECT_THAT(tokens_.revoke(bob_.id, id, some_origin()), FailsWith(Errc::not_found));
    EXPECT_THAT(tokens_.rotate(bob_.id, id, 0s, true, some_origin()), FailsWith(Errc::not_found));
    EXPECT_THAT(tokens_.find(bob_.id, id), FailsWith(Errc::not_found));
  }
  EXPECT_THAT(tokens_.revoke(4711, made.token.id, some_origin()), FailsWith(Errc::not_found));
  EXPECT_THAT(use(made.secret), Succeeds());
  EXPECT_TRUE(tokens_.list(bob_.id, 0, 100)->empty());
}

TEST_P(AccessTokenChangesTest, OfAnAccountEndTogether) {
  const auto first = create(wanted(alice_));
  const auto second = create(wanted(alice_));
  const auto bobs = create(wanted(bob_));
  for (const auto* made : {&first, &second, &bobs}) ASSERT_THAT(use(made->secret), Succeeds());
  EXPECT_EQ(tokens_.revoke_all(alice_.id, some_origin()).value(), 2);
  EXPECT_THAT(use(first.secret), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(use(second.secret), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(use(bobs.secret), Succeeds());
  const auto events = installation_.events();
  EXPECT_EQ(std::ranges::count(events, "access_token_revoked", &testing::Recorded::action), 2);
  EXPECT_EQ(tokens_.revoke_all(alice_.id, some_origin()).value(), 0);
}

TEST_P(AccessTokenChangesTest, RotatedOnesLiveUntilTheOverlapEnds) {
  NewAccessToken asked = wanted(alice_, "pull,push");
  asked.networks = Networks::parse("192.0.2.0/24").value();
  asked.management = Management::write;
  asked.lifetime = 10 * 24h;
  const auto old = create(asked);
  ASSERT_THAT(use(old.secret), Succeeds());
  installation_.clock.advance(24h);
  const auto made = tokens_.rotate(alice_.id, old.token.id, 1h, true, some_origin());
  ASSERT_THAT(made, Succeeds());
  EXPECT_NE(made->secret.reveal(), old.secret.reveal());
  EXPECT_EQ(made->token.name, "ci");
  EXPECT_EQ(made->token.networks, asked.networks);
  EXPECT_EQ(made->token.management, Management::write);
  EXPECT_EQ(made->token.scopes->list(), asked.scopes.list());
  EXPECT_EQ(made->token.expires_at, installation_.clock.now() + 10 * 24h);
  EXPECT_EQ(tokens_.find(alice_.id, old.token.id)->successor_id, made->token.id);
  EXPECT_EQ(installation_.last_event().action, "access_token_rotated");
  EXPECT_NE(installation_.last_event().detail.find("\"successor\":" + std::to_string(made->token.id)),
            std::string::npos);

  installation_.clock.advance(1h - 1us);
  EXPECT_THAT(use(old.secret), Succeeds());
  EXPECT_THAT(use(made->secret), Succeeds());
  installation_.clock.advance(1us);
  EXPECT_THAT(use(old.secret), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(use(made->secret), Succeeds());
}

TEST_P(AccessTokenChangesTest, RotatedWithoutAnOverlapDieAtOnce) {
  const auto old = create(wanted(alice_));
  ASSERT_THAT(use(old.secret), Succeeds());
  ASSERT_THAT(tokens_.rotate(alice_.id, old.token.id, 0s, true, some_origin()), Succeeds());
  EXPECT_THAT(use(old.secret), FailsWith(Errc::unauthenticated));
}

TEST_P(AccessTokenChangesTest, AnOverlapNeverLengthensALife) {
  NewAccessToken asked = wanted(alice_);
  asked.lifetime = 1h;
  const auto old = create(asked);
  ASSERT_THAT(tokens_.rotate(alice_.id, old.token.id, 24h, true, some_origin()), Succeeds());
  EXPECT_EQ(tokens_.find(alice_.id, old.token.id)->expires_at, old.token.expires_at);
}

TEST_P(AccessTokenChangesTest, DeadAndRotatedOnesAreNotRotated) {
  const auto revoked = create(wanted(alice_));
  ASSERT_THAT(tokens_.revoke(alice_.id, revoked.token.id, some_origin()), Succeeds());
  EXPECT_THAT(tokens_.rotate(alice_.id, revoked.token.id, 0s, true, some_origin()),
              FailsWith(Errc::conflict));
  const auto twice = create(wanted(alice_));
  ASSERT_THAT(tokens_.rotate(alice_.id, twice.token.id, 1h, true, some_origin()), Succeeds());
  EXPECT_THAT(tokens_.rotate(alice_.id, twice.token.id, 1h, true, some_origin()), FailsWith(Errc::conflict));
  const auto late = create(wanted(alice_));
  EXPECT_THAT(
      tokens_.rotate(alice_.id, late.token.id, AccessTokens::kLongestOverlap + 1s, true, some_origin()),
      FailsWith(Errc::invalid_argument));
  EXPECT_THAT(tokens_.rotate(alice_.id, late.token.id, -1s, true, some_origin()),
              FailsWith(Errc::invalid_argument));
  installation_.clock.advance(90 * 24h);
  EXPECT_THAT(tokens_.rotate(alice_.id, late.token.id, 0s, true, some_origin()), FailsWith(Errc::conflict));
}

TEST_P(AccessTokenChangesTest, WhatPolicyRefusesDoesNotComeBackByBeingRotated) {
  const auto old = create(wanted(alice_));
  Policy strict;
  strict.token_life = 24h;
  set_policy(strict);
  EXPECT_THAT(use(old.secret), FailsWith(Errc::unauthenticated));
  const auto made = tokens_.rotate(alice_.id, old.token.id, 1h, true, some_origin());
  ASSERT_THAT(made, Succeeds());
  EXPECT_EQ(made->token.expires_at - made->token.created_at, 24h);
  EXPECT_THAT(use(old.secret), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(use(made->secret), Succeeds());
}

TEST_P(AccessTokenChangesTest, ListsAskForAllScopesAtOnceAndGiveEachTokenItsOwn) {
  const auto repository = make_repository("alice/app", space("alice"));
  const std::vector<std::vector<TokenScope>> scopes = {
      {{0, repository, {true, false, false}}, {space("alice"), 0, {true, true, false}}},
      {},
      {{0, 0, {true, true, true}}},
      {{space("bob"), 0, {false, false, true}}}};
  for (const auto& each : scopes) {
    auto asked = wanted(alice_);
    asked.scopes = TokenScopes(each);
    asked.management = Management::read;
    create(asked);
    create(wanted(bob_));
  }
  database_.statements = 0;
  const auto tokens = tokens_.list(alice_.id, 0, 100).value();
  EXPECT_EQ(database_.statements, 2) << "the tokens, and their scopes";
  ASSERT_EQ(tokens.size(), scopes.size());
  for (std::size_t i = 0; i < tokens.size(); ++i) EXPECT_EQ(tokens[i].scopes->list(), scopes[i]) << i;
  const auto page = tokens_.list(alice_.id, tokens[0].id, 2).value();
  ASSERT_EQ(page.size(), 2u);
  EXPECT_EQ(page[0].scopes->list(), scopes[1]);
  EXPECT_EQ(page[1].scopes->list(), scopes[2]);
}

TEST_P(AccessTokenChangesTest, ListsComeInPagesWithoutSecrets) {
  std::vector<std::int64_t> ids;
  for (int i = 0; i < 3; ++i) ids.push_back(create(wanted(alice_)).token.id);
  create(wanted(bob_));
  const auto page = tokens_.list(alice_.id, 0, 2).value();
  ASSERT_EQ(page.size(), 2u);
  EXPECT_EQ(page[0].id, ids[0]);
  EXPECT_TRUE(page[0].scopes->allow_everywhere(TokenAction::pull));
  const auto rest = tokens_.list(alice_.id, page[1].id, 2).value();
  ASSERT_EQ(rest.size(), 1u);
  EXPECT_EQ(rest[0].id, ids[2]);
}

TEST_P(AccessTokenChangesTest, KnowWhoMadeThem) {
  audit::Origin origin = some_origin();
  origin.account = "bob";
  EXPECT_EQ(tokens_.create(wanted(alice_), origin)->token.created_by, bob_.id);
  EXPECT_EQ(tokens_.create(wanted(alice_), some_origin())->token.created_by, 0) << "an operator";
}

TEST_P(AccessTokenChangesTest, LastUseIsRecordedOnceAMinuteAndNotPerRequest) {
  const auto made = create(wanted(alice_));
  EXPECT_FALSE(tokens_.find(alice_.id, made.token.id)->last_use.has_value());
  const Time first = installation_.clock.now();
  const std::string odd_client = "client\n\xff" + std::string(1000, 'x');
  ASSERT_THAT(tokens_.verify(made.secret.reveal(), {"198.51.100.1", odd_client}), Succeeds());
  const int writes = database_.writes;
  for (int i = 0; i < 50; ++i) ASSERT_THAT(use(made.secret), Succeeds());
  EXPECT_EQ(database_.writes, writes);
  EXPECT_EQ(tokens_.find(alice_.id, made.token.id)->last_use->at, first) << "before it is written";

  const auto stored = [&] {
    return installation_.read("SELECT last_used_at, last_used_address, last_used_client FROM access_tokens")
        .at(0);
  };
  EXPECT_TRUE(stored().is_null(0));
  ASSERT_THAT(tokens_.flush(), Succeeds());
  EXPECT_EQ(stored().integer(0), to_micros(first));
  EXPECT_EQ(stored().text(1), "198.51.100.1");
  EXPECT_EQ(stored().text(2), "client??" + std::string(248, 'x'));

  EXPECT_EQ(database_.writes, writes + 1);
  ASSERT_THAT(use(made.secret), Succeeds());
  ASSERT_THAT(tokens_.flush(), Succeeds());
  EXPECT_EQ(database_.writes, writes + 1) << "within the minute";

  installation_.clock.advance(60s);
  ASSERT_THAT(use(made.secret), Succeeds());
  ASSERT_THAT(tokens_.flush(), Succeeds());
  EXPECT_EQ(database_.writes, writes + 2);
  EXPECT_EQ(stored().integer(0), to_micros(first + 60s));
  EXPECT_EQ(stored().text(1), kHome);
}

TEST_P(AccessTokenChangesTest, ARefusedUseIsNoUse) {
  const auto made = create(wanted(alice_));
  ASSERT_THAT(tokens_.revoke(alice_.id, made.token.id, some_origin()), Succeeds());
  ASSERT_THAT(use(made.secret), FailsWith(Errc::unauthenticated));
  EXPECT_FALSE(tokens_.find(alice_.id, made.token.id)->last_use.has_value());
}

TEST_P(AccessTokenChangesTest, LongExpiredOnesAreRemovedWithTheirScopes) {
  NewAccessToken asked = wanted(alice_);
  asked.lifetime = 1h;
  const auto old = create(asked);
  const auto made = tokens_.rotate(alice_.id, old.token.id, 0s, true, some_origin()).value();
  const auto standing = create(wanted(alice_));
  installation_.clock.advance(1h + 24h);
  EXPECT_EQ(tokens_.prune(24h).value(), 1) << "the successor expired a microsecond too late";
  installation_.clock.advance(1us);
  EXPECT_EQ(tokens_.prune(24h).value(), 1);
  EXPECT_EQ(tokens_.prune(24h).value(), 0);
  ASSERT_EQ(tokens_.list(alice_.id, 0, 10)->size(), 1u);
  EXPECT_EQ(installation_.read("SELECT DISTINCT token_id FROM access_token_scopes").size(), 1u);
  EXPECT_THAT(use(standing.secret), Succeeds());
  EXPECT_THAT(use(made.secret), FailsWith(Errc::unauthenticated));
}

// A look-up must not cost more for there being many: it goes through the index of hashes, whatever the number
// of key versions. BULKHEAD_STORED_TOKENS sets how many; the time of a look-up is among the test's
// properties.
TEST_P(AccessTokenChangesTest, AmongManyAreFoundThroughTheIndex) {
  const auto made = create(wanted(alice_));
  const char* wished = std::getenv("BULKHEAD_STORED_TOKENS");
  const int many = wished != nullptr ? std::atoi(wished) : 20'000;
  constexpr int kAtOnce = 20'000;  // statements have a time limit
  for (int first = 0; first < many; first += kAtOnce)
    installation_.write("WITH RECURSIVE n(i) AS (SELECT " + std::to_string(first) +
                            " UNION ALL SELECT i + 1 FROM n WHERE i < " +
                            std::to_string(std::min(first + kAtOnce, many) - 1) +
                            ") INSERT INTO access_tokens (account_id, name, hash, created_at, expires_at) "
                            "SELECT ?, 'seeded', 'v1:' || i, 0, 0 FROM n",
                        {alice_.id});
  if (GetParam() == Engine::postgres) installation_.write("ANALYZE access_tokens");
  for (const char* hashes : {"?", "?, ?, ?"}) {
    const std::string sql =
        "SELECT id, account_id, hash FROM access_tokens WHERE hash IN (" + std::string(hashes) + ")";
    const std::string keyword = GetParam() == Engine::postgres ? "EXPLAIN " : "EXPLAIN QUERY PLAN ";
    const std::size_t column = GetParam() == Engine::postgres ? 0 : 3;
    std::string plan;
    for (const db::Row& row :
         installation_.read(keyword + sql, std::vector<db::Value>(std::ranges::count(sql, '?'), "v1:17")))
      plan += row.text(column) + "\n";
    EXPECT_EQ(plan.find("SCAN access_tokens"), std::string::npos) << plan;
    EXPECT_EQ(plan.find("Seq Scan"), std::string::npos) << plan;
    EXPECT_NE(plan.find(GetParam() == Engine::postgres ? "access_tokens_hash_key" : "INDEX"),
              std::string::npos)
        << plan;
  }
  EXPECT_THAT(use(made.secret), Succeeds());

  constexpr int kLookUps = 200;
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < kLookUps; ++i)
    EXPECT_THAT(use(make_token("bhpat_")), FailsWith(Errc::unauthenticated)) << "never in memory";
  const auto took = std::chrono::steady_clock::now() - start;
  RecordProperty(
      "microseconds_per_look_up",
      static_cast<int>(std::chrono::duration_cast<std::chrono::microseconds>(took).count() / kLookUps));
}

INSTANTIATE_TEST_SUITE_P(Engines, AccessTokenChangesTest, ::testing::Values(Engine::sqlite, Engine::postgres),
                         db::testing::engine_name);

}  // namespace
}  // namespace bulkhead::identity
