// What becomes of tokens in use when the key they are stored under is replaced, and when it is taken away.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crypto/testing/ephemeral_sealer.h"
#include "identity/keys/key_use.h"
#include "identity/login/access_tokens.h"
#include "identity/login/sessions.h"
#include "identity/login/testing/tokens_fixture.h"
#include "identity/people/invitations.h"

namespace bulkhead::identity {
namespace {

using namespace std::chrono_literals;
using db::testing::Engine;
using db::testing::FailsWith;
using db::testing::Succeeds;
using ::testing::IsEmpty;
using testing::some_origin;
using ::testing::StartsWith;

constexpr auto kPurpose = crypto::KeyPurpose::token_hash;

class RetiredKeysTest : public testing::TokensFixture {
 protected:
  crypto::Keyring& keyring() { return installation_.keyring; }
  void rotate() { ASSERT_TRUE(keyring().rotate(kPurpose, installation_.clock.now())); }
  std::string stored() { return installation_.read("SELECT hash FROM access_tokens").at(0).text(0); }
  Result<Sessions::Checked> use_session(const Secret<>& secret) {
    if (auto known = sessions_.peek(secret.reveal(), kHome)) return *std::move(known);
    return sessions_.verify(secret.reveal(), kHome);
  }

  crypto::EphemeralSealer sealer_;
  Sessions sessions_{database_,
                     installation_.keyring,
                     sealer_,
                     accounts_,
                     policies_,
                     installation_.clock,
                     {.lifetime = 12h, .per_account = 3, .cached = 1000}};
};

TEST_P(RetiredKeysTest, AnAccessTokenInUseMovesToTheNewKeyAndOutlivesTheOld) {
  const auto made = create(wanted(alice_));
  ASSERT_THAT(use(made.secret), Succeeds());
  ASSERT_THAT(use(made.secret), Succeeds()) << "from memory";
  rotate();
  EXPECT_THAT(stored(), StartsWith("v1:"));
  ASSERT_THAT(use(made.secret), Succeeds());
  EXPECT_THAT(stored(), StartsWith("v2:"));
  std::vector<KeyNeed> needs{{"unread", 1}};
  ASSERT_THAT(installation_.database->read([&](db::Session& session) -> Result<void> {
    auto found = key_needs(session, kPurpose, 1, installation_.clock.now());
    if (!found) return found.error();
    needs = *std::move(found);
    return {};
  }),
              Succeeds());
  EXPECT_THAT(needs, IsEmpty());
  ASSERT_TRUE(keyring().retire(kPurpose, 1));
  EXPECT_THAT(use(made.secret), Succeeds());
}

TEST_P(RetiredKeysTest, AnAccessTokenOfARetiredKeyIsRefusedFromTheNextRequest) {
  const auto made = create(wanted(alice_));
  ASSERT_THAT(use(made.secret), Succeeds());
  rotate();
  ASSERT_TRUE(keyring().retire(kPurpose, 1));
  EXPECT_THAT(use(made.secret), FailsWith(Errc::unauthenticated));
}

// As a bearer token asks that was made with it.
TEST_P(RetiredKeysTest, AnAccessTokenThatIsKnownByItsNumberEndsWithItsKeyToo) {
  const auto known = [&](std::int64_t id) {
    if (auto peeked = tokens_.peek(id, kHome)) return *std::move(peeked);
    return tokens_.check(id, kHome);
  };
  const auto left = create(wanted(alice_));
  const auto moved = create(wanted(alice_));
  for (const auto* each : {&left, &moved}) {
    ASSERT_THAT(use(each->secret), Succeeds());
    ASSERT_THAT(known(each->token.id), Succeeds());
  }
  rotate();
  ASSERT_THAT(known(left.token.id), Succeeds()) << "its key is older, and still there";
  ASSERT_THAT(use(moved.secret), Succeeds());
  ASSERT_TRUE(keyring().retire(kPurpose, 1));
  EXPECT_THAT(known(left.token.id), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(known(left.token.id), FailsWith(Errc::unauthenticated)) << "again, from whatever is remembered";
  EXPECT_THAT(known(moved.token.id), Succeeds()) << "it was stored under the new key when it was used";
  const int asked = database_.asked();
  EXPECT_THAT(known(moved.token.id), Succeeds());
  EXPECT_EQ(database_.asked(), asked) << "from memory";
}

// Another replica has stored it under the new key; this one's memory says the old.
TEST_P(RetiredKeysTest, WhatMemoryKnowsOfARetiredKeyIsReadAnew) {
  const auto made = create(wanted(alice_));
  ASSERT_THAT(tokens_.check(made.token.id, kHome), Succeeds());
  rotate();
  AccessTokens other(database_, keyring(), accounts_, policies_, installation_.clock, {1000, 5});
  ASSERT_THAT(other.verify(made.secret.reveal(), kFrom), Succeeds());
  ASSERT_THAT(stored(), StartsWith("v2:"));
  ASSERT_TRUE(keyring().retire(kPurpose, 1));
  EXPECT_THAT(tokens_.check(made.token.id, kHome), Succeeds());
}

TEST_P(RetiredKeysTest, AnInvitationOfARetiredKeyIsRefused) {
  const auto acme = make_organization("acme");
  join(alice_, acme, "owner");
  const Directory directory(*installation_.database, accounts_, installation_.clock, [] {});
  Invitations invitations(directory, keyring());
  const auto invite = [&](const std::string& account) {
    return invitations.invite({acme, account, "", MemberRole::member, {}}, alice_.id, some_origin()).value();
  };
  installation_.add_account("carol");
  const auto first = invite("bob");
  rotate();
  const auto second = invite("carol");
  ASSERT_TRUE(keyring().retire(kPurpose, 1));
  EXPECT_THAT(invitations.accept(first.token, bob_.id, some_origin()), FailsWith(Errc::not_found));
  EXPECT_THAT(invitations.accept(second.token, accounts_.find("carol")->id, some_origin()), Succeeds());
}

TEST_P(RetiredKeysTest, ASessionOutlivesARotationAndDiesWithItsKey) {
  const auto started = sessions_.start(alice_, false, some_origin()).value();
  ASSERT_THAT(use_session(started.secret), Succeeds());
  rotate();
  ASSERT_THAT(use_session(started.secret), Succeeds());
  ASSERT_THAT(use_session(started.secret), Succeeds());
  ASSERT_TRUE(keyring().retire(kPurpose, 1));
  EXPECT_THAT(use_session(started.secret), FailsWith(Errc::unauthenticated));
}

INSTANTIATE_TEST_SUITE_P(Engines, RetiredKeysTest, ::testing::Values(Engine::sqlite, Engine::postgres),
                         db::testing::engine_name);

}  // namespace
}  // namespace bulkhead::identity
