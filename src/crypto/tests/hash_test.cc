#include "crypto/hash.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <thread>
#include <vector>

namespace bulkhead::crypto {
namespace {

struct HashVector {
  HashAlgorithm algorithm;
  std::string message;
  std::string_view hex;
};

// The messages of NIST's examples for FIPS 180-4: none, one block, two blocks, and a million characters.
std::vector<HashVector> hash_vectors() {
  const std::string two_blocks_256 = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
  const std::string two_blocks_512 =
      "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrs"
      "mnopqrstnopqrstu";
  const std::string million(1'000'000, 'a');
  using enum HashAlgorithm;
  return {
      {sha256, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {sha256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {sha256, two_blocks_256, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
      {sha256, million, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
      {sha512, "",
       "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
       "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"},
      {sha512, "abc",
       "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
       "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
      {sha512, two_blocks_512,
       "8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018"
       "501d289e4900f7e4331b99dec4b5433ac7d329eeb6dd26545e96e55b874be909"},
      {sha512, million,
       "e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa973eb"
       "de0ff244877ea60a4cb0432ce577c31beb009c5c2c49aa2e4eadb217ad8cc09b"},
  };
}

TEST(Hash, MatchesTheNistExamples) {
  for (const auto& vector : hash_vectors())
    EXPECT_EQ(to_hex(as_bytes(hash(vector.algorithm, as_bytes(vector.message)))), vector.hex);
}

TEST(Hasher, MatchesTheNistExamplesHoweverTheInputIsCut) {
  for (const auto& vector : hash_vectors()) {
    for (const std::size_t piece : {1u, 63u, 64u, 65u, 4096u}) {
      if (piece == 1 && vector.message.size() > 1000) continue;
      Hasher hasher(vector.algorithm);
      for (std::size_t i = 0; i < vector.message.size(); i += piece)
        hasher.update(as_bytes(std::string_view(vector.message).substr(i, piece)));
      EXPECT_EQ(to_hex(as_bytes(hasher.current())), vector.hex) << "in pieces of " << piece;
    }
  }
}

TEST(Hasher, GoesOnAfterCurrent) {
  Hasher hasher(HashAlgorithm::sha256);
  hasher.update(as_bytes("a"));
  EXPECT_EQ(hasher.current(), hash(HashAlgorithm::sha256, as_bytes("a")));
  EXPECT_EQ(hasher.current(), hash(HashAlgorithm::sha256, as_bytes("a")));
  Hasher moved = std::move(hasher);
  moved.update(as_bytes("bc"));
  EXPECT_EQ(moved.current(), hash(HashAlgorithm::sha256, as_bytes("abc")));
  EXPECT_EQ(moved.algorithm(), HashAlgorithm::sha256);
}

TEST(Hmac, MatchesRfc4231) {
  std::string counting;
  for (char c = 1; c <= 25; ++c) counting.push_back(c);
  const std::string long_key(131, '\xaa');
  const auto hex = [](std::string_view key, std::string_view message) {
    return to_hex(hmac_sha256(as_bytes(key), as_bytes(message)));
  };
  EXPECT_EQ(hex(std::string(20, '\x0b'), "Hi There"),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(hex("Jefe", "what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(hex(std::string(20, '\xaa'), std::string(50, '\xdd')),
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
  EXPECT_EQ(hex(counting, std::string(50, '\xcd')),
            "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b");
  EXPECT_EQ(hex(long_key, "Test Using Larger Than Block-Size Key - Hash Key First"),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  EXPECT_EQ(
      hex(long_key,
          "This is a test using a larger than block-size key and a larger than block-size data. The key "
          "needs to be hashed before being used by the HMAC algorithm."),
      "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2");
}

TEST(Hmac, AnEmptyKeyIsNotTheKeyBefore) {
  const auto with_key = hmac_sha256(as_bytes("key"), as_bytes("message"));
  const auto empty = hmac_sha256({}, as_bytes("message"));
  EXPECT_NE(empty, with_key);
  EXPECT_EQ(to_hex(hmac_sha256({}, {})), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST(Hmac, ThreadsDoNotMixTheirKeys) {
  const auto expected_a = hmac_sha256(as_bytes("a"), as_bytes("message"));
  const auto expected_b = hmac_sha256(as_bytes("b"), as_bytes("message"));
  std::atomic<int> wrong = 0;
  const auto repeat = [&](std::string_view key, const auto& expected) {
    for (int i = 0; i < 2000; ++i)
      if (hmac_sha256(as_bytes(key), as_bytes("message")) != expected) ++wrong;
  };
  {
    std::jthread a([&] { repeat("a", expected_a); });
    std::jthread b([&] { repeat("b", expected_b); });
  }
  EXPECT_EQ(wrong, 0);
}

TEST(EqualInConstantTime, ComparesLengthAndEveryByte) {
  EXPECT_TRUE(equal_in_constant_time(as_bytes("secret"), as_bytes("secret")));
  EXPECT_TRUE(equal_in_constant_time({}, {}));
  EXPECT_FALSE(equal_in_constant_time(as_bytes("secret"), as_bytes("secre")));
  EXPECT_FALSE(equal_in_constant_time(as_bytes("secret"), {}));
  const std::string secret = "secret";
  for (std::size_t i = 0; i < secret.size(); ++i) {
    std::string other = secret;
    other[i] = static_cast<char>(other[i] ^ 0x80);
    EXPECT_FALSE(equal_in_constant_time(as_bytes(secret), as_bytes(other)));
  }
}

TEST(Random, BytesHaveTheLengthAskedForAndDiffer) {
  EXPECT_EQ(random_bytes(0), "");
  EXPECT_EQ(random_bytes(1000).size(), 1000u);
  EXPECT_NE(random_bytes(16), random_bytes(16));
}

TEST(Random, Base62UsesEveryCharacterAboutEquallyOften) {
  constexpr std::size_t kCount = 62 * 2000;
  std::array<std::size_t, 256> seen{};
  for (const unsigned char c : random_base62(kCount)) ++seen[c];
  std::size_t total = 0;
  for (const unsigned char c :
       std::string_view("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")) {
    total += seen[c];
    // Nine standard deviations: a modulo bias would put the first eight characters 25% higher.
    EXPECT_NEAR(static_cast<double>(seen[c]), 2000, 400) << c;
  }
  EXPECT_EQ(total, kCount);
  EXPECT_EQ(random_base62(30).size(), 30u);
  EXPECT_EQ(random_base62(0), "");
}

}  // namespace
}  // namespace bulkhead::crypto
