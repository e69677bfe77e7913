#include "identity/secrets/networks.h"

#include <gtest/gtest.h>

namespace bulkhead::identity {
namespace {

TEST(Networks, NoneMeanAnywhereAlsoForWhatIsNoAddress) {
  const auto anywhere = Networks::parse("  ");
  ASSERT_TRUE(anywhere.has_value());
  EXPECT_TRUE(anywhere->anywhere());
  EXPECT_TRUE(anywhere->allow("192.0.2.1"));
  EXPECT_TRUE(anywhere->allow("local"));
  EXPECT_EQ(anywhere->text(), "");
}

TEST(Networks, AllowWhatIsInOneOfThem) {
  const auto networks = Networks::parse("192.0.2.0/24 2001:db8::/32  198.51.100.7").value();
  EXPECT_TRUE(networks.allow("192.0.2.255"));
  EXPECT_TRUE(networks.allow("::ffff:192.0.2.1"));
  EXPECT_TRUE(networks.allow("2001:db8:1::1"));
  EXPECT_TRUE(networks.allow("198.51.100.7"));
  EXPECT_FALSE(networks.allow("192.0.3.1"));
  EXPECT_FALSE(networks.allow("2001:db9::1"));
  EXPECT_FALSE(networks.allow("198.51.100.8"));
  EXPECT_FALSE(networks.allow("local"));
  EXPECT_FALSE(networks.allow(""));
  EXPECT_EQ(networks.text(), "192.0.2.0/24 2001:db8::/32 198.51.100.7/32");
  EXPECT_EQ(Networks::parse(networks.text()).value(), networks);
}

TEST(Networks, RefuseWhatIsNone) {
  for (const char* text : {"192.0.2.1/24", "192.0.2.0/33", "example.com", "10.0.0.0/8,10.0.0.0/8", "*"}) {
    const auto parsed = Networks::parse(text);
    ASSERT_FALSE(parsed.has_value()) << text;
    EXPECT_EQ(parsed.error().code, Errc::invalid_argument);
    EXPECT_NE(parsed.error().message.find(text), std::string::npos);
  }
}

TEST(Networks, AreAtMostSixtyFour) {
  std::string text;
  for (std::size_t i = 0; i < Networks::kMost; ++i) text += "10.0.0.0/8 ";
  EXPECT_TRUE(Networks::parse(text).has_value());
  EXPECT_FALSE(Networks::parse(text + "10.0.0.0/8").has_value());
}

}  // namespace
}  // namespace bulkhead::identity
