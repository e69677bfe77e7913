#include "identity/issuers/key_set.h"

#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "identity/issuers/testing/signing_key.h"

namespace bulkhead::identity {
namespace {

namespace json = boost::json;
using crypto::SignatureAlgorithm;
using testing::SigningKey;

std::string set_of(std::initializer_list<json::object> keys) {
  json::array list;
  for (const json::object& key : keys) list.push_back(key);
  return json::serialize(json::object{{"keys", list}});
}

const SigningKey& rsa_key() {
  static const SigningKey key = SigningKey::shared_rsa(0, "r");
  return key;
}

json::object changed(json::object key, const char* name, json::value value) {
  key[name] = std::move(value);
  return key;
}

std::size_t usable(const json::object& key) {
  const auto keys = KeySet::parse(set_of({key}));
  EXPECT_TRUE(keys.has_value());
  return keys ? keys->size() : 0;
}

TEST(KeySet, FindsKeysOfAllKindsByIdAndAlgorithm) {
  const auto ec = SigningKey::generate(SignatureAlgorithm::es256, "e");
  const auto ed = SigningKey::generate(SignatureAlgorithm::eddsa, "d");
  const auto keys = KeySet::parse(set_of({rsa_key().jwk(), ec.jwk(), ed.jwk()}));
  ASSERT_TRUE(keys.has_value()) << keys.error().message;
  EXPECT_EQ(keys->find("r", SignatureAlgorithm::rs256).size(), 1u);
  EXPECT_EQ(keys->find("e", SignatureAlgorithm::es256).size(), 1u);
  EXPECT_EQ(keys->find("d", SignatureAlgorithm::eddsa).size(), 1u);
  EXPECT_TRUE(keys->find("r", SignatureAlgorithm::es256).empty());
  EXPECT_TRUE(keys->find("e", SignatureAlgorithm::rs256).empty());
  EXPECT_TRUE(keys->find("x", SignatureAlgorithm::rs256).empty());
  EXPECT_EQ(keys->find("", SignatureAlgorithm::rs256).size(), 1u) << "one of its algorithm needs no id";
  EXPECT_TRUE(keys->find("", SignatureAlgorithm::ps256).empty());
  EXPECT_FALSE(keys->has(""));
}

TEST(KeySet, AKeyForOneAlgorithmServesNoOther) {
  auto without = rsa_key().jwk();
  without.erase("alg");
  EXPECT_EQ(KeySet::parse(set_of({without}))->find("r", SignatureAlgorithm::ps256).size(), 1u);
  EXPECT_TRUE(KeySet::parse(set_of({rsa_key().jwk()}))->find("r", SignatureAlgorithm::ps256).empty());
}

TEST(KeySet, PassesOverKeysThatCannotVerify) {
  const auto good = rsa_key().jwk();
  ASSERT_EQ(usable(good), 1u);
  EXPECT_EQ(usable(changed(good, "key_ops", json::array({"verify"}))), 1u);
  EXPECT_EQ(usable(changed(good, "use", "enc")), 0u);
  EXPECT_EQ(usable(changed(good, "use", 1)), 0u);
  EXPECT_EQ(usable(changed(good, "key_ops", json::array({"sign"}))), 0u);
  EXPECT_EQ(usable(changed(good, "key_ops", "verify")), 0u);
  EXPECT_EQ(usable(changed(good, "alg", "RS512")), 0u);
  EXPECT_EQ(usable(changed(good, "alg", "ES256")), 0u);
  EXPECT_EQ(usable(changed(good, "alg", 1)), 0u);
  EXPECT_EQ(usable(changed(good, "kty", "oct")), 0u);
  EXPECT_EQ(usable(changed(good, "kty", "EC")), 0u);
  EXPECT_EQ(usable(changed(good, "n", "AQAB")), 0u);
  EXPECT_EQ(usable(changed(good, "n", "not base64url!")), 0u);
  EXPECT_EQ(usable(changed(good, "e", "AQ")), 0u);
  EXPECT_EQ(usable(changed(good, "kid", "")), 1u) << "a key needs no id";
  EXPECT_EQ(usable(changed(good, "kid", std::string(257, 'k').c_str())), 0u);
  // A private or shared key that was published is everybody's.
  EXPECT_EQ(usable(changed(good, "d", "AQAB")), 0u);
  EXPECT_EQ(usable({{"kid", "s"}, {"kty", "oct"}, {"k", "AQAB"}}), 0u);
  EXPECT_EQ(usable(changed(SigningKey::generate(SignatureAlgorithm::es256, "e").jwk(), "crv", "P-384")), 0u);
  EXPECT_EQ(usable(changed(SigningKey::generate(SignatureAlgorithm::eddsa, "e").jwk(), "crv", "X25519")), 0u);
}

TEST(KeySet, PassesOverWeakRsaKeys) {
  EXPECT_EQ(usable(SigningKey::generate(SignatureAlgorithm::rs256, "weak", 1024).jwk()), 0u);
}

TEST(KeySet, KeysMayShareAnId) {
  const auto ec = SigningKey::generate(SignatureAlgorithm::es256, "r");
  const auto kinds = KeySet::parse(set_of({rsa_key().jwk(), ec.jwk()}));
  ASSERT_TRUE(kinds.has_value());
  EXPECT_EQ(kinds->find("r", SignatureAlgorithm::rs256).size(), 1u);
  EXPECT_EQ(kinds->find("r", SignatureAlgorithm::es256).size(), 1u);
  const auto two = KeySet::parse(set_of({rsa_key().jwk(), SigningKey::shared_rsa(7, "r").jwk()}));
  ASSERT_TRUE(two.has_value());
  EXPECT_EQ(two->find("r", SignatureAlgorithm::rs256).size(), 2u);
  EXPECT_TRUE(two->find("", SignatureAlgorithm::rs256).empty()) << "a token without an id does not say which";
}

TEST(KeySet, AKeyThatIsListedTwiceIsOne) {
  const auto keys = KeySet::parse(set_of({rsa_key().jwk(), rsa_key().jwk()}));
  ASSERT_TRUE(keys.has_value());
  EXPECT_EQ(keys->size(), 1u);
  EXPECT_EQ(keys->find("", SignatureAlgorithm::rs256).size(), 1u);
}

TEST(KeySet, AKeyWithoutAnIdIsForTokensWithoutOne) {
  auto bare = rsa_key().jwk();
  bare.erase("kid");
  const auto keys = KeySet::parse(set_of({bare}));
  ASSERT_TRUE(keys.has_value());
  EXPECT_EQ(keys->find("", SignatureAlgorithm::rs256).size(), 1u);
  EXPECT_TRUE(keys->find("r", SignatureAlgorithm::rs256).empty());
}

TEST(KeySet, HoldsAtMostSoManyKeys) {
  const auto with = [](std::size_t count) {
    json::array list;
    for (std::size_t i = 0; i < count; ++i)
      list.push_back(changed(rsa_key().jwk(), "kid", std::to_string(i).c_str()));
    return KeySet::parse(json::serialize(json::object{{"keys", list}}));
  };
  EXPECT_EQ(with(kMostKeys)->size(), kMostKeys);
  EXPECT_FALSE(with(kMostKeys + 1));
}

TEST(KeySet, RefusesWhatIsNoSet) {
  for (const char* text : {"", "[]", "{}", R"({"keys":{}})", R"({"keys":[1]})", R"({"keys":[],"keys":[]})",
                           "null", R"({"keys":[]} x)"})
    EXPECT_FALSE(KeySet::parse(text)) << text;
  EXPECT_EQ(KeySet::parse(R"({"keys":[]})")->size(), 0u);
}

}  // namespace
}  // namespace bulkhead::identity
