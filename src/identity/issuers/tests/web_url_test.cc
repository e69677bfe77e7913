#include "identity/issuers/web_url.h"

#include <gtest/gtest.h>

namespace bulkhead::identity {
namespace {

const PlainHosts kPlain = {"localhost", "gitlab.test"};

TEST(WebUrl, TakesHttpsUrlsApart) {
  const auto url = parse_web_url("https://gitlab.example:8443/a/b?c=d%20e", {});
  ASSERT_TRUE(url.has_value()) << url.error().message;
  EXPECT_TRUE(url->secure);
  EXPECT_EQ(url->host, "gitlab.example");
  EXPECT_EQ(url->port, 8443);
  EXPECT_EQ(url->rest, "/a/b?c=d%20e");
  EXPECT_EQ(parse_web_url("https://[2001:db8::1]:8443", {})->host, "[2001:db8::1]");
  EXPECT_EQ(parse_web_url("https://10.0.0.1", {})->host, "10.0.0.1");
  EXPECT_EQ(parse_web_url("https://a?b", {})->rest, "?b");
}

TEST(WebUrl, TakesHttpForNamedHostsOnly) {
  EXPECT_TRUE(parse_web_url("http://localhost:8080/x", kPlain));
  EXPECT_FALSE(parse_web_url("http://localhost:8080/x", {}));
  EXPECT_FALSE(parse_web_url("http://sub.localhost/x", kPlain));
  EXPECT_FALSE(parse_web_url("http://gitlab.example/x", kPlain));
}

TEST(WebUrl, RefusesWhatIsReadInTwoWays) {
  for (const char* text : {"",
                           "https://",
                           "https:///x",
                           "https:/a",
                           "HTTPS://a",
                           "ftp://a",
                           "//a",
                           "a",
                           "https://user@a",
                           "https://a@b/",
                           "https://a#b",
                           "https://a/b#c",
                           "https://a\\b",
                           "https://a/b c",
                           "https://a/\tb",
                           "https://A.example",
                           "https://a..b",
                           "https://.a",
                           "https://a.",
                           "https://-a",
                           "https://a:",
                           "https://a:0",
                           "https://a:080",
                           "https://a:65536",
                           "https://a:8a",
                           "https://a:1:2",
                           "https://[::1",
                           "https://[1.2.3.4]",
                           "https://[::1]x",
                           "https://a%2eb",
                           "https://a/\xc3\xa4",
                           "https://\xc3\xa4",
                           "https://a/<b>",
                           "https://a\n"})
    EXPECT_FALSE(parse_web_url(text, kPlain)) << text;
  EXPECT_FALSE(parse_web_url(std::string("https://a/\0b", 12), {}));
}

TEST(WebUrl, IsBounded) {
  const std::string longest = "https://a/" + std::string(kLongestUrl - 10, 'x');
  EXPECT_TRUE(parse_web_url(longest, {}));
  EXPECT_FALSE(parse_web_url(longest + "x", {}));
}

TEST(Issuer, IsAUrlWithoutAQueryKeptByteByByte) {
  EXPECT_EQ(parse_issuer("https://a.example/", {}).value(), "https://a.example/");
  EXPECT_EQ(parse_issuer("https://a.example", {}).value(), "https://a.example");
  EXPECT_FALSE(parse_issuer("https://a.example?x", {}));
  EXPECT_FALSE(parse_issuer("http://a.example", {}));
}

}  // namespace
}  // namespace bulkhead::identity
