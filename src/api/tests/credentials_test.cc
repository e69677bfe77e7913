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

TEST(ScopeFor, NamesWhatAClientMustAskFor) {
  const auto name = oci::RepositoryName::parse("team/app").value();
  EXPECT_EQ(scope_for(name, access::Action::pull), "repository:team/app:pull");
  EXPECT_EQ(scope_for(name, access::Action::push), "repository:team/app:pull,push");
  EXPECT_EQ(scope_for(name, access::Action::remove), "repository:team/app:delete");
}

}  // namespace
}  // namespace bulkhead::api
