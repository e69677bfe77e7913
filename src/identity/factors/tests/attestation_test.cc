#include "identity/factors/attestation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crypto/hash.h"
#include "crypto/testing/cbor_writer.h"
#include "db/testing/database_contract.h"
#include "identity/factors/testing/authenticator.h"

namespace bulkhead::identity {
namespace {

using namespace crypto::testing;
using crypto::CoseAlgorithm;
using db::testing::FailsWith;
using identity::testing::Authenticator;

const std::string kClientData = "client data";

Result<AttestationKind> verify(const std::string& object, std::string_view client_data = kClientData) {
  const std::string hash = crypto::hash(crypto::HashAlgorithm::sha256, as_bytes(client_data));
  const auto attestation = verify_attestation(as_bytes(object), as_bytes(hash));
  if (!attestation) return attestation.error();
  return attestation->kind;
}

std::string object_of(const Authenticator& authenticator) {
  return authenticator.attestation_object(authenticator.data(true), kClientData);
}

std::string object_with(std::string_view format, const std::string& statement, const std::string& data) {
  return cbor_map({{cbor_text("fmt"), cbor_text(format)},
                   {cbor_text("attStmt"), statement},
                   {cbor_text("authData"), cbor_bytes(data)}});
}

class AttestationTest : public ::testing::TestWithParam<CoseAlgorithm> {
 protected:
  Authenticator authenticator_{GetParam()};
};

TEST_P(AttestationTest, VerifiesEachKind) {
  for (const auto kind : {AttestationKind::none, AttestationKind::self, AttestationKind::packed}) {
    authenticator_.attestation = kind;
    const auto verified = verify(object_of(authenticator_));
    ASSERT_TRUE(verified.has_value()) << verified.error().message;
    EXPECT_EQ(*verified, kind);
  }
}

TEST_P(AttestationTest, VerifiesMakersOfEachAlgorithm) {
  authenticator_.attestation = AttestationKind::packed;
  authenticator_.maker = CoseSigner(GetParam());
  authenticator_.maker_subject.aaguid = authenticator_.aaguid;
  EXPECT_TRUE(verify(object_of(authenticator_)).has_value());
}

TEST_P(AttestationTest, RefusesStatementsOverSomethingElse) {
  for (const auto kind : {AttestationKind::self, AttestationKind::packed}) {
    authenticator_.attestation = kind;
    EXPECT_THAT(verify(object_of(authenticator_), "other client data"), FailsWith(Errc::invalid_argument));
    // The statement of one credential around the data of another.
    Authenticator other(GetParam());
    std::string object = object_of(authenticator_);
    const std::size_t at = object.find(authenticator_.credential_id);
    ASSERT_NE(at, std::string::npos);
    object.replace(at, other.credential_id.size(), other.credential_id);
    EXPECT_THAT(verify(object), FailsWith(Errc::invalid_argument));
  }
}

TEST_P(AttestationTest, RefusesEveryTruncationAndTrailingByte) {
  authenticator_.attestation = AttestationKind::self;
  const std::string whole = object_of(authenticator_);
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(verify(whole.substr(0, size)).has_value()) << size;
  EXPECT_THAT(verify(whole + '\0'), FailsWith(Errc::invalid_argument));
}

INSTANTIATE_TEST_SUITE_P(Algorithms, AttestationTest,
                         ::testing::Values(CoseAlgorithm::es256, CoseAlgorithm::eddsa, CoseAlgorithm::rs256));

class PackedTest : public ::testing::Test {
 protected:
  PackedTest() : data_(authenticator_.data(true)) {
    signed_ = data_ + crypto::hash(crypto::HashAlgorithm::sha256, as_bytes(kClientData));
  }
  std::pair<std::string, std::string> algorithm(std::int64_t number) const {
    return {cbor_text("alg"), cbor_integer(number)};
  }
  std::pair<std::string, std::string> signature(const CoseSigner& signer) const {
    return {cbor_text("sig"), cbor_bytes(signer.sign(signed_))};
  }
  Result<AttestationKind> packed(std::initializer_list<std::pair<std::string, std::string>> statement) const {
    return verify(object_with("packed", cbor_map(statement), data_));
  }

  Authenticator authenticator_;
  std::string data_;
  std::string signed_;
};

TEST_F(PackedTest, NeedsAnAlgorithmThatIsTheKeys) {
  const CoseSigner& key = authenticator_.key;
  EXPECT_TRUE(packed({algorithm(-7), signature(key)}).has_value());
  EXPECT_THAT(packed({algorithm(-257), signature(key)}), FailsWith(Errc::invalid_argument));
  EXPECT_THAT(packed({algorithm(-65535), signature(key)}), FailsWith(Errc::unsupported));
  EXPECT_THAT(packed({algorithm(0), signature(key)}), FailsWith(Errc::unsupported));
  EXPECT_THAT(packed({{cbor_text("alg"), cbor_text("none")}, signature(key)}),
              FailsWith(Errc::invalid_argument));
}

TEST_F(PackedTest, RefusesEveryFlippedByteOfItsSignature) {
  const std::string right = authenticator_.key.sign(signed_);
  for (std::size_t i = 0; i < right.size(); ++i) {
    std::string flipped = right;
    flipped[i] = static_cast<char>(flipped[i] ^ 0x80);
    EXPECT_THAT(packed({algorithm(-7), {cbor_text("sig"), cbor_bytes(flipped)}}),
                FailsWith(Errc::invalid_argument))
        << i;
  }
  EXPECT_THAT(packed({algorithm(-7), signature(CoseSigner(CoseAlgorithm::es256))}),
              FailsWith(Errc::invalid_argument));
}

TEST_F(PackedTest, HasItsMembersAndNoOthers) {
  const CoseSigner& key = authenticator_.key;
  EXPECT_THAT(packed({}), FailsWith(Errc::invalid_argument));
  EXPECT_THAT(packed({algorithm(-7)}), FailsWith(Errc::invalid_argument));
  EXPECT_THAT(packed({signature(key)}), FailsWith(Errc::invalid_argument));
  EXPECT_THAT(packed({algorithm(-7), signature(key), {cbor_text("ecdaaKeyId"), cbor_bytes("k")}}),
              FailsWith(Errc::invalid_argument));
  EXPECT_THAT(packed({algorithm(-7), {cbor_text("sig"), cbor_text("text")}}),
              FailsWith(Errc::invalid_argument));
}

TEST_F(PackedTest, HoldsTheMakersCertificateToItsRules) {
  const CoseSigner maker(CoseAlgorithm::es256);
  const auto with = [&](const std::string& chain) {
    return packed({algorithm(-7), signature(maker), {cbor_text("x5c"), chain}});
  };
  const std::string certificate = cbor_bytes(make_attestation_certificate(maker));
  EXPECT_TRUE(with(cbor_array({certificate})).has_value());
  EXPECT_TRUE(with(cbor_array({certificate, certificate})).has_value());
  EXPECT_THAT(with(cbor_array({})), FailsWith(Errc::invalid_argument));
  EXPECT_THAT(with(certificate), FailsWith(Errc::invalid_argument));
  EXPECT_THAT(with(cbor_array({cbor_integer(1)})), FailsWith(Errc::invalid_argument));
  EXPECT_THAT(with(cbor_array({cbor_bytes("no certificate")})), FailsWith(Errc::invalid_argument));
  EXPECT_THAT(with(cbor_array({certificate, cbor_bytes("no certificate")})),
              FailsWith(Errc::invalid_argument));
  EXPECT_THAT(
      with(cbor_array({certificate, certificate, certificate, certificate, certificate, certificate})),
      FailsWith(Errc::invalid_argument));
  // Another maker's certificate, and one whose subject is not an authenticator's.
  EXPECT_THAT(with(cbor_array({cbor_bytes(make_attestation_certificate(CoseSigner(CoseAlgorithm::es256)))})),
              FailsWith(Errc::invalid_argument));
  AttestationSubject subject;
  subject.unit = "Web Server";
  EXPECT_THAT(with(cbor_array({cbor_bytes(make_attestation_certificate(maker, subject))})),
              FailsWith(Errc::invalid_argument));
  subject = {};
  subject.aaguid = std::string(16, 'n');
  EXPECT_THAT(with(cbor_array({cbor_bytes(make_attestation_certificate(maker, subject))})),
              FailsWith(Errc::invalid_argument))
      << "another model's";
}

TEST_F(PackedTest, TheMakersSignatureIsNotTakenForTheKeysOwn) {
  EXPECT_THAT(packed({algorithm(-7), signature(CoseSigner(CoseAlgorithm::es256))}),
              FailsWith(Errc::invalid_argument));
}

TEST(Attestation, OfTheFormatNoneSaysNothing) {
  const std::string data = Authenticator().data(true);
  EXPECT_TRUE(verify(object_with("none", cbor_map({}), data)).has_value());
  EXPECT_THAT(verify(object_with("none", cbor_map({{cbor_text("alg"), cbor_integer(-7)}}), data)),
              FailsWith(Errc::invalid_argument));
  EXPECT_THAT(verify(object_with("none", cbor_array({}), data)), FailsWith(Errc::invalid_argument));
}

TEST(Attestation, OfOtherFormatsIsRefused) {
  const std::string data = Authenticator().data(true);
  for (const char* format : {"fido-u2f", "tpm", "android-key", "android-safetynet", "apple", "", "None"})
    EXPECT_THAT(verify(object_with(format, cbor_map({}), data)), FailsWith(Errc::unsupported)) << format;
}

TEST(Attestation, NeedsACredentialOfAKnownAlgorithm) {
  EXPECT_THAT(verify(object_with("none", cbor_map({}), Authenticator().data(false))),
              FailsWith(Errc::invalid_argument));
  const std::string data = Authenticator().data(true);
  std::string unknown = data;
  // alg: -7 is 0x26 after the key 3; -1 is no algorithm.
  const std::size_t at = unknown.find("\x03\x26\x20", 55);
  ASSERT_NE(at, std::string::npos);
  unknown[at + 1] = '\x20';
  EXPECT_THAT(verify(object_with("none", cbor_map({}), unknown)), FailsWith(Errc::unsupported));
}

TEST(Attestation, HoldsItsSize) {
  EXPECT_THAT(verify(std::string(kMaxAttestationBytes + 1, '\0')), FailsWith(Errc::too_large));
  EXPECT_THAT(verify(cbor_map({})), FailsWith(Errc::invalid_argument));
  EXPECT_THAT(verify(""), FailsWith(Errc::invalid_argument));
}

}  // namespace
}  // namespace bulkhead::identity
