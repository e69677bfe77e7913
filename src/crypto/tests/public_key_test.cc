#include "crypto/public_key.h"

#include <gtest/gtest.h>

#include <string>

namespace bulkhead::crypto {
namespace {

std::string bytes(std::string_view text) { return from_base64url(text).value(); }

// RFC 7515 appendix A.2.
constexpr std::string_view kRsaModulus =
    "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yR"
    "T-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXB"
    "dQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9ia"
    "GNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
constexpr std::string_view kRsaMessage =
    "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19y"
    "b290Ijp0cnVlfQ";
constexpr std::string_view kRsaSignature =
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9"
    "uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB"
    "_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rq"
    "Vt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
// Appendix A.3.
constexpr std::string_view kEcX = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
constexpr std::string_view kEcY = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
constexpr std::string_view kEcMessage =
    "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19y"
    "b290Ijp0cnVlfQ";
constexpr std::string_view kEcSignature =
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
// RFC 8037 appendix A.4.
constexpr std::string_view kEdKey = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
constexpr std::string_view kEdMessage = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
constexpr std::string_view kEdSignature =
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

Result<PublicKey> rsa(std::string_view modulus, std::string_view exponent = "AQAB") {
  return PublicKey::rsa(as_bytes(bytes(modulus)), as_bytes(bytes(exponent)));
}
Result<PublicKey> p256(std::string_view x, std::string_view y) {
  return PublicKey::p256(as_bytes(bytes(x)), as_bytes(bytes(y)));
}

bool verify(const PublicKey& key, SignatureAlgorithm algorithm, std::string_view message,
            std::string_view signature) {
  return key.verify(algorithm, as_bytes(message), as_bytes(bytes(signature)));
}

TEST(PublicKey, VerifiesTheExamplesOfTheStandards) {
  EXPECT_TRUE(verify(*rsa(kRsaModulus), SignatureAlgorithm::rs256, kRsaMessage, kRsaSignature));
  EXPECT_TRUE(verify(*p256(kEcX, kEcY), SignatureAlgorithm::es256, kEcMessage, kEcSignature));
  const auto ed = PublicKey::ed25519(as_bytes(bytes(kEdKey)));
  EXPECT_TRUE(verify(*ed, SignatureAlgorithm::eddsa, kEdMessage, kEdSignature));
}

TEST(PublicKey, RefusesOtherMessagesAndSignatures) {
  const auto key = *p256(kEcX, kEcY);
  const std::string signature = bytes(kEcSignature);
  EXPECT_FALSE(verify(key, SignatureAlgorithm::es256, std::string(kEcMessage) + "x", kEcSignature));
  for (std::size_t i = 0; i < signature.size(); ++i) {
    std::string other = signature;
    other[i] = static_cast<char>(other[i] ^ 1);
    EXPECT_FALSE(key.verify(SignatureAlgorithm::es256, as_bytes(kEcMessage), as_bytes(other))) << i;
  }
  for (const std::string& odd : {std::string(), signature.substr(1), signature + "x", std::string(64, '\0')})
    EXPECT_FALSE(key.verify(SignatureAlgorithm::es256, as_bytes(kEcMessage), as_bytes(odd))) << odd.size();
  EXPECT_FALSE(rsa(kRsaModulus)->verify(SignatureAlgorithm::rs256, as_bytes(kRsaMessage), as_bytes("")));
}

TEST(PublicKey, ServesOnlyAlgorithmsOfItsKind) {
  const auto key = *rsa(kRsaModulus);
  EXPECT_TRUE(key.serves(SignatureAlgorithm::rs256));
  EXPECT_TRUE(key.serves(SignatureAlgorithm::ps256));
  EXPECT_FALSE(key.serves(SignatureAlgorithm::es256));
  EXPECT_FALSE(verify(key, SignatureAlgorithm::ps256, kRsaMessage, kRsaSignature));
  EXPECT_FALSE(verify(key, SignatureAlgorithm::eddsa, kRsaMessage, kRsaSignature));
  EXPECT_FALSE(verify(*p256(kEcX, kEcY), SignatureAlgorithm::rs256, kEcMessage, kEcSignature));
}

TEST(PublicKey, RefusesWeakAndHugeRsaKeys) {
  const std::string modulus = bytes(kRsaModulus);
  const std::string usual("\x01\x00\x01", 3);
  const auto with = [](const std::string& n, const std::string& e) {
    return PublicKey::rsa(as_bytes(n), as_bytes(e));
  };
  EXPECT_TRUE(with(modulus, "\x03"));
  EXPECT_TRUE(with(std::string(1, '\0') + modulus, usual));
  EXPECT_FALSE(with(modulus.substr(1), usual));         // 2040 bits
  EXPECT_FALSE(with(std::string(128, '\xff'), usual));  // 1024 bits
  EXPECT_TRUE(with(std::string(1024, '\xff'), usual));  // 8192 bits
  EXPECT_FALSE(with("\x01" + std::string(1024, '\xff'), usual));
  EXPECT_FALSE(with(std::string(100'000, '\xff'), usual));
  EXPECT_FALSE(with("", ""));
  std::string even = modulus;
  even.back() = '\x02';
  EXPECT_FALSE(with(even, usual));
}

TEST(PublicKey, RefusesExponentsThatAreNone) {
  const std::string modulus = bytes(kRsaModulus);
  for (const std::string& exponent :
       {std::string(), std::string(1, '\0'), std::string("\x01"), std::string("\x02"),
        std::string("\x01\x00\x00\x00\x01", 5), std::string(9, '\xff')})
    EXPECT_FALSE(PublicKey::rsa(as_bytes(modulus), as_bytes(exponent))) << exponent.size();
}

TEST(PublicKey, RefusesPointsOffTheCurve) {
  EXPECT_FALSE(p256(kEcY, kEcX));
  EXPECT_FALSE(PublicKey::p256(as_bytes(std::string(32, '\0')), as_bytes(std::string(32, '\0'))));
  EXPECT_FALSE(PublicKey::p256(as_bytes(std::string(32, '\xff')), as_bytes(std::string(32, '\xff'))));
  EXPECT_FALSE(PublicKey::p256(as_bytes(bytes(kEcX).substr(1)), as_bytes(bytes(kEcY))));
  EXPECT_FALSE(PublicKey::p256({}, {}));
}

TEST(PublicKey, RefusesEd25519KeysOfOtherLengths) {
  for (const std::size_t size : {0, 31, 33, 64})
    EXPECT_FALSE(PublicKey::ed25519(as_bytes(std::string(size, 'x')))) << size;
}

TEST(SignatureAlgorithm, IsOneOfFourSpellings) {
  for (const auto algorithm : {SignatureAlgorithm::rs256, SignatureAlgorithm::ps256,
                               SignatureAlgorithm::es256, SignatureAlgorithm::eddsa})
    EXPECT_EQ(parse_signature_algorithm(name(algorithm)), algorithm);
  for (const char* text : {"", "none", "HS256", "rs256", "RS512", "Ed25519", "RS256 "})
    EXPECT_EQ(parse_signature_algorithm(text), std::nullopt) << text;
}

}  // namespace
}  // namespace bulkhead::crypto
