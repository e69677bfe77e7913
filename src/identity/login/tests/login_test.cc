#include "identity/login/login.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

#include "crypto/testing/passwords.h"
#include "db/testing/database_contract.h"
#include "identity/people/testing/installation.h"

namespace bulkhead::identity {
namespace {

using namespace std::chrono_literals;
using db::testing::FailsWith;
using db::testing::Succeeds;
using testing::Installation;

class MemoryJournal final : public audit::Journal {
 public:
  void append(const audit::Event& event) override {
    const std::lock_guard lock(mutex_);
    events_.push_back(event);
  }
  std::uint64_t failed_appends() const override { return 0; }
  std::vector<audit::Event> events() const {
    const std::lock_guard lock(mutex_);
    return events_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<audit::Event> events_;
};

constexpr std::string_view kRight = "correct horse battery";

class LogInTest : public ::testing::Test {
 protected:
  LogInTest() {
    EXPECT_THAT(
        installation_.accounts.create("alice", Secret<>(std::string(kRight)), false, testing::some_origin()),
        Succeeds());
  }

  static audit::Origin from(std::string_view address) {
    return {
        .account = {}, .credential = {}, .address = std::string(address), .user_agent = {}, .request_id = {}};
  }
  Result<Account> try_in(std::string_view name, std::string_view password,
                         std::string_view address = "192.0.2.7") {
    return login_.verify(name, Secret<>(std::string(password)), from(address));
  }

  static constexpr LoginLimits kLimits{.passwords = {.per_source = 3,
                                                     .window = 60s,
                                                     .in_all = 7,
                                                     .window_in_all = 600s,
                                                     .per_network = 5,
                                                     .remembered = 1000},
                                       .remembered_for = 30s,
                                       .passwords_remembered = 10};
  Result<void> admit(std::string_view name, std::string_view address) const {
    return login_.admit(name, from(address));
  }

  Installation installation_;
  MemoryJournal journal_;
  LogIn login_{installation_.accounts, installation_.hasher, journal_, installation_.clock, kLimits};
};

TEST_F(LogInTest, LetsTheRightPasswordInAndJournalsIt) {
  const auto account = try_in("alice", kRight);
  ASSERT_THAT(account, Succeeds());
  EXPECT_EQ(account->name, "alice");
  const auto events = journal_.events();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].action, audit::Action::login_succeeded);
  EXPECT_EQ(events[0].origin.account, "alice");
  EXPECT_EQ(events[0].origin.address, "192.0.2.7");
  EXPECT_EQ(events[0].at, installation_.clock.now());
}

TEST_F(LogInTest, GivesOneAnswerForEveryReasonAndJournalsWhich) {
  ASSERT_THAT(
      installation_.accounts.create("carol", Secret<>(std::string(kRight)), false, testing::some_origin()),
      Succeeds());
  ASSERT_THAT(installation_.accounts.set_active("carol", false, testing::some_origin()), Succeeds());
  const auto wrong = try_in("alice", "not this one");
  const auto unknown = try_in("bob", kRight);
  const auto disabled = try_in("carol", kRight);
  const auto no_name = try_in("no name\xff", kRight);
  EXPECT_THAT(wrong, FailsWith(Errc::unauthenticated));
  for (const auto& other : {unknown, disabled, no_name}) EXPECT_EQ(other.error(), wrong.error());

  const auto events = journal_.events();
  ASSERT_EQ(events.size(), 4u);
  const std::vector<std::pair<std::string, std::string>> expected = {{"alice", "wrong_password"},
                                                                     {"bob", "unknown_account"},
                                                                     {"carol", "disabled"},
                                                                     {"", "unknown_account"}};
  for (std::size_t i = 0; i < events.size(); ++i) {
    EXPECT_EQ(events[i].action, audit::Action::login_failed);
    EXPECT_EQ(events[i].target, expected[i].first);
    EXPECT_EQ(events[i].detail, expected[i].second);
    EXPECT_EQ(events[i].origin.account, "");
  }
}

TEST_F(LogInTest, NeverWritesDownAPasswordTypedAsAName) {
  ASSERT_THAT(try_in("My Secret Passphrase!", ""), FailsWith(Errc::unauthenticated));
  EXPECT_EQ(journal_.events().at(0).target, "");

  audit::Origin naming = from("192.0.2.7");
  naming.account = "My Secret Passphrase!";
  ASSERT_THAT(login_.verify(naming.account, Secret<>(std::string("x")), naming),
              FailsWith(Errc::unauthenticated));
  EXPECT_EQ(journal_.events().at(1).origin.account, "");
}

// Times are compared with a margin that a skipped hash, thousands of times faster, cannot pass.
TEST_F(LogInTest, TakesAsLongForANameThatDoesNotExist) {
  const auto time = [&](std::string_view name) {
    const auto start = std::chrono::steady_clock::now();
    EXPECT_THAT(try_in(name, "not this one"), FailsWith(Errc::unauthenticated));
    return std::chrono::steady_clock::now() - start;
  };
  const auto known = time("alice");
  const auto unknown = time("bob");
  EXPECT_GT(unknown * 5, known);
  EXPECT_GT(known * 5, unknown);
}

TEST_F(LogInTest, RefusesAnAccountUnreadWhereItsLimitIsReachedUntilTheWindowPasses) {
  const std::pair<const char*, std::string> kCallers[] = {{"alice", "198.51.100."}, {"bob", "203.0.113."}};
  for (const auto& [name, network] : kCallers) {
    for (int i = 0; i < 3; ++i) {
      EXPECT_THAT(admit(name, network + '1'), Succeeds());
      EXPECT_THAT(try_in(name, "wrong", network + std::to_string(i)), FailsWith(Errc::unauthenticated));
    }
    const auto refused = admit(name, network + '1');
    ASSERT_THAT(refused, FailsWith(Errc::rate_limited)) << name;
    EXPECT_EQ(refused.error().retry_after, 60s);
    EXPECT_EQ(journal_.events().back().target, name);
    EXPECT_EQ(journal_.events().back().detail, "rate_limited");
    EXPECT_THAT(admit(name, "192.0.2.1"), Succeeds()) << "elsewhere the owner is let in";
  }
  EXPECT_EQ(admit("alice", "198.51.100.1").error(), admit("bob", "203.0.113.1").error())
      << "the answer must not tell who exists";
  EXPECT_THAT(try_in("alice", kRight, "198.51.100.1"), FailsWith(Errc::rate_limited));
  EXPECT_EQ(journal_.events().back().detail, "rate_limited");

  installation_.clock.advance(60s);
  EXPECT_THAT(admit("alice", "198.51.100.1"), Succeeds());
  EXPECT_THAT(try_in("alice", kRight, "198.51.100.1"), Succeeds());
}

TEST_F(LogInTest, RefusesAnAccountInUnknownNetworksAfterItsLimitInAll) {
  ASSERT_THAT(try_in("alice", kRight, "192.0.2.7"), Succeeds());
  for (int i = 0; i < 7; ++i)
    ASSERT_THAT(try_in("alice", "wrong", "10.0." + std::to_string(i) + ".1"),
                FailsWith(Errc::unauthenticated));
  EXPECT_THAT(try_in("alice", kRight, "10.1.0.1"), FailsWith(Errc::rate_limited));
  EXPECT_THAT(try_in("alice", kRight, "192.0.2.200"), Succeeds()) << "a network that knows the account";
  for (int i = 0; i < 3; ++i)
    EXPECT_THAT(try_in("alice", "wrong", "192.0.2.7"), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(try_in("alice", kRight, "192.0.2.7"), FailsWith(Errc::rate_limited)) << "which has its own";
  installation_.clock.advance(600s);
  EXPECT_THAT(try_in("alice", kRight, "10.1.0.1"), Succeeds());
}

TEST_F(LogInTest, RefusesANetworkAfterItsLimitButForWhoIsKnownThere) {
  ASSERT_THAT(
      installation_.accounts.create("carol", Secret<>(std::string(kRight)), false, testing::some_origin()),
      Succeeds());
  ASSERT_THAT(try_in("carol", kRight, "192.0.2.7"), Succeeds());
  for (int i = 0; i < 5; ++i)
    EXPECT_THAT(try_in("name-" + std::to_string(i), "wrong", "192.0.2." + std::to_string(i)),
                FailsWith(Errc::unauthenticated));
  EXPECT_THAT(admit("alice", "192.0.2.200"), FailsWith(Errc::rate_limited));
  EXPECT_THAT(try_in("alice", kRight, "192.0.2.200"), FailsWith(Errc::rate_limited));
  EXPECT_THAT(try_in("carol", kRight, "192.0.2.9"), Succeeds());
  EXPECT_THAT(try_in("alice", kRight, "192.0.3.1"), Succeeds()) << "another network";
  installation_.clock.advance(60s);
  EXPECT_THAT(try_in("alice", kRight, "192.0.2.200"), Succeeds());
}

TEST_F(LogInTest, CountsWhatNobodyGuessesApartFromPasswords) {
  for (int i = 0; i < 5; ++i) {
    ASSERT_THAT(login_.admit_network("acme+ci", from("192.0.2.7")), Succeeds()) << i;
    login_.refused("192.0.2.7");
  }
  EXPECT_TRUE(journal_.events().empty()) << "somebody else's to write";
  EXPECT_THAT(login_.admit_network("acme+ci", from("192.0.2.200")), FailsWith(Errc::rate_limited));
  EXPECT_THAT(try_in("alice", kRight, "192.0.2.9"), Succeeds());
  EXPECT_THAT(login_.admit_network("acme+ci", from("198.51.100.1")), Succeeds());
  installation_.clock.advance(60s);
  EXPECT_THAT(login_.admit_network("acme+ci", from("192.0.2.7")), Succeeds());
}

TEST_F(LogInTest, ASuccessClearsTheCountOfItsSourceAndNoOther) {
  for (int i = 0; i < 2; ++i) EXPECT_THAT(try_in("alice", "wrong"), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(try_in("alice", kRight), Succeeds());
  for (int i = 0; i < 2; ++i) EXPECT_THAT(try_in("alice", "wrong"), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(try_in("alice", kRight), Succeeds());
  EXPECT_THAT(try_in("bob", "wrong"), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(try_in("bob", "wrong"), FailsWith(Errc::rate_limited)) << "five failures from this network";
}

TEST_F(LogInTest, ASessionProvesItselfWhateverStrangersDo) {
  for (int i = 0; i < 3; ++i) ASSERT_THAT(try_in("alice", "wrong"), FailsWith(Errc::unauthenticated));
  ASSERT_THAT(try_in("alice", kRight), FailsWith(Errc::rate_limited));
  const auto prove = [&](std::string_view password, std::int64_t session) {
    return login_.verify("alice", Secret<>(std::string(password)), from("192.0.2.7"), {}, session);
  };
  EXPECT_THAT(prove(kRight, 1), Succeeds());
  for (int i = 0; i < 3; ++i) EXPECT_THAT(prove("wrong", 1), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(prove(kRight, 1), FailsWith(Errc::rate_limited));
  EXPECT_THAT(prove(kRight, 2), Succeeds()) << "another session";
  EXPECT_THAT(try_in("alice", kRight, "198.51.100.1"), Succeeds());
}

TEST_F(LogInTest, LiftingBeginsTheCountsAnew) {
  const auto guess = [&] {
    for (int i = 0; i < 3; ++i) static_cast<void>(try_in("alice", "wrong", "192.0.2.7"));
    for (int i = 0; i < 8; ++i)
      static_cast<void>(try_in("alice", "wrong", "10.0." + std::to_string(i) + ".1"));
  };
  guess();
  ASSERT_THAT(admit("alice", "192.0.2.7"), FailsWith(Errc::rate_limited));
  ASSERT_THAT(admit("alice", "10.1.0.1"), FailsWith(Errc::rate_limited));
  login_.lift("alice");
  EXPECT_THAT(admit("alice", "192.0.2.7"), Succeeds());
  EXPECT_THAT(admit("alice", "10.1.0.1"), Succeeds());

  ASSERT_THAT(try_in("alice", kRight, "198.51.100.1"), Succeeds());
  guess();
  ASSERT_THAT(admit("alice", "198.51.100.1"), Succeeds()) << "known there";
  login_.forget("alice");
  guess();
  EXPECT_THAT(admit("alice", "198.51.100.1"), FailsWith(Errc::rate_limited))
      << "who knew the old password may have been there";
}

// What is not hashed is thousands of times faster.
TEST_F(LogInTest, TakesAPasswordThatWasJustRightWithoutHashingIt) {
  const auto time = [&](const auto& what) {
    const auto start = std::chrono::steady_clock::now();
    what();
    return std::chrono::steady_clock::now() - start;
  };
  const auto hashed = time([&] { ASSERT_THAT(try_in("alice", kRight), Succeeds()); });
  EXPECT_TRUE(login_.remembers("alice", Secret<>(std::string(kRight))));
  EXPECT_FALSE(login_.remembers("alice", Secret<>(std::string("wrong"))));
  EXPECT_LT(time([&] { ASSERT_THAT(try_in("alice", kRight), Succeeds()); }) * 2, hashed);
  EXPECT_EQ(journal_.events().size(), 2u) << "each is journaled";
  EXPECT_THAT(try_in("alice", "wrong"), FailsWith(Errc::unauthenticated));
  installation_.clock.advance(30s);
  EXPECT_FALSE(login_.remembers("alice", Secret<>(std::string(kRight))));
}

TEST_F(LogInTest, ForgetsARememberedPasswordWithAnyChangeOfWhatItIsGoodFor) {
  const Secret<> right{std::string(kRight)};
  const auto recalled = [&] { return login_.recall("alice", right, from("192.0.2.7")).has_value(); };
  ASSERT_THAT(try_in("alice", kRight), Succeeds());
  ASSERT_TRUE(recalled());
  ASSERT_THAT(installation_.accounts.set_password("alice", Secret<>(std::string("another one of mine")),
                                                  testing::some_origin()),
              Succeeds());
  EXPECT_FALSE(recalled());
  EXPECT_THAT(try_in("alice", kRight), FailsWith(Errc::unauthenticated));
  ASSERT_THAT(try_in("alice", "another one of mine"), Succeeds());
  ASSERT_THAT(installation_.accounts.set_active("alice", false, testing::some_origin()), Succeeds());
  ASSERT_THAT(installation_.accounts.set_active("alice", true, testing::some_origin()), Succeeds());
  EXPECT_FALSE(
      login_.recall("alice", Secret<>(std::string("another one of mine")), from("192.0.2.7")).has_value());
}

TEST_F(LogInTest, ARememberedPasswordIsAskedItsConditionAndHeldToTheLimits) {
  const Secret<> right{std::string(kRight)};
  ASSERT_THAT(try_in("alice", kRight), Succeeds());
  const auto veto = [](std::optional<Error> answer) {
    return [answer](const Account&) -> Result<std::optional<LogIn::Veto>> {
      return std::optional(LogIn::Veto{"not here", answer});
    };
  };
  const auto told = login_.recall("alice", right, from("192.0.2.7"), veto(Error(Errc::denied, "no")));
  ASSERT_TRUE(told.has_value());
  EXPECT_THAT(*told, FailsWith(Errc::denied));
  EXPECT_FALSE(login_.recall("alice", right, from("192.0.2.7"), veto(std::nullopt)).has_value())
      << "what is answered like a wrong password takes as long";
  for (int i = 0; i < 3; ++i)
    ASSERT_THAT(try_in("alice", "wrong", "203.0.113.1"), FailsWith(Errc::unauthenticated));
  const auto limited = login_.recall("alice", right, from("203.0.113.1"));
  ASSERT_TRUE(limited.has_value());
  EXPECT_THAT(*limited, FailsWith(Errc::rate_limited));
}

TEST_F(LogInTest, WhatCannotBeDecidedIsJournaledAndCountsAsNothing) {
  for (int i = 0; i < 5; ++i)
    ASSERT_THAT(login_.verify_elsewhere("corp", "dora", from("192.0.2.7"),
                                        []() -> Result<LogIn::Judgement> {
                                          return Error{Errc::unavailable, "nobody answers"};
                                        }),
                FailsWith(Errc::unavailable));
  ASSERT_EQ(journal_.events().size(), 5u);
  EXPECT_EQ(journal_.events().back().target, "dora");
  EXPECT_EQ(journal_.events().back().detail, R"({"reason":"not_decided","error":"nobody answers"})");
}

TEST_F(LogInTest, GuessesMadeAtOnceGetNoFurtherThanGuessesInARow) {
  std::atomic<int> hashed{0};
  std::atomic<int> limited{0};
  std::vector<std::thread> guesses;
  for (int i = 0; i < 12; ++i) {
    guesses.emplace_back([&, i] {
      const auto result = try_in("alice", "guess", "10.0." + std::to_string(i) + ".1");
      ++(result.error().code == Errc::rate_limited ? limited : hashed);
    });
  }
  for (auto& guess : guesses) guess.join();
  EXPECT_EQ(hashed, 7);
  EXPECT_EQ(limited, 5);
}

TEST_F(LogInTest, LogInsAtOnceWithTheRightPasswordAllSucceed) {
  std::atomic<int> succeeded{0};
  std::vector<std::thread> logins;
  for (int i = 0; i < 12; ++i) logins.emplace_back([&] { succeeded += try_in("alice", kRight).has_value(); });
  for (auto& login : logins) login.join();
  EXPECT_EQ(succeeded, 12);
}

TEST_F(LogInTest, ReplacesAnOutdatedHash) {
  crypto::PasswordParameters stronger = crypto::cheap_password_parameters();
  stronger.passes += 1;
  const crypto::PasswordHasher hasher(installation_.keyring, stronger);
  LogIn login(installation_.accounts, hasher, journal_, installation_.clock, kLimits);
  const std::string old_hash = installation_.accounts.credentials("alice")->password_hash;
  ASSERT_TRUE(hasher.outdated(old_hash));
  ASSERT_THAT(login.verify("alice", Secret<>(std::string("wrong one")), from("192.0.2.7")),
              FailsWith(Errc::unauthenticated));
  EXPECT_EQ(installation_.accounts.credentials("alice")->password_hash, old_hash);
  ASSERT_THAT(login.verify("alice", Secret<>(std::string(kRight)), from("192.0.2.7")), Succeeds());
  const std::string new_hash = installation_.accounts.credentials("alice")->password_hash;
  EXPECT_FALSE(hasher.outdated(new_hash));
  EXPECT_TRUE(hasher.verify(Secret<>(std::string(kRight)), new_hash));
}

}  // namespace
}  // namespace bulkhead::identity
