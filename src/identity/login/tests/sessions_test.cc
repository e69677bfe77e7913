#include "identity/login/sessions.h"

#include <algorithm>

#include "crypto/testing/ephemeral_sealer.h"
#include "identity/login/testing/tokens_fixture.h"
#include "identity/secrets/token_format.h"

namespace bulkhead::identity {
namespace {

using namespace std::chrono_literals;
using testing::Engine;
using testing::FailsWith;
using testing::some_origin;
using testing::Succeeds;

class SessionsTest : public testing::TokensFixture {
 protected:
  Sessions::Started start(const Account& account, bool multi_factor = false) {
    return sessions_.start(account, multi_factor, some_origin()).value();
  }
  Result<Sessions::Checked> use(const Secret<>& secret, std::string_view address = kHome) {
    if (auto known = sessions_.peek(secret.reveal(), address)) return *std::move(known);
    return sessions_.verify(secret.reveal(), address);
  }

  crypto::EphemeralSealer sealer_;
  Sessions sessions_{database_,
                     installation_.keyring,
                     sealer_,
                     accounts_,
                     policies_,
                     installation_.clock,
                     {.lifetime = 12h, .longest = 30h, .per_account = 3, .cached = 1000}};
};

TEST_P(SessionsTest, AreStartedAndRecognised) {
  const auto started = start(alice_, true);
  EXPECT_TRUE(token_is_well_formed("bhsession_", started.secret.reveal()));
  EXPECT_EQ(installation_.last_event().action, "session_started");
  EXPECT_EQ(installation_.last_event().target, "alice");
  const auto found = use(started.secret);
  ASSERT_THAT(found, Succeeds());
  EXPECT_EQ(found->session->account_id, alice_.id);
  EXPECT_EQ(found->session->client, "test/1");
  EXPECT_EQ(found->session->address, "192.0.2.7");
  EXPECT_TRUE(found->session->multi_factor);
  EXPECT_FALSE(found->needs_factor);
  EXPECT_EQ(found->session->proved_at, installation_.clock.now());
}

TEST_P(SessionsTest, AreNotInTheDatabase) {
  const auto started = start(alice_);
  const std::string stored = installation_.read("SELECT hash FROM sessions").at(0).text(0);
  EXPECT_EQ(stored.find(started.secret.reveal().substr(10, 10)), std::string::npos);
  EXPECT_THAT(use(Secret<>(std::string(stored))), FailsWith(Errc::unauthenticated));
}

TEST_P(SessionsTest, InUseTouchNoDatabaseAndMistypedOnesNeverDo) {
  const auto started = start(alice_);
  ASSERT_THAT(sessions_.verify(started.secret.reveal(), kHome), Succeeds());
  std::string mistyped = started.secret.reveal();
  mistyped.back() = mistyped.back() == 'a' ? 'b' : 'a';
  const int before = database_.asked();
  EXPECT_THAT(sessions_.verify(started.secret.reveal(), kHome), Succeeds());
  EXPECT_TRUE(sessions_.peek(started.secret.reveal(), kHome).has_value());
  for (const std::string& text : {mistyped, std::string(), make_token("bhpat_").reveal()})
    EXPECT_THAT(sessions_.verify(text, kHome), FailsWith(Errc::unauthenticated));
  EXPECT_EQ(database_.asked(), before);
}

TEST_P(SessionsTest, AreRefusedAlikeWhateverTheReason) {
  const auto unknown = use(make_token("bhsession_"));
  EXPECT_THAT(unknown, FailsWith(Errc::unauthenticated));
  const auto ended = start(alice_);
  ASSERT_THAT(use(ended.secret), Succeeds());
  ASSERT_THAT(sessions_.end(alice_.id, ended.session.id, some_origin()), Succeeds());
  EXPECT_EQ(use(ended.secret).error(), unknown.error());
  EXPECT_EQ(installation_.last_event().action, "session_ended");

  const auto old = start(alice_);
  ASSERT_THAT(use(old.secret), Succeeds());
  installation_.clock.advance(12h - 1us);
  EXPECT_THAT(use(old.secret), Succeeds());
  installation_.clock.advance(1us);
  EXPECT_EQ(use(old.secret).error(), unknown.error());

  const auto bobs = start(bob_);
  ASSERT_THAT(use(bobs.secret), Succeeds());
  ASSERT_THAT(accounts_.set_state("bob", AccountState::locked, some_origin()), Succeeds());
  EXPECT_EQ(use(bobs.secret).error(), unknown.error());
}

TEST_P(SessionsTest, DieWhenThePasswordChanges) {
  const auto started = start(alice_);
  ASSERT_THAT(use(started.secret), Succeeds());
  ASSERT_THAT(accounts_.set_password("alice", Secret<>(std::string("a new long password")), some_origin()),
              Succeeds());
  EXPECT_THAT(use(started.secret), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(sessions_.start(alice_, false, some_origin()), FailsWith(Errc::unauthenticated))
      << "the log-in was before that";
  EXPECT_THAT(sessions_.start(accounts_.find("alice").value(), false, some_origin()), Succeeds());
}

TEST_P(SessionsTest, AreForPeople) {
  const auto robot = make_robot("acme-robot", "organization_id", make_organization("acme"));
  EXPECT_THAT(sessions_.start(robot, false, some_origin()), FailsWith(Errc::unauthenticated));
}

TEST_P(SessionsTest, ObeyAPolicyFromTheNextUseOn) {
  const auto plain = start(alice_, false);
  const auto strong = start(alice_, true);
  EXPECT_FALSE(use(plain.secret)->needs_factor);
  Policy policy;
  policy.mfa_required = true;
  set_policy(policy);
  EXPECT_TRUE(use(plain.secret)->needs_factor);
  EXPECT_FALSE(use(strong.secret)->needs_factor);
  policy.networks = Networks::parse("198.51.100.0/24").value();
  set_policy(policy);
  EXPECT_THAT(use(strong.secret), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(use(strong.secret, "198.51.100.1"), Succeeds());
}

TEST_P(SessionsTest, KnowHowLongAgoThePersonProvedWhoTheyAre) {
  const auto started = start(alice_, false);
  const auto recent = [&] {
    return use(started.secret)->session->recently_proved(installation_.clock.now(), 5min);
  };
  installation_.clock.advance(5min - 1us);
  EXPECT_TRUE(recent());
  installation_.clock.advance(1us);
  EXPECT_FALSE(recent());
  ASSERT_THAT(sessions_.prove(alice_.id, started.session.id, true), Succeeds());
  EXPECT_TRUE(recent());
  EXPECT_TRUE(use(started.secret)->session->multi_factor);
  ASSERT_THAT(sessions_.prove(alice_.id, started.session.id, false), Succeeds());
  EXPECT_TRUE(use(started.secret)->session->multi_factor);
  EXPECT_THAT(sessions_.prove(bob_.id, started.session.id, true), FailsWith(Errc::not_found));
}

TEST_P(SessionsTest, OfOthersAreNotFound) {
  const auto started = start(alice_);
  EXPECT_THAT(sessions_.end(bob_.id, started.session.id, some_origin()), FailsWith(Errc::not_found));
  EXPECT_THAT(sessions_.end(alice_.id, 4711, some_origin()), FailsWith(Errc::not_found));
  EXPECT_THAT(use(started.secret), Succeeds());
}

TEST_P(SessionsTest, OfAnAccountEndTogether) {
  const auto first = start(alice_);
  const auto second = start(alice_);
  const auto bobs = start(bob_);
  for (const auto* each : {&first, &second, &bobs}) ASSERT_THAT(use(each->secret), Succeeds());
  EXPECT_EQ(sessions_.end_all(alice_.id, some_origin()).value(), 2);
  EXPECT_THAT(use(first.secret), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(use(second.secret), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(use(bobs.secret), Succeeds());
  EXPECT_EQ(std::ranges::count(installation_.events(), "session_ended", &testing::Recorded::action), 2);
}

TEST_P(SessionsTest, OfOneAccountAreLimitedByEndingTheOldest) {
  std::vector<Sessions::Started> all;
  for (int i = 0; i < 4; ++i) all.push_back(start(alice_));
  const auto bobs = start(bob_);
  EXPECT_THAT(use(all[0].secret), FailsWith(Errc::unauthenticated));
  for (int i = 1; i < 4; ++i) EXPECT_THAT(use(all[static_cast<std::size_t>(i)].secret), Succeeds());
  EXPECT_THAT(use(bobs.secret), Succeeds());
  const auto listed = sessions_.list(alice_.id).value();
  ASSERT_EQ(listed.size(), 3u);
  EXPECT_EQ(listed.front().id, all.back().session.id);
}

TEST_P(SessionsTest, ThatHaveRunOutAreRemoved) {
  const auto old = start(alice_);
  installation_.clock.advance(6h);
  const auto young = start(alice_);
  installation_.clock.advance(6h);
  EXPECT_EQ(sessions_.list(alice_.id)->size(), 1u);
  EXPECT_EQ(sessions_.prune().value(), 1);
  EXPECT_EQ(sessions_.prune().value(), 0);
  EXPECT_THAT(use(young.secret), Succeeds());
  EXPECT_EQ(installation_.read("SELECT id FROM sessions").size(), 1u);
}

class BackedSessionsTest : public SessionsTest {
 protected:
  std::int64_t provider(std::string_view name) {
    installation_.write(
        "INSERT INTO login_providers (name, kind, settings, sealed, created_at) VALUES (?, 'oidc', '{}', '', "
        "0)",
        {std::string(name)});
    return id_of("SELECT id FROM login_providers WHERE name = ?", {std::string(name)});
  }
  void link(const Account& account, std::int64_t with, std::string_view subject) {
    installation_.write(
        "INSERT INTO external_identities (provider_id, subject, account_id, last_seen_at) VALUES (?, ?, ?, "
        "0) "
        "ON CONFLICT DO NOTHING",
        {with, std::string(subject), account.id});
  }
  Result<Sessions::Started> try_to_start(const Account& account, std::int64_t with, std::string_view subject,
                                         std::string_view refresh = "") {
    return sessions_.start(account, false, {with, std::string(subject), Secret<>(std::string(refresh)), "{}"},
                           some_origin());
  }
  Sessions::Started start_with(const Account& account, std::int64_t with, std::string_view subject,
                               std::string_view refresh = "") {
    link(account, with, subject);
    return try_to_start(account, with, subject, refresh).value();
  }
  Result<Session> refresh(const Sessions::Started& started, std::string_view with = "") {
    return sessions_.refresh(started.session.id, Secret<>(std::string(with)), some_origin());
  }

  std::int64_t corp_ = provider("corp");
};

TEST_P(BackedSessionsTest, KnowWhatTheirProviderIsAskedWith) {
  const auto started = start_with(alice_, corp_, "subject", "refresh-1");
  const auto backing = sessions_.backing(started.session.id);
  ASSERT_THAT(backing, Succeeds());
  EXPECT_EQ(backing->provider_id, corp_);
  EXPECT_EQ(backing->subject, "subject");
  EXPECT_EQ(backing->refresh.reveal(), "refresh-1");
  EXPECT_EQ(installation_.read("SELECT sealed FROM external_sessions").at(0).text(0).find("refresh"),
            std::string::npos);
  EXPECT_THAT(sessions_.backing(start(alice_).session.id), FailsWith(Errc::not_found));
  ASSERT_THAT(sessions_.end(alice_.id, started.session.id, some_origin()), Succeeds());
  EXPECT_THAT(sessions_.backing(started.session.id), FailsWith(Errc::not_found));
  EXPECT_TRUE(installation_.read("SELECT 1 FROM external_sessions").empty());
}

TEST_P(BackedSessionsTest, AreNotStartedOnWhatDoesNotHoldAnyMore) {
  EXPECT_THAT(try_to_start(alice_, corp_, "subject"), FailsWith(Errc::unauthenticated)) << "no identity";
  link(bob_, corp_, "subject");
  EXPECT_THAT(try_to_start(alice_, corp_, "subject"), FailsWith(Errc::unauthenticated)) << "somebody else's";
  const auto started = start_with(bob_, corp_, "subject", "refresh-1");
  installation_.write("UPDATE login_providers SET settings = '{\"other\":1}'");
  EXPECT_THAT(try_to_start(bob_, corp_, "subject"), FailsWith(Errc::unauthenticated)) << "other settings";
  EXPECT_THAT(refresh(started, "refresh-2"), Succeeds()) << "a session that is there goes on";
  installation_.write("UPDATE login_providers SET settings = '{}', enabled = 0");
  EXPECT_THAT(try_to_start(bob_, corp_, "subject"), FailsWith(Errc::unauthenticated)) << "disabled";
  EXPECT_THAT(refresh(started, "refresh-3"), FailsWith(Errc::not_found));
  EXPECT_EQ(installation_.read("SELECT COUNT(*) FROM sessions").at(0).integer(0), 1);
}

TEST_P(BackedSessionsTest, LastLongerWhenRefreshedButNotForEver) {
  const auto started = start_with(alice_, corp_, "subject", "refresh-1");
  const Time begun = installation_.clock.now();
  installation_.clock.advance(11h);
  const auto refreshed = refresh(started, "refresh-2");
  ASSERT_THAT(refreshed, Succeeds());
  EXPECT_EQ(refreshed->expires_at, begun + 23h);
  EXPECT_EQ(refreshed->proved_at, begun) << "nobody has proved anything";
  EXPECT_EQ(sessions_.backing(started.session.id)->refresh.reveal(), "refresh-2");
  installation_.clock.advance(11h);
  EXPECT_THAT(use(started.secret), Succeeds());
  EXPECT_EQ(refresh(started)->expires_at, begun + 30h);
  installation_.clock.advance(8h);
  EXPECT_THAT(use(started.secret), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(refresh(started), FailsWith(Errc::not_found)) << "what has ended stays ended";
}

TEST_P(BackedSessionsTest, AreTheOnlyOnesThatCanBeRefreshed) {
  const auto plain = start(alice_);
  EXPECT_THAT(refresh(plain), FailsWith(Errc::not_found));
  installation_.clock.advance(12h);
  EXPECT_THAT(use(plain.secret), FailsWith(Errc::unauthenticated));
}

TEST_P(BackedSessionsTest, EndWithTheirProviderOrItsPerson) {
  const std::int64_t other = provider("other");
  const auto first = start_with(alice_, corp_, "a");
  const auto second = start_with(bob_, corp_, "b");
  const auto third = start_with(bob_, other, "b");
  const auto own = start(alice_);
  for (const auto* each : {&first, &second, &third, &own}) ASSERT_THAT(use(each->secret), Succeeds());
  EXPECT_EQ(sessions_.end_backed(corp_, "a", some_origin()).value(), 1);
  EXPECT_EQ(installation_.last_event().action, "session_ended");
  EXPECT_EQ(installation_.last_event().target, "alice");
  EXPECT_THAT(use(first.secret), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(use(second.secret), Succeeds());
  EXPECT_EQ(sessions_.end_backed(corp_, std::nullopt, some_origin()).value(), 1);
  EXPECT_THAT(use(second.secret), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(use(third.secret), Succeeds());
  EXPECT_THAT(use(own.secret), Succeeds());
}

INSTANTIATE_TEST_SUITE_P(Engines, BackedSessionsTest, ::testing::Values(Engine::sqlite, Engine::postgres),
                         db::testing::engine_name);
INSTANTIATE_TEST_SUITE_P(Engines, SessionsTest, ::testing::Values(Engine::sqlite, Engine::postgres),
                         db::testing::engine_name);

}  // namespace
}  // namespace bulkhead::identity
