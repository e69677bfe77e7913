#include "identity/login/access_tokens.h"

#include <sys/stat.h>

#include <atomic>
#include <functional>
#include <thread>

#include "base/bytes.h"
#include "base/file.h"
#include "base/testing/temporary_directory.h"
#include "identity/login/testing/tokens_fixture.h"
#include "identity/secrets/token_format.h"

namespace bulkhead::identity {
namespace {

using namespace std::chrono_literals;
using testing::Engine;
using testing::FailsWith;
using testing::some_origin;
using testing::Succeeds;

class AccessTokensTest : public testing::TokensFixture {};

TEST_P(AccessTokensTest, AreShownOnceAndRecognised) {
  NewAccessToken asked = wanted(alice_, "pull,push");
  asked.management = Management::read;
  asked.networks = Networks::parse("192.0.2.0/24").value();
  const auto made = create(asked);
  EXPECT_TRUE(token_is_well_formed("bhpat_", made.secret.reveal()));
  const auto found = use(made.secret);
  ASSERT_THAT(found, Succeeds());
  EXPECT_EQ((*found)->id, made.token.id);
  EXPECT_EQ((*found)->account_id, alice_.id);
  EXPECT_EQ((*found)->name, "ci");
  EXPECT_EQ((*found)->management, Management::read);
  EXPECT_EQ((*found)->networks.text(), "192.0.2.0/24");
  EXPECT_TRUE((*found)->scopes->allow_everywhere(TokenAction::push));
  EXPECT_FALSE((*found)->scopes->allow_everywhere(TokenAction::remove));

  EXPECT_EQ(installation_.last_event().action, "access_token_created");
  EXPECT_EQ(installation_.last_event().target, "alice");
  EXPECT_EQ(installation_.last_event().detail,
            "{\"token\":" + std::to_string(made.token.id) + ",\"name\":\"ci\"}");
}

TEST_P(AccessTokensTest, AreNotInTheDatabase) {
  const auto made = create(wanted(alice_));
  const std::string stored = installation_.read("SELECT hash FROM access_tokens").at(0).text(0);
  EXPECT_TRUE(stored.starts_with("v1:")) << stored;
  EXPECT_EQ(stored.find(made.secret.reveal().substr(6, 10)), std::string::npos);
  EXPECT_THAT(use(Secret<>(std::string(stored))), FailsWith(Errc::unauthenticated));

  // With other keys the same database and the same token are worth nothing.
  const auto other_keys = crypto::Keyring::ephemeral();
  AccessTokens thief(database_, other_keys, accounts_, policies_, installation_.clock, {});
  EXPECT_THAT(thief.verify(made.secret.reveal(), kFrom), FailsWith(Errc::unauthenticated));
}

TEST_P(AccessTokensTest, InUseTouchNoDatabase) {
  const auto made = create(wanted(alice_));
  ASSERT_THAT(tokens_.verify(made.secret.reveal(), kFrom), Succeeds());
  const int before = database_.asked();
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(tokens_.verify(made.secret.reveal(), kFrom), Succeeds());
    const auto peeked = tokens_.peek(made.secret.reveal(), kFrom);
    ASSERT_TRUE(peeked.has_value());
    EXPECT_THAT(*peeked, Succeeds());
    const auto by_id = tokens_.peek(made.token.id, kHome);
    ASSERT_TRUE(by_id.has_value());
    EXPECT_THAT(*by_id, Succeeds());
  }
  EXPECT_EQ(database_.asked(), before);
}

TEST_P(AccessTokensTest, OfTheWrongShapeAreRefusedWithoutALookUp) {
  const auto made = create(wanted(alice_));
  const std::string good = made.secret.reveal();
  std::string mistyped = good;
  mistyped[10] = mistyped[10] == 'a' ? 'b' : 'a';
  const int before = database_.asked();
  for (const std::string& text :
       {mistyped, good + "0", good.substr(1), std::string(), std::string("bhpat_"), std::string(1 << 20, 'a'),
        "bhpat_" + std::string(1 << 20, 'a'), std::string("bhsession_") + good.substr(6),
        make_token("bhsetup_").reveal()}) {
    EXPECT_THAT(tokens_.verify(text, kFrom), FailsWith(Errc::unauthenticated));
    const auto peeked = tokens_.peek(text, kFrom);
    ASSERT_TRUE(peeked.has_value());
    EXPECT_THAT(*peeked, FailsWith(Errc::unauthenticated));
  }
  EXPECT_EQ(database_.asked(), before);
}

TEST_P(AccessTokensTest, AreRefusedAlikeWhateverTheReason) {
  const auto unknown = use(make_token("bhpat_"));
  EXPECT_THAT(unknown, FailsWith(Errc::unauthenticated));

  const auto revoked = create(wanted(alice_));
  ASSERT_THAT(tokens_.revoke(alice_.id, revoked.token.id, some_origin()), Succeeds());
  EXPECT_EQ(use(revoked.secret).error(), unknown.error());

  NewAccessToken bound = wanted(alice_);
  bound.networks = Networks::parse("198.51.100.0/24").value();
  const auto elsewhere = create(bound);
  EXPECT_EQ(use(elsewhere.secret).error(), unknown.error());
  EXPECT_THAT(use(elsewhere.secret, "198.51.100.9"), Succeeds());

  const auto bobs = create(wanted(bob_));
  ASSERT_THAT(use(bobs.secret), Succeeds());
  ASSERT_THAT(accounts_.set_state("bob", AccountState::disabled, some_origin()), Succeeds());
  EXPECT_EQ(use(bobs.secret).error(), unknown.error());

  const auto expired = create(wanted(alice_));
  installation_.clock.advance(90 * 24h);
  EXPECT_EQ(use(expired.secret).error(), unknown.error());
}

TEST_P(AccessTokensTest, ExpireToTheMicrosecond) {
  NewAccessToken asked = wanted(alice_);
  asked.lifetime = 1h;
  const auto made = create(asked);
  installation_.clock.advance(1h - 1us);
  EXPECT_THAT(use(made.secret), Succeeds());
  installation_.clock.advance(1us);
  EXPECT_THAT(use(made.secret), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(tokens_.check(made.token.id, kHome), FailsWith(Errc::unauthenticated));
}

TEST_P(AccessTokensTest, LiveAWeekByDefaultWhenTheyMayChangeAnything) {
  const auto life = [](const AccessTokens::Created& made) {
    return made.token.expires_at - made.token.created_at;
  };
  EXPECT_EQ(life(create(wanted(alice_, "pull"))), 90 * 24h);
  EXPECT_EQ(life(create(wanted(alice_, "push"))), 7 * 24h);
  EXPECT_EQ(life(create(wanted(alice_, "delete"))), 7 * 24h);
  NewAccessToken managing = wanted(alice_, "pull");
  managing.management = Management::write;
  EXPECT_EQ(life(create(managing)), 7 * 24h);

  Policy strict;
  strict.token_life = 24h;
  set_policy(strict);
  EXPECT_EQ(life(create(wanted(bob_, "pull"))), 24h);
  EXPECT_EQ(life(create(wanted(bob_, "push"))), 24h);
}

TEST_P(AccessTokensTest, LiveNoLongerThanPolicyLets) {
  NewAccessToken asked = wanted(alice_);
  asked.lifetime = 90 * 24h;
  EXPECT_THAT(tokens_.create(asked, some_origin()), Succeeds());
  for (const auto wrong : {90 * 86'400s + 1s, 59s, 0s, -3600s}) {
    asked.lifetime = wrong;
    EXPECT_THAT(tokens_.create(asked, some_origin()), FailsWith(Errc::invalid_argument)) << wrong.count();
  }
}

TEST_P(AccessTokensTest, OfTheWrongMakeAreNotMade) {
  const auto refused = [&](auto change) {
    NewAccessToken asked = wanted(alice_);
    change(asked);
    return tokens_.create(asked, some_origin());
  };
  EXPECT_THAT(refused([](auto& t) { t.name = ""; }), FailsWith(Errc::invalid_argument));
  EXPECT_THAT(refused([](auto& t) { t.name = std::string(101, 'a'); }), FailsWith(Errc::invalid_argument));
  for (const char* name : {"a\nb", "\x1b[31m", "a\x7f", "\xc2\x9b", "\xff\xfe", "\xed\xa0\x80"})
    EXPECT_THAT(refused([&](auto& t) { t.name = name; }), FailsWith(Errc::invalid_argument)) << name;
  EXPECT_THAT(refused([](auto& t) { t.name = "caf\xc3\xa9 \xc2\xa9"; }), Succeeds());
  EXPECT_THAT(refused([](auto& t) { t.scopes = {}; }), FailsWith(Errc::invalid_argument));
  EXPECT_THAT(refused([](auto& t) {
                t.scopes = TokenScopes({{0, 0, {}}});
              }),
              FailsWith(Errc::invalid_argument));
  EXPECT_THAT(refused([](auto& t) {
                t.scopes = TokenScopes({{1, 1, {true, false, false}}});
              }),
              FailsWith(Errc::invalid_argument));
  EXPECT_THAT(
      refused([](auto& t) {
        t.scopes = TokenScopes(std::vector<TokenScope>(TokenScopes::kMost + 1, {0, 0, {true, false, false}}));
      }),
      FailsWith(Errc::invalid_argument));
  EXPECT_THAT(refused([](auto& t) {
                t.scopes = TokenScopes({{4711, 0, {true, false, false}}});
              }),
              FailsWith(Errc::name_unknown));
  EXPECT_THAT(refused([](auto& t) {
                t.scopes = TokenScopes({{0, 4711, {true, false, false}}});
              }),
              FailsWith(Errc::name_unknown));
  EXPECT_THAT(refused([](auto& t) { t.account_id = 4711; }), FailsWith(Errc::not_found));
  EXPECT_EQ(installation_.read("SELECT id FROM access_tokens").size(), 1u);

  ASSERT_THAT(accounts_.set_state("alice", AccountState::disabled, some_origin()), Succeeds());
  EXPECT_THAT(tokens_.create(wanted(alice_), some_origin()), FailsWith(Errc::conflict));
}

TEST_P(AccessTokensTest, OfOneAccountAreLimited) {
  std::vector<AccessTokens::Created> all;
  for (int i = 0; i < 5; ++i) all.push_back(create(wanted(alice_)));
  EXPECT_THAT(tokens_.create(wanted(alice_), some_origin()), FailsWith(Errc::conflict));
  EXPECT_THAT(tokens_.create(wanted(bob_), some_origin()), Succeeds());
  ASSERT_THAT(tokens_.revoke(alice_.id, all[2].token.id, some_origin()), Succeeds());
  EXPECT_THAT(tokens_.create(wanted(alice_), some_origin()), Succeeds());
}

TEST_P(AccessTokensTest, KeepTheirScopes) {
  const auto space_id = space("alice");
  const auto repository = make_repository("alice/app", space_id);
  NewAccessToken asked = wanted(alice_);
  const std::vector<TokenScope> scopes = {{0, repository, {true, true, false}},
                                          {space_id, 0, {true, false, false}},
                                          {0, 0, {false, false, true}}};
  asked.scopes = TokenScopes(scopes);
  const auto made = create(asked);
  EXPECT_EQ(made.token.scopes->list(), scopes);
  EXPECT_EQ(use(made.secret).value()->scopes->list(), scopes);
  EXPECT_EQ(tokens_.find(alice_.id, made.token.id)->scopes->list(), scopes);
}

TEST_P(AccessTokensTest, OfRobotsSaySo) {
  const auto acme = make_organization("acme");
  const auto robot = make_robot("acme-robot", "organization_id", acme);
  const auto made = create(wanted(robot));
  EXPECT_TRUE(token_is_well_formed("bhrobot_", made.secret.reveal()));
  EXPECT_EQ(use(made.secret).value()->account_id, robot.id);
}

TEST_P(AccessTokensTest, StayValidWhenTheKeyringGetsANewVersionAndMoveToIt) {
  const TemporaryDirectory temporary(TemporaryDirectory::Place::memory);
  const auto directory = temporary.path() / "keys";
  const auto old_keys = crypto::Keyring::open(directory).value();
  AccessTokens before(database_, old_keys, accounts_, policies_, installation_.clock, {});
  const auto made = before.create(wanted(alice_), some_origin()).value();
  const auto hash = [&] { return installation_.read("SELECT hash FROM access_tokens").at(0).text(0); };
  EXPECT_TRUE(hash().starts_with("v1:")) << hash();

  const auto file = directory / "token-hash.keys";
  const std::string first = read_file(file, 4096).value();
  ASSERT_THAT(
      replace_file(file, as_bytes(first + "7 " + std::string(64, 'a') + " 2026-01-31T08:15:00.000000Z\n")),
      Succeeds());
  ASSERT_EQ(::chmod(file.c_str(), 0600), 0);
  const auto new_keys = crypto::Keyring::open(directory).value();
  AccessTokens after(database_, new_keys, accounts_, policies_, installation_.clock, {});
  EXPECT_THAT(after.verify(made.secret.reveal(), kFrom), Succeeds());
  EXPECT_TRUE(hash().starts_with("v7:")) << hash();
  AccessTokens again(database_, new_keys, accounts_, policies_, installation_.clock, {});
  EXPECT_THAT(again.verify(made.secret.reveal(), kFrom), Succeeds());
}

TEST_P(AccessTokensTest, OfADeletedAccountAreRefused) {
  const auto made = create(wanted(bob_));
  ASSERT_THAT(use(made.secret), Succeeds());
  installation_.write("DELETE FROM access_token_scopes");
  installation_.write("DELETE FROM access_tokens");
  tokens_.forget(made.token.id);
  EXPECT_THAT(use(made.secret), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(tokens_.check(made.token.id, kHome), FailsWith(Errc::unauthenticated));
}

TEST_P(AccessTokensTest, ObeyAPolicyFromTheNextUseOn) {
  NewAccessToken asked = wanted(alice_);
  asked.lifetime = 30 * 24h;
  const auto made = create(asked);
  ASSERT_THAT(use(made.secret), Succeeds());

  Policy policy;
  policy.token_life = 30 * 24h - 1s;
  set_policy(policy);
  EXPECT_THAT(use(made.secret), FailsWith(Errc::unauthenticated)) << "lives longer than is allowed now";
  EXPECT_THAT(tokens_.check(made.token.id, kHome), FailsWith(Errc::unauthenticated));

  policy.token_life = 30 * 24h;
  policy.networks = Networks::parse("198.51.100.0/24").value();
  set_policy(policy);
  EXPECT_THAT(use(made.secret), FailsWith(Errc::unauthenticated)) << "from a network that is not allowed now";
  EXPECT_THAT(use(made.secret, "198.51.100.1"), Succeeds());

  set_policy(Policy());
  EXPECT_THAT(use(made.secret), Succeeds());

  const auto acme = make_organization("acme");
  set_policy(policy, acme);
  join(alice_, acme);
  EXPECT_THAT(use(made.secret), Succeeds()) << "that is about the organization alone";
}

TEST_P(AccessTokensTest, MadeWithoutASecondFactorEndWithAPolicyThatAsksForOne) {
  const auto weak = create(wanted(alice_));
  NewAccessToken asked = wanted(alice_);
  asked.multi_factor = true;
  const auto strong = create(asked);
  EXPECT_TRUE(strong.token.multi_factor);
  Policy policy;
  policy.mfa_required = true;
  set_policy(policy);
  EXPECT_THAT(use(weak.secret), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(use(strong.secret), Succeeds());
  const auto renewed = tokens_.rotate(alice_.id, weak.token.id, 0s, true, some_origin());
  ASSERT_THAT(renewed, Succeeds());
  EXPECT_THAT(use(renewed->secret), Succeeds()) << "by somebody who has shown one";
}

TEST_P(AccessTokensTest, EndForGoodWithAPasswordAStateAndWhatElseEndsCredentials) {
  const auto set_state = [&](AccountState state) {
    EXPECT_THAT(accounts_.set_state("alice", state, some_origin()), Succeeds());
  };
  const std::vector<std::function<void()>> acts = {
      [&] {
        EXPECT_THAT(accounts_.set_password("alice", Secret<>(std::string("another password")), some_origin()),
                    Succeeds());
      },
      [&] {
        set_state(AccountState::disabled);
        set_state(AccountState::active);
      },
      [&] {
        set_state(AccountState::locked);
        set_state(AccountState::active);
      }};
  for (const auto& act : acts) {
    const auto made = create(wanted(alice_));
    const auto others = create(wanted(bob_));
    ASSERT_THAT(use(made.secret), Succeeds());
    act();
    EXPECT_THAT(use(made.secret), FailsWith(Errc::unauthenticated));
    EXPECT_THAT(tokens_.check(made.token.id, kHome), FailsWith(Errc::unauthenticated));
    EXPECT_TRUE(tokens_.find(alice_.id, made.token.id)->revoked());
    EXPECT_THAT(tokens_.rotate(alice_.id, made.token.id, 1h, true, some_origin()), FailsWith(Errc::conflict));
    EXPECT_THAT(use(create(wanted(alice_)).secret), Succeeds()) << "what is made afterwards";
    EXPECT_THAT(use(others.secret), Succeeds());
  }
}

TEST_P(AccessTokensTest, AreNeverTakenAfterTheCallThatRevokedThem) {
  std::atomic<bool> taken_after{false};
  for (int round = 0; round < 10; ++round) {
    const auto made = create(wanted(alice_));
    std::atomic<bool> revoked{false};
    std::atomic<bool> stop{false};
    const auto keep_using = [&] {
      while (!stop) {
        const bool was_revoked = revoked;
        if (use(made.secret).has_value() && was_revoked) taken_after = true;
      }
    };
    std::thread first(keep_using);
    std::thread second(keep_using);
    EXPECT_THAT(tokens_.revoke(alice_.id, made.token.id, some_origin()), Succeeds());
    revoked = true;
    EXPECT_THAT(use(made.secret), FailsWith(Errc::unauthenticated));
    stop = true;
    first.join();
    second.join();
  }
  EXPECT_FALSE(taken_after);
}

INSTANTIATE_TEST_SUITE_P(Engines, AccessTokensTest, ::testing::Values(Engine::sqlite, Engine::postgres),
                         db::testing::engine_name);

}  // namespace
}  // namespace bulkhead::identity
