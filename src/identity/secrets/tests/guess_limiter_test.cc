#include "identity/secrets/guess_limiter.h"

#include <gtest/gtest.h>

#include "base/subscriber_network.h"
#include "identity/people/testing/installation.h"

namespace bulkhead::identity {
namespace {

using namespace std::chrono_literals;

class GuessLimiterTest : public ::testing::Test {
 protected:
  static GuessSource from(std::string_view network) { return {std::string(network)}; }
  bool open(std::string_view subject, const GuessSource& source) const {
    return !guesses_.refused_for(subject, source, clock_.now()).has_value();
  }
  void fail(std::string_view subject, const GuessSource& source, int times = 1) {
    for (int i = 0; i < times; ++i)
      guesses_.fail(guesses_.begin(subject, source, clock_.now()), clock_.now());
  }
  void succeed(std::string_view subject, const GuessSource& source) {
    guesses_.succeed(guesses_.begin(subject, source, clock_.now()), subject, source, clock_.now());
  }
  static auto all() {
    return [](std::string_view) { return true; };
  }

  testing::ManualClock clock_;
  GuessLimiter guesses_{{.per_source = 3,
                         .window = 60s,
                         .in_all = 8,
                         .window_in_all = 600s,
                         .per_network = 10,
                         .known_networks = 2,
                         .known_for = 1000s,
                         .remembered = 50}};
};

TEST_F(GuessLimiterTest, ClosesASubjectForItsGuesserAlone) {
  fail("alice", from("a"), 3);
  EXPECT_FALSE(open("alice", from("a")));
  EXPECT_TRUE(open("alice", from("b")));
  EXPECT_TRUE(open("bob", from("a")));
  EXPECT_EQ(guesses_.refused_for("alice", from("a"), clock_.now()), 60s);
  clock_.advance(60s);
  EXPECT_TRUE(open("alice", from("a")));
}

TEST_F(GuessLimiterTest, BoundsAGuesserWhoHasEveryNetwork) {
  int tried = 0;
  for (int network = 0; network < 100; ++network)
    while (open("alice", from(std::to_string(network)))) {
      fail("alice", from(std::to_string(network)));
      ++tried;
    }
  EXPECT_EQ(tried, 8);
  clock_.advance(599s);
  EXPECT_FALSE(open("alice", from("another")));
  clock_.advance(1s);
  EXPECT_TRUE(open("alice", from("another")));
}

TEST_F(GuessLimiterTest, ANetworkThatKnowsTheSubjectHasACountOfItsOwn) {
  succeed("alice", from("home"));
  for (int network = 0; network < 8; ++network) fail("alice", from(std::to_string(network)));
  EXPECT_FALSE(open("alice", from("another")));
  EXPECT_TRUE(open("alice", from("home")));
  // That is bounded as well, and successes in between do not clear it.
  int tried = 0;
  for (; open("alice", from("home")); ++tried) {
    fail("alice", from("home"));
    if (tried % 2 == 1 && open("alice", from("home"))) succeed("alice", from("home"));
  }
  EXPECT_EQ(tried, 8);
}

TEST_F(GuessLimiterTest, RemembersTheLastNetworksForATime) {
  for (const char* network : {"a", "b", "c"}) succeed("alice", from(network));
  for (int network = 0; network < 8; ++network) fail("alice", from(std::to_string(network)));
  EXPECT_FALSE(open("alice", from("a"))) << "two are remembered";
  EXPECT_TRUE(open("alice", from("b")));
  EXPECT_TRUE(open("alice", from("c")));
  clock_.advance(1000s);
  for (int network = 0; network < 8; ++network) fail("alice", from(std::to_string(network)));
  EXPECT_FALSE(open("alice", from("c")));
}

TEST_F(GuessLimiterTest, ClosesANetworkForSubjectsThatItDoesNotKnow) {
  succeed("alice", from("a"));
  for (int i = 0; i < 10; ++i) fail("nobody-" + std::to_string(i), from("a"));
  EXPECT_FALSE(open("bob", from("a")));
  EXPECT_TRUE(open("alice", from("a")));
  EXPECT_TRUE(open("bob", from("b")));
}

TEST_F(GuessLimiterTest, ASessionIsASourceOfItsOwn) {
  const GuessSource session{"a", 7};
  fail("alice", from("a"), 3);
  EXPECT_TRUE(open("alice", session));
  fail("alice", session, 3);
  EXPECT_FALSE(open("alice", session));
  EXPECT_TRUE(open("alice", {"a", 8}));
  EXPECT_TRUE(open("alice", from("b")));
  clock_.advance(60s);
  EXPECT_TRUE(open("alice", from("a")));
}

TEST_F(GuessLimiterTest, CountsGuessesUnderWay) {
  const auto first = guesses_.begin("alice", from("a"), clock_.now());
  fail("alice", from("a"), 2);
  EXPECT_FALSE(guesses_.has_room("alice", from("a"), clock_.now()));
  EXPECT_TRUE(open("alice", from("a")));
  guesses_.abandon(first);
  EXPECT_TRUE(guesses_.has_room("alice", from("a"), clock_.now()));
}

TEST_F(GuessLimiterTest, ForgetsWhomItIsToldTo) {
  succeed("alice", from("home"));
  for (const char* name : {"alice", "bob"}) {
    fail(name, from("a"), 3);
    for (int network = 0; network < 5; ++network) fail(name, from(std::to_string(network)));
  }
  guesses_.forget([](std::string_view subject) { return subject == "alice"; }, false);
  EXPECT_TRUE(open("alice", from("a")));
  EXPECT_TRUE(open("alice", from("another")));
  EXPECT_FALSE(open("bob", from("a")));
  EXPECT_FALSE(open("bob", from("another")));
  for (int network = 0; network < 8; ++network) fail("alice", from(std::to_string(network)));
  EXPECT_TRUE(open("alice", from("home"))) << "the networks stay";
  guesses_.forget(all(), true);
  for (int network = 0; network < 8; ++network) fail("alice", from(std::to_string(network)));
  EXPECT_FALSE(open("alice", from("home")));
}

TEST_F(GuessLimiterTest, RemembersSoManySubjects) {
  for (int i = 0; i < 200; ++i) succeed("name-" + std::to_string(i), from("home"));
  for (int network = 0; network < 8; ++network) fail("name-199", from(std::to_string(network)));
  EXPECT_TRUE(open("name-199", from("home")));
  for (int network = 0; network < 8; ++network) fail("name-0", from(std::to_string(network)));
  EXPECT_FALSE(open("name-0", from("home")));
}

TEST_F(GuessLimiterTest, AnIpv6NetworkOfManyIsClosedByItself) {
  const auto at = [](std::string_view address) { return from(network_of(address)); };
  for (int i = 0; i < 3; ++i) fail("alice", at("2001:db8:1:" + std::to_string(i) + "::1"));
  EXPECT_FALSE(open("alice", at("2001:db8:1:99::1")));
  EXPECT_TRUE(open("bob", at("2001:db8:1:99::1")));
  fail("alice", at("2001:db8:2::1"));
  EXPECT_FALSE(open("alice", at("2001:db8:3::1"))) << "half of all, in one /32";
  EXPECT_TRUE(open("alice", at("2001:db9::1")));
  EXPECT_TRUE(open("alice", at("192.0.2.1")));
  guesses_.forget(all(), false);
  EXPECT_TRUE(open("alice", at("2001:db8:1:99::1")));
  succeed("alice", at("2001:db8:1:7::1"));
  for (int i = 0; i < 3; ++i) fail("alice", at("2001:db8:1:" + std::to_string(i) + "::1"));
  EXPECT_TRUE(open("alice", at("2001:db8:1:7::1"))) << "where it was seen";
}

TEST_F(GuessLimiterTest, SaysOnceADayThatANetworkIsToBeKept) {
  const auto right = [&] {
    return guesses_.succeed(guesses_.begin("alice", from("home"), clock_.now()), "alice", from("home"),
                            clock_.now());
  };
  EXPECT_TRUE(right());
  EXPECT_FALSE(right());
  clock_.advance(24h);
  EXPECT_TRUE(right());
  guesses_.note("bob", "office", clock_.now());
  EXPECT_TRUE(guesses_.knows("bob", "office", clock_.now()));
  EXPECT_FALSE(guesses_.knows("bob", "home", clock_.now()));
}

}  // namespace
}  // namespace bulkhead::identity
