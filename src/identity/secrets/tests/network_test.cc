#include "identity/secrets/network.h"

#include <gtest/gtest.h>

namespace bulkhead::identity {
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

TEST(Network, LetsWhatIsNoAddressStandForItself) {
  EXPECT_EQ(network_of("local"), network_of("local"));
  EXPECT_NE(network_of("local"), network_of(""));
  EXPECT_NE(network_of("192.0.2"), network_of("192.0.2.1"));
}

}  // namespace
}  // namespace bulkhead::identity
