#include "http/forwarded.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bulkhead::http {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string_view> nodes(ProxyHeader header, std::vector<std::string_view> lines) {
  static Request request;
  request = {};
  for (const std::string_view line : lines)
    request.headers.push_back({header == ProxyHeader::forwarded ? "Forwarded" : "x-forwarded-FOR", line});
  return forwarded_nodes(request, header);
}

TEST(ForwardedNodes, OfAllLinesAreOneList) {
  const auto x = [](std::vector<std::string_view> lines) {
    return nodes(ProxyHeader::x_forwarded_for, std::move(lines));
  };
  EXPECT_THAT(x({"a, b", "c"}), ElementsAre("a", "b", "c"));
  EXPECT_THAT(x({" a ,,\tb,", ""}), ElementsAre("a", "b"));
  EXPECT_THAT(x({}), IsEmpty());
}

TEST(ForwardedNodes, AreReadAsRfc7239WritesThem) {
  const auto f = [](std::vector<std::string_view> lines) {
    return nodes(ProxyHeader::forwarded, std::move(lines));
  };
  EXPECT_THAT(f({"for=a;proto=http, FOR=\"b,c\"", "by=x;for=d"}), ElementsAre("a", "\"b,c\"", "d"));
  EXPECT_THAT(f({"host=\"a\\\";for=b\";for=c"}), ElementsAre("c"));
  EXPECT_THAT(f({"for=a,, ;for=b"}), ElementsAre("a", "b"));
  EXPECT_THAT(f({"for=a, proto=http, for=b"}), ElementsAre("a", "", "b"));
  EXPECT_THAT(f({"for=a;for=b"}), ElementsAre(""));
  EXPECT_THAT(f({"for=a", "for=b;host=\"", "for=c"}), ElementsAre("a", "", "c"));
  for (const std::string_view odd :
       {"for", "for=", "for =a", "for= a", "for=a b", "=a", "for=a;=", "for=\"a\"b"})
    EXPECT_THAT(f({odd}), ElementsAre("")) << odd;
}

TEST(AddressOfNode, HasOneSpelling) {
  const auto address = [](std::string_view node) {
    return address_of_node(node, ProxyHeader::x_forwarded_for).value_or("-");
  };
  EXPECT_EQ(address("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(address("192.0.2.1:65535"), "192.0.2.1");
  EXPECT_EQ(address("2001:DB8::0001"), "2001:db8::1");
  EXPECT_EQ(address("[2001:db8::1]:1"), "2001:db8::1");
  EXPECT_EQ(address("[2001:db8::1]"), "2001:db8::1");
  EXPECT_EQ(address("::ffff:192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(address("[::ffff:192.0.2.1]:1"), "192.0.2.1");
  for (const std::string_view none :
       {"", "unknown", "192.0.2", "192.0.2.256", "192.0.2.1:", "192.0.2.1:65536", "192.0.2.1:-1",
        "192.0.2.1:x", "[192.0.2.1]", "[2001:db8::1", "[2001:db8::1]x", "2001:db8::1]", "fe80::1%eth0",
        "\"192.0.2.1\"", "192.0.2.1 ", "192.0.2.1:_x"})
    EXPECT_EQ(address(none), "-") << none;
}

TEST(AddressOfNode, MayBeQuotedAndHideItsPortInForwarded) {
  const auto address = [](std::string_view node) {
    return address_of_node(node, ProxyHeader::forwarded).value_or("-");
  };
  EXPECT_EQ(address("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(address("\"192.0.2.1:80\""), "192.0.2.1");
  EXPECT_EQ(address("\"192.0.2.1:_hidden\""), "192.0.2.1");
  EXPECT_EQ(address("\"[2001:db8::1]:80\""), "2001:db8::1");
  EXPECT_EQ(address("\"19\\2.0.2.1\""), "192.0.2.1");
  for (const std::string_view none : {"\"2001:db8::1\"", "_hidden", "unknown", "\"\"", "\"192.0.2.1:_\""})
    EXPECT_EQ(address(none), "-") << none;
}

}  // namespace
}  // namespace bulkhead::http
