#include "identity/login/registry_login.h"

#include "audit/testing/memory_journal.h"
#include "identity/login/testing/tokens_fixture.h"
#include "identity/secrets/token_format.h"

namespace bulkhead::identity {
namespace {

using namespace std::chrono_literals;
using testing::Engine;
using testing::FailsWith;
using testing::some_origin;
using testing::Succeeds;

constexpr std::string_view kPassword = "correct horse battery";

class RegistryLogInTest : public testing::TokensFixture {
 protected:
  RegistryLogInTest() {
    EXPECT_THAT(accounts_.set_password("alice", Secret<>(std::string(kPassword)), some_origin()), Succeeds());
  }

  static audit::Origin from(std::string_view address, std::string_view name) {
    return {.account = std::string(name),
            .credential = "password",
            .address = std::string(address),
            .user_agent = "docker/1",
            .request_id = {}};
  }
  RegistryLogIn::Outcome try_token(std::string_view name, std::string_view token,
                                   std::string_view at = kHome) {
    const Secret<> secret{std::string(token)};
    EXPECT_TRUE(RegistryLogIn::is_token(secret));
    if (auto known = registry_.peek_token(name, secret, from(at, name))) return *std::move(known);
    return registry_.verify_token(name, secret, from(at, name));
  }
  RegistryLogIn::Outcome try_password(std::string_view name, std::string_view password,
                                      std::string_view at = kHome) {
    const Secret<> secret{std::string(password)};
    EXPECT_FALSE(RegistryLogIn::is_token(secret));
    if (auto admitted = login_.admit(name, from(at, name)); !admitted) return admitted.error();
    return registry_.verify_password(name, secret, from(at, name));
  }
  audit::Event last() { return journal_.events().back(); }

  audit::MemoryJournal journal_;
  LogIn login_{accounts_,
               installation_.hasher,
               journal_,
               installation_.clock,
               {.passwords = {.per_source = 3, .window = 60s, .per_network = 5, .remembered = 1000}}};
  RegistryLogIn registry_{database_, accounts_, login_, tokens_, policies_};
};

TEST_P(RegistryLogInTest, TakesATokenInThePasswordsPlace) {
  const auto made = create(wanted(alice_));
  const auto proved = try_token("alice", made.secret.reveal());
  ASSERT_THAT(proved, Succeeds());
  EXPECT_EQ(proved->account.id, alice_.id);
  EXPECT_EQ(proved->token->id, made.token.id);
  EXPECT_EQ(last().action, audit::Action::login_succeeded);
  EXPECT_EQ(last().target, "alice");
  EXPECT_EQ(last().origin.credential, "token:" + std::to_string(made.token.id));

  const Secret<> again{std::string(made.secret.reveal())};
  EXPECT_TRUE(registry_.peek_token("alice", again, from(kHome, "alice")).has_value()) << "from memory";
}

TEST_P(RegistryLogInTest, TakesARobotsTokenWithItsName) {
  const auto acme = make_organization("acme");
  const auto robot = make_robot("acme+ci", "organization_id", acme);
  const auto made = create(wanted(robot));
  EXPECT_EQ(try_token("acme+ci", made.secret.reveal())->account.id, robot.id);
  EXPECT_THAT(try_token("acme", made.secret.reveal()), FailsWith(Errc::unauthenticated));
}

TEST_P(RegistryLogInTest, RefusesTokensAlikeWhateverTheReason) {
  const auto made = create(wanted(alice_));
  const auto unknown = try_token("alice", make_token("bhpat_").reveal());
  EXPECT_THAT(unknown, FailsWith(Errc::unauthenticated));
  EXPECT_EQ(last().action, audit::Action::login_failed);
  EXPECT_EQ(last().detail, "wrong_token");
  EXPECT_EQ(try_token("bob", made.secret.reveal()).error(), unknown.error()) << "not bob's";
  EXPECT_EQ(try_token("nobody", made.secret.reveal()).error(), unknown.error());
  EXPECT_EQ(try_token("Not A Name", made.secret.reveal(), "198.51.100.1").error(), unknown.error());
  EXPECT_EQ(last().target, "") << "what cannot be a name is not written down";
  EXPECT_EQ(last().origin.account, "");
  EXPECT_EQ(try_token("alice", "bhpat_mistyped", "198.51.100.1").error(), unknown.error());
  ASSERT_THAT(try_token("alice", made.secret.reveal(), "198.51.100.1"), Succeeds());
  ASSERT_THAT(tokens_.revoke(alice_.id, made.token.id, some_origin()), Succeeds());
  EXPECT_EQ(try_token("alice", made.secret.reveal(), "198.51.100.1").error(), unknown.error());
}

TEST_P(RegistryLogInTest, CountsFailedTokensAgainstTheirNetworkAndApartFromPasswords) {
  const auto known = create(wanted(alice_));
  ASSERT_THAT(try_token("alice", known.secret.reveal()), Succeeds());
  for (int i = 0; i < 5; ++i)
    EXPECT_THAT(try_token("alice", make_token("bhpat_").reveal()), FailsWith(Errc::unauthenticated));
  const int before = database_.asked();
  EXPECT_THAT(try_token("alice", make_token("bhpat_").reveal()), FailsWith(Errc::rate_limited));
  EXPECT_EQ(last().detail, "rate_limited");
  EXPECT_EQ(database_.asked(), before) << "refused unread";
  EXPECT_THAT(try_password("alice", kPassword), Succeeds()) << "a token is no guess at a password";
  EXPECT_THAT(try_token("alice", known.secret.reveal()), Succeeds()) << "a token in use is let in";
  EXPECT_THAT(try_token("alice", make_token("bhpat_").reveal(), "198.51.100.1"),
              FailsWith(Errc::unauthenticated));
  installation_.clock.advance(60s);
  EXPECT_THAT(try_token("alice", make_token("bhpat_").reveal()), FailsWith(Errc::unauthenticated));
}

TEST_P(RegistryLogInTest, TakesWhateverBeginsLikeATokenForOne) {
  for (const std::string_view prefix : kTokenPrefixes)
    EXPECT_TRUE(RegistryLogIn::is_token(Secret<>(std::string(prefix) + "anything"))) << prefix;
  EXPECT_FALSE(RegistryLogIn::is_token(Secret<>(std::string("bhpassword"))));
  EXPECT_THAT(try_token("alice", "bhsession_mistyped"), FailsWith(Errc::unauthenticated));
}

TEST_P(RegistryLogInTest, TakesThePasswordOfAnAccountWithoutASecondFactor) {
  const auto proved = try_password("alice", kPassword);
  ASSERT_THAT(proved, Succeeds());
  EXPECT_EQ(proved->account.id, alice_.id);
  EXPECT_EQ(proved->token, nullptr);
  EXPECT_THAT(try_password("alice", "something else"), FailsWith(Errc::unauthenticated));
}

TEST_P(RegistryLogInTest, TellsAnAccountWithASecondFactorToUseATokenOnceThePasswordWasRight) {
  const auto wrong = try_password("alice", "something else").error();
  installation_.write("INSERT INTO totp (account_id, sealed) VALUES (?, '')", {alice_.id});
  EXPECT_THAT(try_password("alice", kPassword), Succeeds()) << "not confirmed yet";
  installation_.write("UPDATE totp SET confirmed_at = 0");
  const auto refused = try_password("alice", kPassword);
  ASSERT_THAT(refused, FailsWith(Errc::unauthenticated));
  EXPECT_NE(refused.error().message.find("personal access token"), std::string::npos);
  EXPECT_EQ(last().action, audit::Action::login_failed);
  EXPECT_EQ(last().detail, "token_needed");
  EXPECT_EQ(try_password("alice", "something else").error(), wrong) << "strangers learn nothing";
  for (int i = 0; i < 5; ++i) EXPECT_THAT(try_password("alice", kPassword), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(login_.admit("alice", from(kHome, "alice")), Succeeds()) << "the right password is no guess";
  EXPECT_THAT(try_token("alice", create(wanted(alice_)).secret.reveal()), Succeeds());

  installation_.write("DELETE FROM totp");
  EXPECT_THAT(try_password("alice", kPassword), Succeeds());
  installation_.write(
      "INSERT INTO webauthn_credentials (account_id, name, credential_id, public_key, aaguid, sign_count, "
      "created_at) VALUES (?, 'key', 'a', 'b', 'c', 0, 0)",
      {alice_.id});
  EXPECT_EQ(try_password("alice", kPassword).error(), refused.error());
}

TEST_P(RegistryLogInTest, ObeysPoliciesOnPasswords) {
  Policy policy;
  policy.password_login = false;
  set_policy(policy);
  EXPECT_THAT(try_password("alice", kPassword), FailsWith(Errc::unauthenticated));
  EXPECT_EQ(last().detail, "token_needed");
  policy.password_login = true;
  policy.mfa_required = true;
  set_policy(policy);
  EXPECT_THAT(try_password("alice", kPassword), FailsWith(Errc::unauthenticated));
  EXPECT_EQ(last().detail, "token_needed");
  policy.mfa_required = false;
  policy.networks = Networks::parse("198.51.100.0/24").value();
  set_policy(policy);
  EXPECT_NE(try_password("alice", kPassword).error(), try_password("alice", "something else").error());
  EXPECT_THAT(try_password("alice", kPassword, "198.51.100.1"), Succeeds());
}

TEST_P(RegistryLogInTest, APasswordRefusedForItsNetworkIsNoGuess) {
  Policy policy;
  policy.networks = Networks::parse("198.51.100.0/24").value();
  set_policy(policy);
  for (int i = 0; i < 4; ++i) EXPECT_THAT(try_password("alice", kPassword), FailsWith(Errc::unauthenticated));
  EXPECT_EQ(last().detail, "wrong_network");
}

INSTANTIATE_TEST_SUITE_P(Engines, RegistryLogInTest, ::testing::Values(Engine::sqlite, Engine::postgres),
                         db::testing::engine_name);

}  // namespace
}  // namespace bulkhead::identity
