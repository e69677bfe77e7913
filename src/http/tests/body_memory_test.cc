#include "http/body_memory.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace bulkhead::http {
namespace {

using Lease = BodyMemory::Lease;

constexpr std::uint64_t kFree = BodyMemory::kFree;

Errc code_of(const Result<void>& result) { return result ? Errc{} : result.error().code; }

class BodyMemoryTest : public testing::Test {
 protected:
  BodyMemory memory_{{.in_all = 100, .of_strangers = 60, .of_holder = 40, .time = std::chrono::seconds(60)}};
  const BodyMemory::Holder alice_{false, "alice"};
  const BodyMemory::Holder network_{true, "192.0.2"};
};

TEST_F(BodyMemoryTest, TheFirstBytesAreFree) {
  Lease full(memory_, alice_);
  ASSERT_TRUE(full.hold(kFree + 100));
  Lease small(memory_, alice_);
  EXPECT_TRUE(small.hold(kFree));
  EXPECT_EQ(memory_.used(), 100u);
}

TEST_F(BodyMemoryTest, OneAccountsShareIsBounded) {
  Lease first(memory_, alice_);
  ASSERT_TRUE(first.hold(kFree + 30));
  Lease second(memory_, alice_);
  const auto refused = second.hold(kFree + 11);
  ASSERT_EQ(code_of(refused), Errc::rate_limited);
  EXPECT_NE(refused.error().message.find("account"), std::string::npos);
  EXPECT_GE(refused.error().retry_after, std::chrono::seconds(1));
  EXPECT_LE(refused.error().retry_after, std::chrono::seconds(60));
  EXPECT_TRUE(second.hold(kFree + 10));
  Lease others(memory_, {false, "bob"});
  EXPECT_TRUE(others.hold(kFree + 24));
}

TEST_F(BodyMemoryTest, OneBodyAloneAlwaysFits) {
  Lease only(memory_, alice_);
  EXPECT_TRUE(only.hold(kFree + 50));
  EXPECT_TRUE(only.hold(kFree + 1000)) << "the only one that there is";
  Lease other(memory_, {false, "bob"});
  EXPECT_EQ(code_of(other.hold(kFree + 1)), Errc::unavailable);
}

TEST_F(BodyMemoryTest, AShareIsOfWhatOthersLeave) {
  BodyMemory memory({.in_all = 1 << 20, .of_strangers = 1 << 20, .of_holder = 1 << 17});
  std::vector<std::unique_ptr<Lease>> leases;
  for (int holder = 0; holder < 30; ++holder) {
    const BodyMemory::Holder greedy{false, std::to_string(holder)};
    for (std::uint64_t piece = 1 << 16; piece > 0; piece /= 2)
      for (int i = 0; i < 4; ++i) {
        leases.push_back(std::make_unique<Lease>(memory, greedy));
        static_cast<void>(leases.back()->hold(kFree + piece));
      }
  }
  Lease next(memory, alice_);
  EXPECT_TRUE(next.hold(kFree + 2048));
  EXPECT_EQ(code_of(next.hold(kFree + (1 << 17))), Errc::unavailable);
}

TEST_F(BodyMemoryTest, OneBodyMayBeMoreThanAShare) {
  BodyMemory memory({.in_all = 100, .of_strangers = 60, .of_holder = 1});
  Lease one(memory, alice_);
  ASSERT_TRUE(one.hold(kFree + 20));
  Lease other(memory, {false, "bob"});
  EXPECT_TRUE(other.hold(kFree + 10));
  Lease more(memory, {false, "bob"});
  EXPECT_EQ(code_of(more.hold(kFree + 1)), Errc::rate_limited);
}

TEST_F(BodyMemoryTest, StrangersTogetherAreBounded) {
  Lease one(memory_, network_);
  ASSERT_TRUE(one.hold(kFree + 40));
  Lease two(memory_, {true, "198.51.100"});
  EXPECT_EQ(code_of(two.hold(kFree + 21)), Errc::rate_limited);
  EXPECT_TRUE(two.hold(kFree + 10));
  Lease account(memory_, alice_);
  EXPECT_TRUE(account.hold(kFree + 20));
}

TEST_F(BodyMemoryTest, AnAccountIsNoNetworkOfTheSameName) {
  Lease one(memory_, {true, "x"});
  ASSERT_TRUE(one.hold(kFree + 40));
  Lease other(memory_, {false, "x"});
  EXPECT_TRUE(other.hold(kFree + 20));
}

TEST_F(BodyMemoryTest, WhatIsGivenBackCanBeTakenAgain) {
  std::optional<Lease> lease;
  for (int i = 0; i < 3; ++i) {
    lease.emplace(memory_, alice_);
    EXPECT_TRUE(lease->hold(kFree + 40));
    EXPECT_TRUE(lease->hold(kFree + 10)) << "it has had as much already";
    EXPECT_EQ(memory_.used(), 40u);
    lease.reset();
    EXPECT_EQ(memory_.used(), 0u);
  }
}

TEST_F(BodyMemoryTest, ABodyHasATime) {
  BodyMemory memory({.in_all = 100, .of_strangers = 60, .of_holder = 40, .time = std::chrono::seconds(0)});
  Lease lease(memory, alice_);
  ASSERT_TRUE(lease.hold(kFree + 1));
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
  EXPECT_EQ(code_of(lease.hold(kFree + 1)), Errc::timeout);
}

}  // namespace
}  // namespace bulkhead::http
