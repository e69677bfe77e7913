// What callers say of themselves, before anything is believed.
#include <gtest/gtest.h>

#include "api/caller.h"
#include "base/bytes.h"

namespace bulkhead::api {
namespace {

using namespace std::string_literals;

TEST(ParseAuthorization, SplitsSchemeAndValue) {
  const auto bearer = parse_authorization("Bearer a.b.c");
  ASSERT_TRUE(bearer);
  EXPECT_EQ(bearer->scheme, "bearer");
  EXPECT_EQ(bearer->value, "a.b.c");
  const auto basic = parse_authorization("BASIC   YTpi  ");
  ASSERT_TRUE(basic);
  EXPECT_EQ(basic->scheme, "basic");
  EXPECT_EQ(basic->value, "YTpi");
  EXPECT_EQ(parse_authorization("Digest a=b, c=d")->value, "a=b, c=d");
}

TEST(ParseAuthorization, RefusesWhatHasNoSchemeOrNoValue) {
  for (const std::string_view header : {"", " ", "Bearer", "Bearer ", "Bearer    ", " Bearer x", "token"})
    EXPECT_FALSE(parse_authorization(header)) << header;
}

Result<BasicCredentials> basic(std::string_view plain) { return parse_basic(to_base64(as_bytes(plain))); }

TEST(ParseBasic, TakesEverythingBehindTheFirstColonAsThePassword) {
  const auto plain = basic("alice:secret");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->name, "alice");
  EXPECT_EQ(plain->password.reveal(), "secret");
  EXPECT_EQ(basic("alice:a:b:")->password.reveal(), "a:b:");
  EXPECT_EQ(basic("alice:")->password.reveal(), "");
  EXPECT_EQ(basic("alice:p\xc3\xa4ss")->password.reveal(), "p\xc3\xa4ss");
  EXPECT_EQ(basic("alice:a\0b"s)->password.reveal(), "a\0b"s);
}

TEST(ParseBasic, RefusesWhatIsMalformedWithoutRepeatingIt) {
  for (const std::string& encoded :
       {""s, "alice:secret"s, to_base64(as_bytes("secret")), to_base64(as_bytes(":secret")),
        "YWxpY2U6c2VjcmV0IQ"s, "YWxpY2U6c2VjcmV0IQ=="s + " ", "YWxpY2U6c2VjcmV0IR=="s,
        "YWxpY2U6c2VjcmV0_-=="s}) {
    const auto parsed = parse_basic(encoded);
    ASSERT_FALSE(parsed) << encoded;
    EXPECT_EQ(parsed.error().code, Errc::unauthenticated);
    EXPECT_EQ(parsed.error().message.find("secret"), std::string::npos);
  }
}

std::string needed(http::Method method, std::string_view path, std::string_view query = "") {
  http::Request request;
  request.method = method;
  request.query = query;
  return scope_of(parse_route(path).value(), request);
}

TEST(ScopeOf, NamesWhatAClientMustAskFor) {
  using http::Method;
  const std::string digest = "sha256:" + std::string(64, 'a');
  EXPECT_EQ(needed(Method::get, "/v2/team/app/manifests/v1"), "repository:team/app:pull");
  EXPECT_EQ(needed(Method::head, "/v2/team/app/manifests/-"), "repository:team/app:pull");
  EXPECT_EQ(needed(Method::put, "/v2/team/app/manifests/v1"), "repository:team/app:pull,push");
  EXPECT_EQ(needed(Method::delete_, "/v2/team/app/blobs/" + digest), "repository:team/app:delete");
  EXPECT_EQ(needed(Method::get, "/v2/team/app/blobs/uploads/x"), "repository:team/app:pull,push");
  EXPECT_EQ(needed(Method::get, "/v2/team/app/referrers/" + digest), "repository:team/app:pull");
  EXPECT_EQ(needed(Method::get, "/v2/_catalog"), "registry:catalog:*");
  EXPECT_EQ(needed(Method::get, "/v2/"), "");
}

TEST(ScopeOf, AMountHasItsSource) {
  const auto mount = [](std::string_view query) {
    return needed(http::Method::post, "/v2/team/app/blobs/uploads/", query);
  };
  EXPECT_EQ(mount("mount=d&from=team/other"), "repository:team/app:pull,push repository:team/other:pull");
  for (const std::string_view query :
       {"", "mount=d", "mount=d&from=", "mount=d&from=team/app", "from=team/other", "mount=d&from=Team",
        "mount=d&from=a&from=b", "mount=d&from=a%22b"})
    EXPECT_EQ(mount(query), "repository:team/app:pull,push") << query;
}

}  // namespace
}  // namespace bulkhead::api
