#include "audit/refusals.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "audit/tests/support.h"

namespace bulkhead::audit {
namespace {

Event refused(std::string_view address, int second) {
  Event event = numbered(1);
  event.action = Action::request_denied;
  event.at = from_micros(std::int64_t{1'700'000'000} * 1'000'000) + std::chrono::seconds(second);
  event.origin.address = address;
  event.origin.account = "";
  event.detail = "";
  return event;
}

class RefusalsTest : public testing::Test {
 protected:
  bool tell(std::string_view address, int second) {
    const Event event = refused(address, second);
    return refusals_.tell(view(event), sums_);
  }
  int told(std::string_view address, int second, int count) {
    int all = 0;
    for (int i = 0; i < count; ++i) all += tell(address, second) ? 1 : 0;
    return all;
  }

  // Of an account, or as a guess at it.
  int told_of(Event event, int count) {
    int all = 0;
    for (int i = 0; i < count; ++i) all += refusals_.tell(view(event), sums_) ? 1 : 0;
    return all;
  }
  static Event denied(std::string_view account, std::string_view target, std::string_view address) {
    Event event = refused(address, 0);
    event.origin.account = account;
    event.target = target;
    return event;
  }
  static Event guess(std::string_view account, std::string_view why, std::string_view address) {
    Event event = denied(account, account, address);
    event.action = Action::login_failed;
    event.detail = why;
    return event;
  }

  Refusals refusals_{{.per_minute = 5, .in_all = 48, .shares = 12}};
  std::vector<Event> sums_;
};

TEST_F(RefusalsTest, TellsTheFirstOfAMinuteAndCountsTheRest) {
  EXPECT_EQ(told("192.0.2.7", 0, 100), 5);
  EXPECT_TRUE(sums_.empty());
  EXPECT_EQ(told("192.0.2.9", 60, 1), 1);
  ASSERT_EQ(sums_.size(), 1u);
  EXPECT_EQ(sums_[0].action, Action::request_denied);
  EXPECT_EQ(sums_[0].origin.address, "192.0.2.7");
  EXPECT_EQ(sums_[0].detail, R"({"more":95,"since":"2023-11-14T22:13:20.000000Z"})");
  EXPECT_EQ(sums_[0].repository, "");
}

TEST_F(RefusalsTest, CountsNetworksApart) {
  EXPECT_EQ(told("192.0.2.7", 0, 10), 5);
  EXPECT_EQ(told("192.0.2.200", 0, 10), 0);
  EXPECT_EQ(told("::ffff:192.0.2.1", 0, 10), 0);
  EXPECT_EQ(told("198.51.100.1", 0, 10), 3) << "of what the other has left";
}

TEST_F(RefusalsTest, AllNetworksTogetherHaveABound) {
  EXPECT_EQ(told("192.0.2.7", 0, 10) + told("198.51.100.7", 0, 10) + told("203.0.113.7", 0, 10), 10);
  // Networks beyond the limit are counted as one.
  EXPECT_EQ(told("10.0.0.1", 61, 10) + told("10.1.0.1", 61, 10), 5);
  EXPECT_EQ(told("10.2.0.1", 61, 10), 0);
}

TEST_F(RefusalsTest, OneKindHidesNoOther) {
  for (const char* network : {"192.0.2.7", "198.51.100.7", "203.0.113.7", "10.0.0.1", "10.1.0.1"}) {
    told(network, 0, 100);
    told_of(guess("nobody", "unknown_account", network), 100);
  }
  EXPECT_GE(told_of(guess("alice", "wrong_password", "192.0.2.7"), 1), 1);
  EXPECT_EQ(told_of(denied("alice", "push", "192.0.2.7"), 1), 1);
}

TEST_F(RefusalsTest, AnAccountsFloodHidesNothingElseOfIt) {
  const Event flood = denied("mallory", "pull", "192.0.2.7");
  EXPECT_EQ(told_of(flood, 100), 3);
  EXPECT_EQ(told_of(denied("mallory", "updateUser", "192.0.2.7"), 100), 1);
  EXPECT_EQ(told_of(denied("mallory", "pull", "198.51.100.7"), 100), 1);
  EXPECT_EQ(told_of(denied("mallory+robot", "pull", "198.51.100.7"), 100), 0) << "a robot makes no share";
  EXPECT_GE(told_of(denied("alice", "pull", "192.0.2.7"), 100), 2);
  refusals_.collect_all(sums_);
  ASSERT_GE(sums_.size(), 3u);
  for (const Event& sum : sums_) EXPECT_FALSE(sum.origin.account.empty());
  EXPECT_TRUE(std::ranges::any_of(sums_, [](const Event& sum) {
    return sum.target == "updateUser" && sum.detail.starts_with(R"({"more":99,)");
  }));
}

TEST_F(RefusalsTest, ManyNamesAndNetworksTakeABoundedRoom) {
  for (int i = 0; i < 1000; ++i) {
    const std::string address = "10." + std::to_string(i / 250) + "." + std::to_string(i % 250) + ".1";
    told_of(guess("nobody" + std::to_string(i), "unknown_account", address), 1);
    told_of(guess("nobody" + std::to_string(i), "unknown_account", "192.0.2.7"), 1);
    told_of(denied("mallory", "pull", address), 1);
  }
  refusals_.collect_all(sums_);
  EXPECT_LE(sums_.size(), 16u);
}

TEST_F(RefusalsTest, NothingIsCountedTwiceOrLost) {
  int all = told("192.0.2.7", 0, 50) + told("198.51.100.7", 30, 50) + told("10.0.0.1", 45, 50);
  refusals_.collect(refused("", 62).at, sums_);
  EXPECT_EQ(sums_.size(), 1u);
  refusals_.collect_all(sums_);
  for (const Event& sum : sums_) all += std::stoi(sum.detail.substr(8));
  EXPECT_EQ(all, 150);
  sums_.clear();
  refusals_.collect_all(sums_);
  EXPECT_TRUE(sums_.empty());
}

TEST_F(RefusalsTest, AClockThatIsSetBackBeginsAnew) {
  EXPECT_EQ(told("192.0.2.7", 100, 10), 5);
  EXPECT_EQ(told("192.0.2.7", 0, 10), 5);
}

}  // namespace
}  // namespace bulkhead::audit
