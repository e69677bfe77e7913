#include "base/ip_network.h"

#include <gtest/gtest.h>

#include <string>

namespace bulkhead {
namespace {

using namespace std::string_literals;

IpNetwork network(std::string_view text) { return IpNetwork::parse(text).value(); }

TEST(IpNetwork, ContainsExactlyItsAddresses) {
  EXPECT_TRUE(network("10.0.0.0/8").contains("10.255.255.255"));
  EXPECT_FALSE(network("10.0.0.0/8").contains("11.0.0.0"));
  EXPECT_TRUE(network("192.168.4.0/23").contains("192.168.5.255"));
  EXPECT_FALSE(network("192.168.4.0/23").contains("192.168.6.0"));
  EXPECT_TRUE(network("fd00::/8").contains("fdff::1"));
  EXPECT_FALSE(network("fd00::/8").contains("fe00::1"));
}

TEST(IpNetwork, ASingleAddressIsANetworkOfOne) {
  EXPECT_TRUE(network("127.0.0.1").contains("127.0.0.1"));
  EXPECT_FALSE(network("127.0.0.1").contains("127.0.0.2"));
  EXPECT_TRUE(network("::1").contains("::1"));
  EXPECT_FALSE(network("::1").contains("::2"));
}

TEST(IpNetwork, RecognisesAMappedPeer) {
  EXPECT_TRUE(network("10.0.0.0/8").contains("::ffff:10.1.2.3"));
  EXPECT_FALSE(network("10.0.0.0/8").contains("::ffff:11.1.2.3"));
  EXPECT_EQ(network("::ffff:10.0.0.0/104"), network("10.0.0.0/8"));
}

TEST(IpNetwork, AllOfOneFamilyIsNoneOfTheOther) {
  EXPECT_TRUE(network("0.0.0.0/0").contains("203.0.113.9"));
  EXPECT_FALSE(network("0.0.0.0/0").contains("2001:db8::1"));
  EXPECT_TRUE(network("::/0").contains("2001:db8::1"));
  EXPECT_FALSE(network("::/0").contains("203.0.113.9"));
}

TEST(IpNetwork, RefusesWhatIsNotANetwork) {
  for (const auto text :
       {"", "/", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/08", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0/8",
        "010.0.0.0/8", "::/129", "[::1]", "fe80::1%eth0", "localhost", "10.0.0.0/8/8", " 10.0.0.0/8"})
    EXPECT_FALSE(IpNetwork::parse(text)) << text;
  EXPECT_FALSE(IpNetwork::parse("10.0.0.0\0/8"s));
}

TEST(IpNetwork, RefusesBitsPastThePrefix) {
  EXPECT_FALSE(IpNetwork::parse("10.1.0.0/8"));
  EXPECT_FALSE(IpNetwork::parse("fd00::1/64"));
}

TEST(IpNetwork, RendersWhatItParses) {
  for (const auto text : {"10.0.0.0/8", "127.0.0.1/32", "fd00::/8", "::1/128", "::/0", "0.0.0.0/0"})
    EXPECT_EQ(network(text).text(), text);
}

TEST(IpAddress, IsOneAddressAndNothingElse) {
  EXPECT_TRUE(is_ip_address("127.0.0.1"));
  EXPECT_TRUE(is_ip_address("2001:db8::1"));
  for (const auto text : {"", "10.0.0.0/8", "127.0.0.1/32", "localhost", "127.1", "1.2.3.4:5"})
    EXPECT_FALSE(is_ip_address(text)) << text;
}

}  // namespace
}  // namespace bulkhead
