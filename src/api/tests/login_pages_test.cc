#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/login/browser.h"
#include "api/login/page.h"

namespace bulkhead::api {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

http::Request with(std::vector<http::HeaderView> headers) {
  http::Request request;
  request.headers = std::move(headers);
  return request;
}

std::string header(const http::Response& response, std::string_view name) {
  for (const auto& [key, value] : response.headers)
    if (key == name) return value;
  return "";
}

TEST(BrowserTest, FindsTheOneCookieOfAName) {
  const auto value = [](std::string_view text) { return cookie(with({{"Cookie", text}}), "a"); };
  EXPECT_EQ(value("a=1"), "1");
  EXPECT_EQ(value("b=2; a=1;c=3"), "1");
  EXPECT_EQ(value("a=x=y"), "x=y");
  EXPECT_EQ(value("a="), "");
  EXPECT_EQ(value("aa=1; ba=2; a"), std::nullopt);
  EXPECT_EQ(value("a=1; a=2"), std::nullopt);
  EXPECT_EQ(value(";;; ="), std::nullopt);
  EXPECT_EQ(cookie(with({{"cookie", "a=1"}, {"Cookie", "a=2"}}), "a"), std::nullopt);
  EXPECT_EQ(cookie(with({}), "a"), std::nullopt);
}

TEST(BrowserTest, CookiesStayWithTheHostAndOutOfScripts) {
  EXPECT_EQ(set_cookie(kSessionCookie, "v", "Strict"),
            "__Host-bulkhead-session=v; Path=/; Secure; HttpOnly; SameSite=Strict");
  EXPECT_THAT(drop_cookie(kBinderCookie, "Lax"), HasSubstr("Max-Age=0"));
}

TEST(BrowserTest, KnowsItsOriginFromItsSettingsOrItsOwnMachine) {
  Options options;
  options.listen_address = "127.0.0.1:5000";
  const auto origin = [&](std::string_view host) {
    return browser_origin(with({{"Host", host}}), options, false);
  };
  EXPECT_EQ(origin("localhost:5000"), "http://localhost:5000");
  EXPECT_EQ(origin("127.0.0.1"), "http://127.0.0.1");
  EXPECT_EQ(origin("[::1]:80"), "http://[::1]:80");
  for (const std::string_view host : {"evil.example", "localhost.evil.example", "127.0.0.1.evil.example",
                                      "localhost:", "localhost:5000@evil.example", "localhost:500000", ""})
    EXPECT_EQ(origin(host), "") << host;
  options.public_url = "https://registry.example";
  EXPECT_EQ(origin("evil.example"), "https://registry.example");
}

TEST(BrowserTest, TellsItsOwnPagesFromOthers) {
  constexpr std::string_view kOwn = "https://registry.example";
  const auto own = [&](std::vector<http::HeaderView> headers) {
    return from_origin(with(std::move(headers)), kOwn);
  };
  EXPECT_TRUE(own({{"Origin", kOwn}}));
  EXPECT_TRUE(own({{"Sec-Fetch-Site", "same-origin"}}));
  EXPECT_TRUE(own({{"Sec-Fetch-Site", "same-origin"}, {"Origin", "null"}}));
  EXPECT_TRUE(own({{"Sec-Fetch-Site", "same-origin"}, {"Origin", kOwn}}));
  EXPECT_FALSE(own({}));
  EXPECT_FALSE(own({{"Origin", "null"}}));
  EXPECT_FALSE(own({{"Origin", "https://registry.example.evil.example"}}));
  EXPECT_FALSE(own({{"Origin", kOwn}, {"Origin", kOwn}}));
  EXPECT_FALSE(own({{"Sec-Fetch-Site", "same-site"}, {"Origin", kOwn}}));
  EXPECT_FALSE(own({{"Sec-Fetch-Site", "cross-site"}}));
  EXPECT_FALSE(own({{"Sec-Fetch-Site", "same-origin"}, {"Origin", "https://evil.example"}}));
  EXPECT_FALSE(has_origin(with({{"Origin", ""}}), ""));
}

TEST(PageTest, EscapesAndLoadsNothing) {
  EXPECT_EQ(html("{}", "<a href=\"'&>").text(), "&lt;a href=&quot;&#39;&amp;&gt;");
  EXPECT_EQ(html("<b>{}</b>{}", "\xe2\x80\xae", Html("<i>")).text(), "<b>\\u{202e}</b><i>");
  Page page;
  page.title = "A & B";
  page.body = "<p>x</p>";
  page.next = "https://login.example/";
  const auto response = render(page, "registry.example.com");
  const auto& html = std::get<std::string>(response.body);
  EXPECT_THAT(html, HasSubstr("<html lang=\"en\">"));
  EXPECT_THAT(html, HasSubstr("<h1>A &amp; B</h1>"));
  EXPECT_THAT(html, Not(HasSubstr("<script")));
  const auto policy = header(response, "Content-Security-Policy");
  for (const std::string_view part : {"default-src 'none'", "style-src 'sha256-", "form-action 'self'",
                                      "frame-ancestors 'none'", "base-uri 'none'"})
    EXPECT_THAT(policy, HasSubstr(part));
  EXPECT_THAT(policy, Not(HasSubstr("unsafe")));
  EXPECT_EQ(header(response, "Cache-Control"), "no-store");
  EXPECT_EQ(header(response, "Referrer-Policy"), "no-referrer");
  EXPECT_EQ(header(response, "Refresh"), "0;url=https://login.example/");
}

}  // namespace
}  // namespace bulkhead::api
