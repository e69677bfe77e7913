#include "base/subscriber_network.h"

#include <gtest/gtest.h>

namespace bulkhead {
namespace {

TEST(Network, CountsAnIpv4NetworkOf24BitsAsOne) {
  EXPECT_EQ(network_of("192.0.2.1"), network_of("192.0.2.254"));
  EXPECT_NE(network_of("192.0.2.1"), network_of("192.0.3.1"));
}

TEST(Network, CountsAnIpv6NetworkOf64BitsAsOne) {
  EXPECT_EQ(network_of("2001:db8:1:2::1"), network_of("2001:db8:1:2:ffff:ffff:ffff:ffff"));
  EXPECT_NE(network_of("2001:db8:1:2::1"), network_of("2001:db8:1:3::1"));
}

TEST(Network, KnowsAnIpv4AddressInItsMappedForm) {
  EXPECT_EQ(network_of("::ffff:192.0.2.1"), network_of("192.0.2.9"));
  EXPECT_NE(network_of("::ffff:192.0.2.1"), network_of("::ffff:198.51.100.1"));
}

TEST(Network, LiesWithinWiderOnes) {
  const auto v6 = networks_of("2001:db8:1:2::1");
  ASSERT_EQ(v6.size(), 3u);
  EXPECT_EQ(v6[0], networks_of("2001:db8:ffff::1")[0]);
  EXPECT_EQ(v6[1], networks_of("2001:db8:1:ffff::1")[1]);
  EXPECT_NE(v6[1], networks_of("2001:db8:2:2::1")[1]);
  EXPECT_EQ(v6[2], network_of("2001:db8:1:2::1"));
  const auto v4 = networks_of("192.0.2.1");
  ASSERT_EQ(v4.size(), 2u);
  EXPECT_EQ(v4[0], networks_of("192.0.255.1")[0]);
  EXPECT_EQ(v4[1], network_of("192.0.2.1"));
  EXPECT_EQ(networks_of("local"), std::vector{network_of("local")});
}

TEST(Network, LooksPastAZone) {
  EXPECT_EQ(network_of("fe80::1%eth0"), network_of("fe80::2"));
  EXPECT_EQ(networks_of("fe80::1%eth0").size(), 3u);
}

TEST(Network, LetsWhatIsNoAddressStandForItself) {
  EXPECT_EQ(network_of("local"), network_of("local"));
  EXPECT_NE(network_of("local"), network_of(""));
  EXPECT_NE(network_of("192.0.2"), network_of("192.0.2.1"));
}

}  // namespace
}  // namespace bulkhead
