#include "http/crowd.h"

#include <gtest/gtest.h>

namespace bulkhead::http {
namespace {

Networks from(const std::string& address) { return networks_around(address); }

TEST(Crowd, BoundsAnIpv4AddressAndAnIpv6Network) {
  Crowd crowd(100, 2);
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(crowd.enter(from("192.0.2.1")).entered);
    EXPECT_TRUE(crowd.enter(from("2001:db8::1")).entered);
  }
  EXPECT_FALSE(crowd.enter(from("192.0.2.1")).entered);
  EXPECT_FALSE(crowd.enter(from("::ffff:192.0.2.1")).entered);
  EXPECT_FALSE(crowd.enter(from("2001:db8::2:1")).entered) << "the same /64";
  EXPECT_TRUE(crowd.enter(from("192.0.2.2")).entered);
  EXPECT_TRUE(crowd.enter(from("2001:db8:0:1::1")).entered);
  crowd.leave(from("192.0.2.1"));
  EXPECT_TRUE(crowd.enter(from("192.0.2.1")).entered);
}

TEST(Crowd, CountsALinkLocalAddressWithItsNetwork) {
  Crowd crowd(100, 1);
  EXPECT_TRUE(crowd.enter(from("fe80::1%eth0")).entered);
  EXPECT_FALSE(crowd.enter(from("fe80::2%eth0")).entered);
}

TEST(Crowd, WhoHasMostGivesWay) {
  Crowd crowd(10, 6);
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(crowd.enter(from("192.0.2.1")).entered);
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(crowd.enter(from("198.51.100.1")).entered);
  const auto entry = crowd.enter(from("203.0.113.1"));
  EXPECT_TRUE(entry.entered);
  ASSERT_TRUE(entry.fullest);
  EXPECT_EQ(entry.fullest->network, from("192.0.2.1")[entry.fullest->width]);
  crowd.leave(from("192.0.2.1"));
  EXPECT_FALSE(crowd.enter(from("192.0.2.1")).entered) << "the others have fewer";
}

TEST(Crowd, ANetworkOfManyIsOne) {
  Crowd crowd(10, 10);
  for (int i = 0; i < 10; ++i)
    ASSERT_TRUE(crowd.enter(from("2001:db8:1:" + std::to_string(i) + "::1")).entered);
  const auto entry = crowd.enter(from("2001:db9::1"));
  EXPECT_TRUE(entry.entered);
  ASSERT_TRUE(entry.fullest);
  EXPECT_EQ(entry.fullest->network, from("2001:db8::1")[entry.fullest->width]);
  EXPECT_FALSE(crowd.enter(from("2001:db8:1:ff::1")).entered);
}

TEST(Crowd, OnlyAFewMoreEnterWhileOthersDoNotLeave) {
  Crowd crowd(10, 1000);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(crowd.enter(from("192.0.2.1")).entered);
  int more = 0;
  for (int i = 0; i < 200; ++i) more += crowd.enter(from("10." + std::to_string(i) + ".0.1")).entered ? 1 : 0;
  EXPECT_EQ(more, 64);
}

}  // namespace
}  // namespace bulkhead::http
