#include "crypto/token.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/bytes.h"
#include "crypto/hash.h"
#include "crypto/tests/fixed_keyring.h"

namespace bulkhead::crypto {
namespace {

constexpr auto kPurpose = KeyPurpose::token_signing;
constexpr std::string_view kClaims = R"({"sub":"alice"})";
constexpr std::string_view kHeader = R"({"alg":"HS256","typ":"at+jwt","kid":"7"})";
// Made by an independent program with version 7, counting_key().
constexpr std::string_view kGolden =
    "eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6IjcifQ.eyJzdWIiOiJhbGljZSJ9."
    "U77e0sfM0heTCp_6PT2c_VLNdLOhj5R0ilSm26RqBQ8";

class Jwt : public testing::Test {
 protected:
  void expect_refused(std::string_view token, std::string_view why = "") const {
    const auto claims = verify_jwt(keyring_, kPurpose, token);
    ASSERT_FALSE(claims) << token;
    EXPECT_EQ(claims.error().code, Errc::unauthenticated);
    EXPECT_THAT(claims.error().message, testing::HasSubstr(why)) << token;
    EXPECT_LT(claims.error().message.size(), 100u);
  }
  // A token whose MAC is right, so that whatever refuses it is not the MAC.
  std::string forged(std::string_view header, std::string_view claims = kClaims) const {
    const auto signed_part = to_base64url(as_bytes(header)) + "." + to_base64url(as_bytes(claims));
    return signed_part + "." + to_base64url(hmac_sha256(as_bytes(counting_key()), as_bytes(signed_part)));
  }

  const Keyring keyring_ = fixed_keyring({{7, counting_key()}});
};

TEST_F(Jwt, SignsTheGoldenTokenAndVerifiesIt) {
  EXPECT_EQ(sign_jwt(keyring_, kPurpose, kClaims), kGolden);
  const auto claims = verify_jwt(keyring_, kPurpose, kGolden);
  ASSERT_TRUE(claims) << claims.error().message;
  EXPECT_EQ(*claims, kClaims);
  EXPECT_EQ(forged(kHeader), kGolden);
}

TEST_F(Jwt, AnyAlteredByteIsRefused) {
  for (std::size_t i = 0; i < kGolden.size(); ++i) {
    for (const int flip : {0x01, 0x02, 0x20, 0x80}) {
      std::string altered(kGolden);
      altered[i] = static_cast<char>(altered[i] ^ flip);
      expect_refused(altered);
    }
    std::string removed(kGolden);
    expect_refused(removed.erase(i, 1));
    for (const char added : {'A', '.', '=', ' '}) {
      std::string longer(kGolden);
      expect_refused(longer.insert(i, 1, added));
    }
  }
}

TEST_F(Jwt, TruncatedOrExtendedIsRefused) {
  for (std::size_t length = 0; length < kGolden.size(); ++length) expect_refused(kGolden.substr(0, length));
  for (const char* tail : {".", "=", " ", "\n", "A", ".AAAA"}) expect_refused(std::string(kGolden) + tail);
  expect_refused(std::string(kGolden) + std::string(1, '\0'));
  for (const char* shape : {"", ".", "..", "...", "a.b", "a.b.c.d"}) expect_refused(shape);
}

TEST_F(Jwt, WithoutASignatureIsRefused) {
  const auto signed_part = std::string(kGolden.substr(0, kGolden.rfind('.') + 1));
  expect_refused(signed_part, "signature");
  const auto none = to_base64url(as_bytes(R"({"alg":"none","typ":"at+jwt","kid":"7"})"));
  expect_refused(none + "." + to_base64url(as_bytes(kClaims)) + ".", "header");
}

TEST_F(Jwt, ShortOrLongSignatureIsRefused) {
  const auto dot = kGolden.rfind('.');
  const auto signed_part = std::string(kGolden.substr(0, dot + 1));
  const auto mac = from_base64url(kGolden.substr(dot + 1)).value();
  expect_refused(signed_part + to_base64url(as_bytes(mac).first(16)), "signature");
  expect_refused(signed_part + to_base64url(as_bytes(mac + mac)), "signature");
}

TEST_F(Jwt, AnyOtherHeaderIsRefusedThoughItsSignatureIsRight) {
  for (const std::string_view header : {
           R"({"alg":"none","typ":"at+jwt","kid":"7"})",
           R"({"alg":"HS512","typ":"at+jwt","kid":"7"})",
           R"({"alg":"RS256","typ":"at+jwt","kid":"7"})",
           R"({"alg":"hs256","typ":"at+jwt","kid":"7"})",
           R"({"alg":["HS256"],"typ":"at+jwt","kid":"7"})",
           R"({"typ":"at+jwt","kid":"7"})",
           R"({"alg":"HS256","kid":"7"})",
           R"({"alg":"HS256","typ":"JWT","kid":"7"})",
           R"({"alg":"HS256","typ":"at+jwt"})",
           R"({"alg":"HS256","typ":"at+jwt","kid":7})",
           R"({"alg":"HS256","typ":"at+jwt","kid":"07"})",
           R"({"alg":"HS256","typ":"at+jwt","kid":"+7"})",
           R"({"alg":"HS256","typ":"at+jwt","kid":"7 "})",
           R"({"alg":"HS256","typ":"at+jwt","kid":""})",
           R"({"alg":"HS256","typ":"at+jwt","kid":"7","kid":"7"})",
           R"({"alg":"none","alg":"HS256","typ":"at+jwt","kid":"7"})",
           R"({"alg":"HS256","alg":"none","typ":"at+jwt","kid":"7"})",
           R"({"alg":"HS256","typ":"at+jwt","kid":"7","jwk":{"kty":"oct","k":"AAECAwQFBgc"}})",
           R"({"alg":"HS256","typ":"at+jwt","kid":"7","jku":"https://attacker.example/keys"})",
           R"({"alg":"HS256","typ":"at+jwt","kid":"7","x5u":"https://attacker.example/cert"})",
           R"({"alg":"HS256","typ":"at+jwt","kid":"7","x5c":["AAAA"]})",
           R"({"alg":"HS256","typ":"at+jwt","kid":"7","crit":["exp"]})",
           R"({"alg":"HS256","typ":"at+jwt","kid":"7","b64":false})",
           R"({"alg":"HS256","typ":"at+jwt","kid":"7","zip":"DEF"})",
           R"({"typ":"at+jwt","alg":"HS256","kid":"7"})",
           R"({"alg":"HS256","typ":"at+jwt","kid":"7"} )",
           R"({"alg": "HS256","typ":"at+jwt","kid":"7"})",
           R"({"\u0061lg":"HS256","typ":"at+jwt","kid":"7"})",
           R"({"alg":"HS256","typ":"at+jwt","kid":"})",
           R"({"alg":"HS256","typ":"at+jwt","kid":"7)",
           "{}",
           "",
           "null",
       })
    expect_refused(forged(header), "header");
  expect_refused(forged(std::string(100, '{')), "header");
  expect_refused(forged(std::string(kHeader) + std::string(1, '\0')), "header");
}

TEST_F(Jwt, AKeyVersionThatIsNotThereIsRefused) {
  expect_refused(forged(R"({"alg":"HS256","typ":"at+jwt","kid":"8"})"), "key is not known");
  expect_refused(forged(R"({"alg":"HS256","typ":"at+jwt","kid":"0"})"), "key is not known");
  expect_refused(forged(R"({"alg":"HS256","typ":"at+jwt","kid":"4294967295"})"), "key is not known");
  expect_refused(forged(R"({"alg":"HS256","typ":"at+jwt","kid":"4294967303"})"), "header");  // 7 + 2^32
}

TEST_F(Jwt, AnotherKeyOfTheSameVersionDoesNotVerify) {
  const auto other = fixed_keyring({{7, std::string(32, 'x')}});
  EXPECT_FALSE(verify_jwt(other, kPurpose, kGolden));
}

TEST_F(Jwt, AnOldKeyVersionStillVerifiesAndNewTokensUseTheNewOne) {
  const auto rotated = fixed_keyring({{7, counting_key()}, {8, std::string(32, 'x')}});
  EXPECT_TRUE(verify_jwt(rotated, kPurpose, kGolden));
  const auto token = sign_jwt(rotated, kPurpose, kClaims);
  EXPECT_TRUE(verify_jwt(rotated, kPurpose, token));
  expect_refused(token, "key is not known");
}

TEST(JwtPurpose, AKeyOfAnotherPurposeDoesNotVerify) {
  const auto keyring = Keyring::ephemeral();
  const auto token = sign_jwt(keyring, KeyPurpose::token_signing, kClaims);
  EXPECT_TRUE(verify_jwt(keyring, KeyPurpose::token_signing, token));
  EXPECT_FALSE(verify_jwt(keyring, KeyPurpose::token_hash, token));
}

TEST_F(Jwt, SizeLimitIsCheckedBeforeAnythingElse) {
  // With a version of two digits the header takes 55 characters, the MAC 43 and the dots 2; 6,069 bytes of
  // claims take the 8,092 that are left.
  const auto keyring = fixed_keyring({{77, counting_key()}});
  const std::string claims(6069, 'c');
  const auto token = sign_jwt(keyring, kPurpose, claims);
  ASSERT_EQ(token.size(), 8 * 1024u);
  const auto verified = verify_jwt(keyring, kPurpose, token);
  ASSERT_TRUE(verified);
  EXPECT_EQ(*verified, claims);

  const auto longer = verify_jwt(keyring, kPurpose, sign_jwt(keyring, kPurpose, claims + "c"));
  ASSERT_FALSE(longer);
  EXPECT_EQ(longer.error().message, "the token is larger than 8192 bytes");
  expect_refused(std::string(1 << 20, '.'), "larger than 8192 bytes");
  EXPECT_FALSE(verify_jwt(keyring_, kPurpose, kGolden, {.bytes = kGolden.size() - 1}));
  EXPECT_TRUE(verify_jwt(keyring_, kPurpose, kGolden, {.bytes = kGolden.size()}));
}

TEST_F(Jwt, ClaimsComeBackByteForByte) {
  for (const std::string& claims :
       {std::string(), std::string("{}"), std::string("\0\xff", 2), std::string(R"({"a":"\u00e4"})")}) {
    const auto verified = verify_jwt(keyring_, kPurpose, sign_jwt(keyring_, kPurpose, claims));
    ASSERT_TRUE(verified);
    EXPECT_EQ(*verified, claims);
  }
}

}  // namespace
}  // namespace bulkhead::crypto
