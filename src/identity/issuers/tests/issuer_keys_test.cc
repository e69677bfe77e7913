#include "identity/issuers/issuer_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "db/testing/database_contract.h"
#include "identity/issuers/testing/test_issuer.h"
#include "identity/people/testing/installation.h"

namespace bulkhead::identity {
namespace {

using namespace std::chrono_literals;
using crypto::SignatureAlgorithm;
using db::testing::FailsWith;
using db::testing::Succeeds;
using testing::SigningKey;
using testing::TestIssuer;

constexpr auto kAlgorithm = SignatureAlgorithm::rs256;

class IssuerKeysTest : public ::testing::Test {
 protected:
  Result<std::vector<crypto::PublicKey>> find(std::string_view key_id = "key-1") {
    return keys_.find(issuer_.url(), key_id, kAlgorithm);
  }
  void go_down() {
    issuer_.answer(issuer_.discovery_url(), Error{Errc::unavailable, "nobody answers"});
    issuer_.answer(issuer_.keys_url(), Error{Errc::unavailable, "nobody answers"});
  }
  // Discovery and keys.
  int rounds() const { return issuer_.fetches() / 2; }
  template <class F>
  static bool eventually(const F& condition) {
    for (int i = 0; i < 1000 && !condition(); ++i) std::this_thread::sleep_for(5ms);
    return condition();
  }

  testing::ManualClock clock_;
  TestIssuer issuer_;
  IssuerKeys keys_{issuer_, clock_, {}};
};

TEST_F(IssuerKeysTest, AsksOnceAndRemembers) {
  for (int i = 0; i < 10; ++i) ASSERT_THAT(find(), Succeeds());
  EXPECT_THAT(issuer_.urls(), ::testing::ElementsAre(issuer_.discovery_url(), issuer_.keys_url()));
}

TEST_F(IssuerKeysTest, TellsWhatTheIssuerSaysOfItself) {
  const auto found = keys_.discovery(issuer_.url());
  ASSERT_THAT(found, Succeeds());
  EXPECT_EQ(found->token_endpoint, issuer_.url() + "/token");
  EXPECT_THAT(find(), Succeeds());
  EXPECT_EQ(rounds(), 1);
}

TEST_F(IssuerKeysTest, NoticesARotationWithTheFirstTokenOfIt) {
  ASSERT_THAT(find(), Succeeds());
  clock_.advance(61s);
  issuer_.publish(SigningKey::shared_rsa(2, "key-2"));
  EXPECT_THAT(find("key-2"), Succeeds());
  issuer_.withdraw("key-1");
  EXPECT_THAT(find(), Succeeds());
  clock_.advance(1h);
  EXPECT_THAT(find(), FailsWith(Errc::unauthenticated));
  EXPECT_THAT(find("key-2"), Succeeds());
}

TEST_F(IssuerKeysTest, NoticesARotationJustAfterTheKeysWereFetched) {
  ASSERT_THAT(find(), Succeeds());
  clock_.advance(1s);
  issuer_.publish(SigningKey::shared_rsa(2, "key-2"));
  EXPECT_THAT(find("key-2"), Succeeds());
  EXPECT_EQ(rounds(), 2);
  issuer_.publish(SigningKey::shared_rsa(3, "key-3"));
  clock_.advance(30s);
  const auto later = find("key-3");
  ASSERT_THAT(later, FailsWith(Errc::unauthenticated));
  EXPECT_EQ(later.error().retry_after, 30s);
  clock_.advance(30s);
  EXPECT_THAT(find("key-3"), Succeeds());
}

TEST_F(IssuerKeysTest, IsAskedForUnknownKeysTwiceAMinute) {
  ASSERT_THAT(find(), Succeeds());
  for (int i = 0; i < 100; ++i)
    EXPECT_THAT(find("made-up-" + std::to_string(i)), FailsWith(Errc::unauthenticated));
  EXPECT_EQ(rounds(), 2);
  clock_.advance(60s);
  for (int i = 0; i < 100; ++i)
    EXPECT_THAT(find("made-up-" + std::to_string(i)), FailsWith(Errc::unauthenticated));
  EXPECT_EQ(rounds(), 4);
}

TEST_F(IssuerKeysTest, ASignatureThatNoKnownKeyFitsIsAReasonToAskOnce) {
  const auto token = [&](const SigningKey& key) {
    auto header = testing::header_of(key);
    header.erase("kid");
    return UnverifiedJwt::parse(testing::mint(key, header, testing::claims_of(issuer_.url(), clock_.now())),
                                clock_.now())
        .value();
  };
  bool wrong = false;
  ASSERT_THAT(keys_.verify(token(issuer_.key()), wrong), Succeeds());
  const auto next = SigningKey::shared_rsa(2, "key-2");
  issuer_.publish(next);
  issuer_.withdraw("key-1");
  EXPECT_THAT(keys_.verify(token(next), wrong), Succeeds());
  EXPECT_EQ(rounds(), 2);
  const auto forged = token(SigningKey::shared_rsa(3, "key-3"));
  for (int i = 0; i < 10; ++i) {
    EXPECT_THAT(keys_.verify(forged, wrong), FailsWith(Errc::unauthenticated));
    EXPECT_TRUE(wrong);
  }
  EXPECT_EQ(rounds(), 2);
}

TEST_F(IssuerKeysTest, AKeyOfAnotherAlgorithmIsNotAReasonToAsk) {
  ASSERT_THAT(find(), Succeeds());
  clock_.advance(61s);
  EXPECT_THAT(keys_.find(issuer_.url(), "key-1", SignatureAlgorithm::es256),
              FailsWith(Errc::unauthenticated));
  EXPECT_EQ(rounds(), 1);
}

TEST_F(IssuerKeysTest, FetchesAgainAfterAnHour) {
  ASSERT_THAT(find(), Succeeds());
  clock_.advance(1h - 1us);
  ASSERT_THAT(find(), Succeeds());
  EXPECT_EQ(rounds(), 1);
  clock_.advance(1us);
  ASSERT_THAT(find(), Succeeds());
  EXPECT_EQ(rounds(), 2);
}

TEST_F(IssuerKeysTest, KeepsKeysForADayWhileTheIssuerIsDown) {
  ASSERT_THAT(find(), Succeeds());
  go_down();
  clock_.advance(24h - 1us);
  EXPECT_THAT(find(), Succeeds());
  clock_.advance(1us);
  EXPECT_THAT(find(), FailsWith(Errc::unavailable));
  issuer_.serve_itself_again();
  clock_.advance(1min);
  EXPECT_THAT(find(), Succeeds());
}

TEST_F(IssuerKeysTest, KeepsKeysWhileTheIssuerAnswersNonsense) {
  ASSERT_THAT(find(), Succeeds());
  const std::vector<Result<FetchAnswer>> nonsense = {
      FetchAnswer{500, "sorry"},
      FetchAnswer{302, ""},
      FetchAnswer{200, "<html>"},
      FetchAnswer{200, ""},
      FetchAnswer{200, R"({"issuer":"https://evil.example","jwks_uri":"https://evil.example/keys"})"},
      Error{Errc::too_large, "100 MB of keys"}};
  for (const auto& answer : nonsense) {
    issuer_.answer(issuer_.discovery_url(), answer);
    clock_.advance(1h);
    EXPECT_THAT(find(), Succeeds());
    EXPECT_THAT(find("made-up"), FailsWith(Errc::unauthenticated));
  }
  issuer_.serve_itself_again();
  issuer_.answer(issuer_.keys_url(), std::string(R"({"keys":"none"})"));
  clock_.advance(1h);
  EXPECT_THAT(find(), Succeeds());
  for (const auto& url : issuer_.urls()) EXPECT_THAT(url, ::testing::StartsWith(issuer_.url()));
}

TEST_F(IssuerKeysTest, AnUnreachableIssuerIsAskedAgainAfterTenSeconds) {
  go_down();
  for (int i = 0; i < 10; ++i) EXPECT_THAT(find(), FailsWith(Errc::unavailable));
  EXPECT_EQ(issuer_.fetches(), 1);
  issuer_.serve_itself_again();
  EXPECT_THAT(find(), FailsWith(Errc::unavailable));
  clock_.advance(10s);
  EXPECT_THAT(find(), Succeeds());
}

TEST_F(IssuerKeysTest, AnIssuerThatGoesOnFailingIsAskedEverLessOften) {
  go_down();
  const auto asked_within = [&](std::chrono::seconds span) {
    const int before = issuer_.fetches();
    for (auto waited = 0s; waited < span; waited += 1s) {
      clock_.advance(1s);
      EXPECT_FALSE(find());
    }
    return issuer_.fetches() - before;
  };
  EXPECT_FALSE(find());
  EXPECT_EQ(asked_within(10s), 1);
  EXPECT_EQ(asked_within(19s), 0);
  EXPECT_EQ(asked_within(1s), 1);
  EXPECT_EQ(asked_within(600s), 6) << "after 40 and 80 seconds, then every two minutes";
}

TEST_F(IssuerKeysTest, WhoMayNotWaitIsAnsweredFromMemory) {
  const auto now = [&] { return keys_.find(issuer_.url(), "key-1", kAlgorithm, false); };
  EXPECT_TRUE(keys_.would_wait(issuer_.url(), "key-1"));
  EXPECT_THAT(now(), FailsWith(Errc::unavailable));
  EXPECT_EQ(issuer_.fetches(), 0);
  ASSERT_THAT(find(), Succeeds());
  EXPECT_FALSE(keys_.would_wait(issuer_.url(), "key-1"));
  EXPECT_THAT(now(), Succeeds());
  // Past their time, but good for a day.
  clock_.advance(2h);
  EXPECT_TRUE(keys_.would_wait(issuer_.url(), "key-1"));
  EXPECT_THAT(now(), Succeeds());
  EXPECT_TRUE(keys_.would_wait(issuer_.url(), "of a rotation"));
  EXPECT_EQ(rounds(), 1);
}

TEST_F(IssuerKeysTest, NobodyWaitsForAnIssuerThatFailedJustNow) {
  go_down();
  EXPECT_FALSE(find());
  EXPECT_FALSE(keys_.would_wait(issuer_.url(), "key-1"));
  clock_.advance(10s);
  EXPECT_TRUE(keys_.would_wait(issuer_.url(), "key-1"));
}

TEST_F(IssuerKeysTest, AnIssuerThatBecomesAnotherIsNotBelieved) {
  issuer_.answer(issuer_.discovery_url(),
                 std::string(R"({"issuer":"https://ci.example","jwks_uri":"http://169.254.169.254/keys"})"));
  EXPECT_THAT(find(), FailsWith(Errc::unavailable));
  EXPECT_THAT(issuer_.urls(), ::testing::ElementsAre(issuer_.discovery_url()));
}

TEST_F(IssuerKeysTest, AClockSetBackMakesNothingLastLonger) {
  ASSERT_THAT(find(), Succeeds());
  clock_.advance(-48h);
  ASSERT_THAT(find(), Succeeds());
  EXPECT_EQ(rounds(), 2);
}

TEST_F(IssuerKeysTest, ManyAtOnceAskOnce) {
  issuer_.hold();
  std::atomic<int> found{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 6; ++i) callers.emplace_back([&] { found += find().has_value(); });
  EXPECT_TRUE(eventually([&] { return issuer_.fetches() == 1; }));
  std::this_thread::sleep_for(50ms);
  issuer_.release();
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(found, 6);
  EXPECT_EQ(rounds(), 1);
}

TEST_F(IssuerKeysTest, NobodyWithAKnownKeyWaitsForAStalledIssuer) {
  ASSERT_THAT(find(), Succeeds());
  clock_.advance(2h);
  issuer_.hold();
  std::thread first([&] { EXPECT_THAT(find(), Succeeds()); });
  EXPECT_TRUE(eventually([&] { return issuer_.fetches() == 3; }));
  EXPECT_THAT(find(), Succeeds());  // the key of two hours ago
  issuer_.release();
  first.join();
}

TEST_F(IssuerKeysTest, OnlySoManyWaitForAStalledIssuer) {
  IssuerLimits limits;
  limits.waiting = 2;
  IssuerKeys keys(issuer_, clock_, {}, limits);
  issuer_.hold();
  std::atomic<int> done{0};
  std::atomic<int> refused{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 6; ++i)
    callers.emplace_back([&] {
      const auto key = keys.find(issuer_.url(), "key-1", kAlgorithm);
      if (!key && key.error().code == Errc::unavailable) ++refused;
      ++done;
    });
  // One asks, two wait, three are told to come again.
  EXPECT_TRUE(eventually([&] { return refused == 3; }));
  std::this_thread::sleep_for(20ms);
  EXPECT_EQ(done, 3);
  issuer_.release();
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(refused, 3);
}

TEST_F(IssuerKeysTest, ForgetsTheIssuerUsedLongestAgo) {
  IssuerLimits limits;
  limits.issuers = 2;
  IssuerKeys keys(issuer_, clock_, {}, limits);
  const auto ask = [&](const std::string& name) { static_cast<void>(keys.find(name, "key-1", kAlgorithm)); };
  ASSERT_THAT(keys.find(issuer_.url(), "key-1", kAlgorithm), Succeeds());
  ask("https://a.example");
  ask(issuer_.url());
  ask("https://b.example");  // takes the place of a.example
  const int before = issuer_.fetches();
  ASSERT_THAT(keys.find(issuer_.url(), "key-1", kAlgorithm), Succeeds());
  EXPECT_EQ(issuer_.fetches(), before);
  ask("https://a.example");
  EXPECT_EQ(issuer_.fetches(), before + 1);
}

TEST_F(IssuerKeysTest, OneIssuersKeysAreNoOthers) {
  ASSERT_THAT(find(), Succeeds());
  EXPECT_THAT(keys_.find("https://other.example", "key-1", kAlgorithm), FailsWith(Errc::unavailable));
}

// A fetcher with a bug.
class ThrowingFetcher final : public Fetcher {
 public:
  Result<FetchAnswer> fetch(const FetchRequest&) override { throw std::runtime_error("a bug"); }
};

TEST_F(IssuerKeysTest, ABugInOneFetchDoesNotStopTheNext) {
  ThrowingFetcher fetcher;
  IssuerKeys keys(fetcher, clock_, {});
  EXPECT_THROW(static_cast<void>(keys.find(issuer_.url(), "k", kAlgorithm)), std::runtime_error);
  clock_.advance(1min);
  EXPECT_THROW(static_cast<void>(keys.find(issuer_.url(), "k", kAlgorithm)), std::runtime_error);
}

}  // namespace
}  // namespace bulkhead::identity
