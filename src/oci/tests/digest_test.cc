#include "oci/digest.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <unordered_set>
#include <vector>

namespace bulkhead::oci {
namespace {

const std::string kHex256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const std::string kHex512 =
    "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
    "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e";

Errc code_of(const std::string& text) {
  const auto digest = Digest::parse(text);
  return digest ? Errc::internal : digest.error().code;
}

TEST(Digest, RendersWhatItParsed) {
  for (const std::string& text : {"sha256:" + kHex256, "sha512:" + kHex512}) {
    const auto digest = Digest::parse(text);
    ASSERT_TRUE(digest) << digest.error().message;
    EXPECT_EQ(digest->render(), text);
    EXPECT_EQ(digest->hex(), text.substr(7));
  }
}

TEST(Digest, KnowsItsAlgorithmAndRawHash) {
  const auto digest = Digest::parse("sha256:" + kHex256);
  ASSERT_TRUE(digest);
  EXPECT_EQ(digest->algorithm(), Algorithm::sha256);
  ASSERT_EQ(digest->hash().size(), 32u);
  EXPECT_EQ(digest->hash()[0], std::byte{0xe3});
  EXPECT_EQ(digest->hash()[31], std::byte{0x55});
  EXPECT_EQ(Digest::parse("sha512:" + kHex512)->hash().size(), 64u);
}

TEST(Digest, DecodesEveryHexCharacter) {
  const std::string text = "sha256:0123456789abcdef0123456789abcdef0123456789abcdeffedcba9876543210";
  const auto digest = Digest::parse(text);
  ASSERT_TRUE(digest);
  EXPECT_EQ(to_hex(digest->hash()), text.substr(7));
}

TEST(Digest, IsOfContent) {
  EXPECT_EQ(Digest::of(Algorithm::sha256, {}).render(), "sha256:" + kHex256);
  EXPECT_EQ(Digest::of(Algorithm::sha512, {}).render(), "sha512:" + kHex512);
  EXPECT_EQ(Digest::of(Algorithm::sha256, as_bytes("abc")).hex(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Digest, RefusesEveryCharacterThatIsNotLowerCaseHex) {
  for (int character = 0; character < 256; ++character) {
    const char c = static_cast<char>(character);
    const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    for (const std::size_t position : {7u, 8u, 70u}) {
      std::string text = "sha256:" + kHex256;
      text[position] = c;
      EXPECT_EQ(Digest::parse(text).has_value(), hex) << character << " at " << position;
    }
  }
}

TEST(Digest, RefusesUppercaseHex) {
  std::string text = "sha256:" + kHex256;
  text[7] = 'E';
  EXPECT_EQ(code_of(text), Errc::digest_invalid);
}

TEST(Digest, RefusesWrongLengths) {
  EXPECT_EQ(code_of("sha256:" + kHex256.substr(1)), Errc::digest_invalid);
  EXPECT_EQ(code_of("sha256:" + kHex256 + "0"), Errc::digest_invalid);
  EXPECT_EQ(code_of("sha256:" + kHex512), Errc::digest_invalid);
  EXPECT_EQ(code_of("sha512:" + kHex256), Errc::digest_invalid);
  EXPECT_EQ(code_of("sha256:"), Errc::digest_invalid);
  EXPECT_EQ(code_of("sha256:baddigeststring"), Errc::digest_invalid);
}

TEST(Digest, RefusesMalformedText) {
  for (const std::string& text : std::vector<std::string>{
           "", ":", kHex256, "sha256" + kHex256, "SHA256:" + kHex256, ":" + kHex256, " sha256:" + kHex256,
           "sha256 :" + kHex256, "sha256::" + kHex256.substr(1), "+sha:abc", "sha+:abc", "sha++x:abc",
           "md5:", "md5:a/b", "md5:a:b", "md5:\xc3\xa9", "sha256:" + kHex256 + "\n"}) {
    EXPECT_EQ(code_of(text), Errc::digest_invalid) << text;
  }
}

TEST(Digest, TellsWellFormedDigestsOfOtherAlgorithmsApart) {
  for (const std::string& text : std::vector<std::string>{
           "md5:d41d8cd98f00b204e9800998ecf8427e", "sha384:" + kHex256, "sha256+b64u:LCa0a2j_xo=-",
           "multihash+base58:QmRZxt2b1FVZPNqd8hsiykDL3TdBDeTSPX9Kv46HmX4Gx8", "sha256a:" + kHex256,
           "a.b_c-d:0"}) {
    EXPECT_EQ(code_of(text), Errc::digest_unsupported) << text;
  }
}

TEST(Digest, NamesTheRefusedValueWithinBounds) {
  const auto digest = Digest::parse("sha256:" + std::string(100'000, 'g') + "\n");
  ASSERT_FALSE(digest);
  EXPECT_NE(digest.error().message.find("sha256:ggg"), std::string::npos);
  EXPECT_LT(digest.error().message.size(), 300u);
}

TEST(Digest, DiffersByAlgorithmAndHash) {
  const std::string hash(32, '\0');
  const auto short_one = Digest::from_hash(Algorithm::sha256, as_bytes(hash));
  const auto long_one = Digest::from_hash(Algorithm::sha512, as_bytes(hash + hash));
  EXPECT_NE(short_one, long_one);
  EXPECT_LT(short_one, long_one);
  EXPECT_EQ(short_one, *Digest::parse(short_one.render()));
  const DigestHash hash_of;
  EXPECT_NE(hash_of(short_one), hash_of(long_one));
  EXPECT_LT(*Digest::parse("sha256:" + std::string(64, '0')),
            *Digest::parse("sha256:" + std::string(64, 'f')));
}

TEST(Digest, IsFoundInHashedContainers) {
  std::unordered_set<Digest, DigestHash> digests;
  for (int i = 0; i < 1000; ++i) digests.insert(Digest::of(Algorithm::sha256, as_bytes(std::to_string(i))));
  EXPECT_EQ(digests.size(), 1000u);
  EXPECT_TRUE(digests.contains(Digest::of(Algorithm::sha256, as_bytes("7"))));
  EXPECT_FALSE(digests.contains(Digest::of(Algorithm::sha512, as_bytes("7"))));
}

TEST(Digest, ThrowsOnHashOfWrongLength) {
  EXPECT_THROW(Digest::from_hash(Algorithm::sha256, as_bytes("short")), std::logic_error);
  EXPECT_THROW(Digest::from_hash(Algorithm::sha512, as_bytes(std::string(32, 'x'))), std::logic_error);
}

TEST(Digest, IsSmall) { EXPECT_EQ(sizeof(Digest), 65u); }

TEST(Algorithm, IsParsedFromItsName) {
  EXPECT_EQ(*parse_algorithm("sha256"), Algorithm::sha256);
  EXPECT_EQ(*parse_algorithm("sha512"), Algorithm::sha512);
  for (const std::string_view text : {"", "md5", "SHA256", "sha256 ", "sha384"}) {
    const auto algorithm = parse_algorithm(text);
    ASSERT_FALSE(algorithm) << text;
    EXPECT_EQ(algorithm.error().code, Errc::digest_unsupported);
  }
  EXPECT_EQ(name(Algorithm::sha256), "sha256");
  EXPECT_EQ(name(Algorithm::sha512), "sha512");
}

}  // namespace
}  // namespace bulkhead::oci
