#include "identity/issuers/jwt.h"

#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <set>

#include "base/bytes.h"
#include "identity/issuers/key_set.h"
#include "identity/issuers/testing/test_issuer.h"

namespace bulkhead::identity {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;
using crypto::SignatureAlgorithm;
using testing::claims_of;
using testing::header_of;
using testing::mint;
using testing::SigningKey;
using testing::TestIssuer;

const Time kNow{std::chrono::seconds(1'767'225'600)};

class JwtTest : public ::testing::Test {
 protected:
  // What somebody who trusts the issuer for "bulkhead" does with a token.
  Result<JwtClaims> accept(std::string_view token, Time now = kNow) const {
    const auto jwt = UnverifiedJwt::parse(token, now);
    if (!jwt) return jwt.error();
    if (jwt->issuer() != issuer_.url()) return Error{Errc::unauthenticated, "another issuer"};
    return jwt->verify(keys_.find(jwt->key_id(), jwt->algorithm()));
  }
  json::object claims() const { return claims_of(issuer_.url(), kNow); }
  json::object claims(const char* name, json::value value) const {
    auto all = claims();
    all[name] = std::move(value);
    return all;
  }
  // Whether tokens with these claims may still be good at all; the signature is not looked at.
  static bool timely(const json::object& claims, Time now = kNow) {
    const auto key = SigningKey::generate(SignatureAlgorithm::eddsa, "k");
    return UnverifiedJwt::parse(mint(key, claims), now).has_value();
  }

  TestIssuer issuer_;
  SigningKey key_ = issuer_.key();
  KeySet keys_ = *KeySet::parse(json::serialize(json::object{{"keys", json::array({issuer_.key().jwk()})}}));
};

TEST_F(JwtTest, SaysWhatTheIssuerSigned) {
  const auto accepted = accept(mint(key_, claims()));
  ASSERT_TRUE(accepted.has_value()) << accepted.error().message;
  EXPECT_EQ(accepted->issuer, "https://ci.example");
  EXPECT_EQ(accepted->subject, "repo:acme/app:ref:refs/heads/main");
  EXPECT_EQ(accepted->audiences, std::vector<std::string>{"bulkhead"});
  EXPECT_EQ(accepted->issued_at, kNow);
  EXPECT_EQ(accepted->expires_at, kNow + 300s);
}

TEST_F(JwtTest, VerifiesEveryAlgorithmOfTheList) {
  for (const auto algorithm : {SignatureAlgorithm::rs256, SignatureAlgorithm::ps256,
                               SignatureAlgorithm::es256, SignatureAlgorithm::eddsa}) {
    const auto key = SigningKey::generate(algorithm, "k");
    const auto keys = KeySet::parse(json::serialize(json::object{{"keys", json::array({key.jwk()})}}));
    const auto jwt = UnverifiedJwt::parse(mint(key, claims()), kNow);
    ASSERT_TRUE(jwt.has_value());
    const auto found = keys->find("k", jwt->algorithm());
    ASSERT_EQ(found.size(), 1u) << name(algorithm);
    EXPECT_TRUE(jwt->verify(found)) << name(algorithm);
  }
}

TEST_F(JwtTest, RefusesEveryForgery) {
  std::set<std::string> names;
  for (const auto& forgery : testing::forgeries(issuer_, claims(), kNow)) {
    EXPECT_TRUE(names.insert(forgery.name).second) << forgery.name << " occurs twice";
    const auto accepted = accept(forgery.token);
    // Who it is for and how long it may live are the trust's to judge.
    if (accepted) {
      EXPECT_TRUE(!accepted->is_for("bulkhead") || accepted->expires_at - accepted->issued_at > 24h)
          << forgery.name;
    } else {
      EXPECT_EQ(accepted.error().code, Errc::unauthenticated) << forgery.name;
    }
  }
  EXPECT_GT(names.size(), 80u);
}

TEST_F(JwtTest, NeedsNoTypeButKnowsIt) {
  auto header = header_of(key_);
  header.erase("typ");
  EXPECT_TRUE(accept(mint(key_, header, claims())));
  header["typ"] = "jwt";
  EXPECT_TRUE(accept(mint(key_, header, claims())));
  header["typ"] = "JWS";
  EXPECT_FALSE(accept(mint(key_, header, claims())));
}

TEST_F(JwtTest, NeedsNoKeyIdWhereThereIsOneKey) {
  auto header = header_of(key_);
  header.erase("kid");
  EXPECT_TRUE(accept(mint(key_, header, claims())));
  EXPECT_FALSE(accept(mint(SigningKey::shared_rsa(2, "key-1"), header, claims())));
}

TEST_F(JwtTest, IsVerifiedByOneOfTheKeysThatItMayBeOf) {
  const auto other = SigningKey::shared_rsa(2, key_.key_id());
  const auto keys =
      KeySet::parse(json::serialize(json::object{{"keys", json::array({other.jwk(), key_.jwk()})}}));
  const auto jwt = UnverifiedJwt::parse(mint(key_, claims()), kNow);
  ASSERT_TRUE(jwt.has_value());
  EXPECT_TRUE(jwt->verify(keys->find(key_.key_id(), jwt->algorithm())));
  EXPECT_FALSE(jwt->verify({}));
}

TEST_F(JwtTest, NamesEachOfItsAudiences) {
  const auto several = accept(mint(key_, claims("aud", json::array{"another", "bulkhead"})));
  ASSERT_TRUE(several.has_value());
  EXPECT_TRUE(several->names("bulkhead"));
  EXPECT_FALSE(several->names("a third"));
  EXPECT_FALSE(several->is_for("bulkhead")) << "it does not say to whom of them it was issued";
}

TEST_F(JwtTest, LooksAtNoKeyInTheHeader) {
  auto header = header_of(key_);
  header["jwk"] = SigningKey::shared_rsa(2, "x").jwk();
  header["jku"] = "https://evil.example";
  EXPECT_TRUE(accept(mint(key_, header, claims())));
}

TEST_F(JwtTest, AllowsThirtySecondsBetweenTheClocks) {
  const auto now = testing::numeric_date(kNow);
  EXPECT_TRUE(timely(claims(), kNow + 300s + 30s - 1us));
  EXPECT_FALSE(timely(claims(), kNow + 300s + 30s));
  EXPECT_TRUE(timely(claims("iat", now + 30)));
  EXPECT_FALSE(timely(claims("iat", now + 31)));
  EXPECT_TRUE(timely(claims("nbf", now + 30)));
  EXPECT_FALSE(timely(claims("nbf", now + 31)));
}

TEST_F(JwtTest, TakesFractionsOfSecondsAndNoNotBefore) {
  EXPECT_TRUE(timely(claims("exp", static_cast<double>(testing::numeric_date(kNow)) + 10.5)));
  auto without = claims();
  without.erase("nbf");
  EXPECT_TRUE(timely(without));
}

TEST_F(JwtTest, IsForAnAudienceAloneOrAsTheAuthorizedParty) {
  const auto for_us = [&](const json::object& all) { return accept(mint(key_, all))->is_for("bulkhead"); };
  EXPECT_TRUE(for_us(claims()));
  EXPECT_TRUE(for_us(claims("aud", json::array({"bulkhead"}))));
  EXPECT_FALSE(for_us(claims("aud", "bulkhead2")));
  auto two = claims("aud", json::array({"elsewhere", "bulkhead"}));
  EXPECT_FALSE(for_us(two));
  two["azp"] = "elsewhere";
  EXPECT_FALSE(for_us(two));
  two["azp"] = "bulkhead";
  EXPECT_TRUE(for_us(two));
}

TEST_F(JwtTest, HasAtMostSixteenAudiences) {
  json::array sixteen(15, json::value("a"));
  sixteen.emplace_back("bulkhead");
  EXPECT_TRUE(timely(claims("aud", sixteen)));
  sixteen.emplace_back("b");
  EXPECT_FALSE(timely(claims("aud", sixteen)));
}

TEST_F(JwtTest, IsAtMostSixteenKibibytes) {
  const auto padded = [&](std::size_t size) {
    return mint(key_, claims("x", std::string(size, 'x').c_str()));
  };
  // Each three bytes of claims are four of the token.
  const std::size_t fits = (JwtLimits{}.bytes - padded(1).size()) * 3 / 4;
  EXPECT_TRUE(accept(padded(fits - 3)));
  EXPECT_FALSE(accept(padded(fits + 6)));
}

TEST_F(JwtTest, ReadsClaimsAsText) {
  auto all = claims();
  all["flag"] = true;
  all["count"] = -3;
  all["list"] = json::array({"x"});
  all["nothing"] = nullptr;
  all["half"] = 0.5;
  all["https://a/b"] = "url";
  all["kubernetes.io"] =
      json::parse(R"({"serviceaccount":{"uid":"u-1"},"a/b":"slash","~":"tilde","":"empty"})");
  const auto accepted = accept(mint(key_, all));
  ASSERT_TRUE(accepted.has_value());
  EXPECT_EQ(accepted->text("repository_id"), "4711");
  EXPECT_EQ(accepted->text("flag"), "true");
  EXPECT_EQ(accepted->text("count"), "-3");
  EXPECT_EQ(accepted->text("https://a/b"), "url");
  EXPECT_EQ(accepted->text("/kubernetes.io/serviceaccount/uid"), "u-1");
  EXPECT_EQ(accepted->text("/kubernetes.io/a~1b"), "slash");
  EXPECT_EQ(accepted->text("/kubernetes.io/~0"), "tilde");
  EXPECT_EQ(accepted->text("/kubernetes.io/"), "empty");
  EXPECT_EQ(accepted->text("/repository_id"), "4711");
  for (const char* name : {"list", "nothing", "half", "absent", "kubernetes.io", "/kubernetes.io", "/",
                           "/repository_id/x", "/list/0", "/kubernetes.io/serviceaccount/uid/", ""})
    EXPECT_EQ(accepted->text(name), std::nullopt) << name;
}

TEST_F(JwtTest, NamesATokenByItsJti) {
  const auto once = [&](const json::object& all) { return accept(mint(key_, all))->once; };
  EXPECT_EQ(once(claims("jti", "a")), once(claims("jti", "a")));
  EXPECT_NE(once(claims("jti", "a")), once(claims("jti", "b")));
}

TEST_F(JwtTest, NamesATokenWithoutJtiByWhatWasSigned) {
  auto all = claims();
  all.erase("jti");
  const auto key = SigningKey::generate(SignatureAlgorithm::es256, "e");
  // Two signatures of the same claims are one token.
  const std::string first = mint(key, all);
  const std::string second = mint(key, all);
  ASSERT_NE(first, second);
  const auto keys = KeySet::parse(json::serialize(json::object{{"keys", json::array({key.jwk()})}}));
  const auto once = [&](const std::string& token) {
    return UnverifiedJwt::parse(token, kNow)->verify(keys->find("e", SignatureAlgorithm::es256))->once;
  };
  EXPECT_EQ(once(first), once(second));
  all["sub"] = "other";
  EXPECT_NE(once(first), once(mint(key, all)));
}

}  // namespace
}  // namespace bulkhead::identity
