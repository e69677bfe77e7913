#include "crypto/cose.h"

#include <gtest/gtest.h>
#include <openssl/err.h>

#include <initializer_list>
#include <ostream>

#include "crypto/hash.h"
#include "crypto/testing/cbor_writer.h"
#include "crypto/testing/cose_signer.h"

namespace bulkhead::crypto {

void PrintTo(CoseAlgorithm algorithm, std::ostream* out) { *out << static_cast<int>(algorithm); }

namespace {

using namespace testing;

using Members = std::initializer_list<std::pair<std::string, std::string>>;
std::pair<std::string, std::string> number(std::int64_t key, std::int64_t value) {
  return {cbor_integer(key), cbor_integer(value)};
}
std::pair<std::string, std::string> bytes(std::int64_t key, std::string_view value) {
  return {cbor_integer(key), cbor_bytes(value)};
}

Errc refusal(const std::string& encoded) {
  const auto key = CosePublicKey::parse(as_bytes(encoded));
  EXPECT_FALSE(key.has_value());
  EXPECT_EQ(ERR_peek_error(), 0u) << "a refusal leaves nothing in OpenSSL's queue";
  return key ? Errc::internal : key.error().code;
}
Errc refusal(Members members) { return refusal(cbor_map(members)); }

class CoseTest : public ::testing::TestWithParam<CoseAlgorithm> {
 protected:
  CoseSigner signer_{GetParam()};
  const std::string message_ = "authenticator data and a hash";
};

TEST_P(CoseTest, VerifiesWhatItsPrivateHalfSigned) {
  const auto key = CosePublicKey::parse(as_bytes(signer_.public_key()));
  ASSERT_TRUE(key.has_value()) << key.error().message;
  EXPECT_EQ(key->algorithm(), GetParam());
  EXPECT_TRUE(key->verifies(as_bytes(message_), as_bytes(signer_.sign(message_))));
}

TEST_P(CoseTest, RefusesEveryFlippedByteOfASignature) {
  const auto key = CosePublicKey::parse(as_bytes(signer_.public_key())).value();
  const std::string signature = signer_.sign(message_);
  for (std::size_t i = 0; i < signature.size(); ++i) {
    std::string flipped = signature;
    flipped[i] = static_cast<char>(flipped[i] ^ 1);
    EXPECT_FALSE(key.verifies(as_bytes(message_), as_bytes(flipped))) << i;
  }
  EXPECT_EQ(ERR_peek_error(), 0u);
}

TEST_P(CoseTest, RefusesOtherMessagesSignaturesAndKeys) {
  const auto key = CosePublicKey::parse(as_bytes(signer_.public_key())).value();
  const std::string signature = signer_.sign(message_);
  EXPECT_FALSE(key.verifies(as_bytes("another message"), as_bytes(signature)));
  EXPECT_FALSE(key.verifies(as_bytes(message_), as_bytes("")));
  EXPECT_FALSE(key.verifies(as_bytes(message_), as_bytes(signature + "x")));
  EXPECT_FALSE(key.verifies(as_bytes(message_), as_bytes(signature.substr(1))));
  EXPECT_FALSE(key.verifies(as_bytes(message_), as_bytes(CoseSigner(GetParam()).sign(message_))));
  for (const auto algorithm : {CoseAlgorithm::es256, CoseAlgorithm::eddsa, CoseAlgorithm::rs256})
    EXPECT_EQ(signature_verifies(algorithm, signer_.get(), as_bytes(message_), as_bytes(signature)),
              algorithm == GetParam());
}

TEST_P(CoseTest, RefusesEveryTruncationAndTrailingByte) {
  const std::string encoded = signer_.public_key();
  for (std::size_t size = 0; size < encoded.size(); ++size)
    EXPECT_EQ(refusal(encoded.substr(0, size)), Errc::invalid_argument) << size;
  EXPECT_EQ(refusal(encoded + '\0'), Errc::invalid_argument);
}

INSTANTIATE_TEST_SUITE_P(Algorithms, CoseTest,
                         ::testing::Values(CoseAlgorithm::es256, CoseAlgorithm::eddsa, CoseAlgorithm::rs256));

TEST(CosePublicKey, RefusesAlgorithmsItDoesNotKnow) {
  const std::string x(32, 'x');
  for (const std::int64_t algorithm : {0, 5, -35, -36, -37, -65535})
    EXPECT_EQ(refusal({number(1, 2), number(3, algorithm), number(-1, 1), bytes(-2, x), bytes(-3, x)}),
              Errc::unsupported)
        << algorithm;
  EXPECT_EQ(refusal({number(1, 2), number(-1, 1), bytes(-2, x), bytes(-3, x)}), Errc::invalid_argument)
      << "no algorithm at all";
  EXPECT_EQ(refusal({number(1, 2), {cbor_integer(3), cbor_text("none")}, number(-1, 1)}),
            Errc::invalid_argument);
  EXPECT_EQ(refusal(cbor_array({})), Errc::invalid_argument);
}

TEST(CosePublicKey, RefusesPointsThatAreNotOnTheCurve) {
  const std::string x(32, '\x01');
  EXPECT_EQ(refusal({number(1, 2), number(3, -7), number(-1, 1), bytes(-2, x), bytes(-3, x)}),
            Errc::invalid_argument);
  const std::string zero(32, '\0');
  EXPECT_EQ(refusal({number(1, 2), number(3, -7), number(-1, 1), bytes(-2, zero), bytes(-3, zero)}),
            Errc::invalid_argument);
}

TEST(CosePublicKey, RefusesOtherCurvesSizesTypesAndMembers) {
  const std::string x(32, '\x01');
  EXPECT_EQ(refusal({number(1, 2), number(3, -7), number(-1, 2), bytes(-2, x), bytes(-3, x)}),
            Errc::unsupported);
  EXPECT_EQ(refusal({number(1, 1), number(3, -8), number(-1, 7), bytes(-2, x)}), Errc::unsupported);
  EXPECT_EQ(refusal({number(1, 1), number(3, -8), number(-1, 6), bytes(-2, "short")}),
            Errc::invalid_argument);
  EXPECT_EQ(refusal({number(1, 2), number(3, -8), number(-1, 6), bytes(-2, x)}), Errc::invalid_argument)
      << "the type of another algorithm";
  EXPECT_EQ(refusal({number(1, 1), number(3, -8), number(4, 2), number(-1, 6), bytes(-2, x)}),
            Errc::invalid_argument)
      << "a member that nobody asked for";
}

TEST(CosePublicKey, RefusesWeakRsa) {
  const std::string three = "\x03";
  const std::string usual("\x01\x00\x01", 3);
  const auto rsa = [](std::string_view modulus, std::string_view exponent) {
    return refusal({number(1, 3), number(3, -257), bytes(-1, modulus), bytes(-2, exponent)});
  };
  EXPECT_EQ(rsa(std::string(128, '\xff'), usual), Errc::invalid_argument) << "1024 bits";
  EXPECT_EQ(rsa(std::string(513, '\xff'), usual), Errc::invalid_argument) << "4104 bits";
  EXPECT_EQ(rsa(std::string(255, '\xff') + '\xfe', usual), Errc::invalid_argument) << "even";
  EXPECT_EQ(rsa(std::string(256, '\xff'), three), Errc::invalid_argument);
  EXPECT_EQ(rsa(std::string(256, '\xff'), std::string("\x01\x00\x00", 3)), Errc::invalid_argument) << "even";
  EXPECT_EQ(rsa(std::string(256, '\xff'), std::string(200, '\xff')), Errc::invalid_argument);
  EXPECT_EQ(rsa("", ""), Errc::invalid_argument);
}

}  // namespace
}  // namespace bulkhead::crypto
