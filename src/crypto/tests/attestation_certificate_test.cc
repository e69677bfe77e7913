#include "crypto/attestation_certificate.h"

#include <gtest/gtest.h>
#include <openssl/err.h>

#include "crypto/testing/cose_signer.h"

namespace bulkhead::crypto {
namespace {

using testing::AttestationSubject;
using testing::CoseSigner;
using testing::make_attestation_certificate;

const std::string kModel = "a model's number";

class AttestationCertificateTest : public ::testing::Test {
 protected:
  bool may_attest(const AttestationSubject& subject) {
    const auto parsed =
        AttestationCertificate::parse(as_bytes(make_attestation_certificate(signer_, subject)));
    EXPECT_TRUE(parsed.has_value());
    return parsed && parsed->may_attest(as_bytes(kModel)).has_value();
  }

  CoseSigner signer_{CoseAlgorithm::es256};
};

TEST_F(AttestationCertificateTest, MayAttestItsOwnModel) {
  EXPECT_TRUE(may_attest({}));
  AttestationSubject named;
  named.aaguid = kModel;
  EXPECT_TRUE(may_attest(named));
}

TEST_F(AttestationCertificateTest, MayNotAttestAnother) {
  AttestationSubject named;
  named.aaguid = "another's number";
  EXPECT_FALSE(may_attest(named));
  named.aaguid = kModel;
  named.aaguid_is_critical = true;
  EXPECT_FALSE(may_attest(named));
}

TEST_F(AttestationCertificateTest, NeedsTheSubjectOfSection821) {
  const auto with = [](std::string AttestationSubject::*field, std::string value) {
    AttestationSubject subject;
    subject.*field = std::move(value);
    return subject;
  };
  EXPECT_FALSE(may_attest(with(&AttestationSubject::country, "")));
  EXPECT_FALSE(may_attest(with(&AttestationSubject::country, "se")));
  EXPECT_FALSE(may_attest(with(&AttestationSubject::organization, "")));
  EXPECT_FALSE(may_attest(with(&AttestationSubject::unit, "")));
  EXPECT_FALSE(may_attest(with(&AttestationSubject::unit, "authenticator attestation")));
  EXPECT_FALSE(may_attest(with(&AttestationSubject::more_units, "Authenticator Attestation")));
  EXPECT_FALSE(may_attest(with(&AttestationSubject::common_name, "")));
}

TEST_F(AttestationCertificateTest, IsOfVersion3AndNoAuthority) {
  AttestationSubject subject;
  subject.constraints = "CA:TRUE";
  EXPECT_FALSE(may_attest(subject));
  subject.constraints = "";
  EXPECT_FALSE(may_attest(subject)) << "it has to say so";
  subject = {};
  subject.version = 1;
  EXPECT_FALSE(may_attest(subject));
}

TEST_F(AttestationCertificateTest, RefusesTruncationsTrailingBytesAndTheHuge) {
  const std::string der = make_attestation_certificate(signer_);
  ASSERT_TRUE(AttestationCertificate::parse(as_bytes(der)).has_value());
  for (std::size_t size = 0; size < der.size(); ++size)
    EXPECT_FALSE(AttestationCertificate::parse(as_bytes(der.substr(0, size))).has_value()) << size;
  EXPECT_FALSE(AttestationCertificate::parse(as_bytes(der + '\0')).has_value());
  EXPECT_FALSE(
      AttestationCertificate::parse(as_bytes(std::string(AttestationCertificate::kMaxBytes + 1, '0')))
          .has_value());
  EXPECT_EQ(ERR_peek_error(), 0u) << "a refusal leaves nothing in OpenSSL's queue";
}

TEST_F(AttestationCertificateTest, VerifiesWithItsKeyByItsAlgorithm) {
  const auto certificate =
      AttestationCertificate::parse(as_bytes(make_attestation_certificate(signer_))).value();
  const std::string signature = signer_.sign("m");
  EXPECT_TRUE(certificate.verifies(CoseAlgorithm::es256, as_bytes("m"), as_bytes(signature)));
  EXPECT_FALSE(certificate.verifies(CoseAlgorithm::rs256, as_bytes("m"), as_bytes(signature)));
  EXPECT_FALSE(certificate.verifies(CoseAlgorithm::es256, as_bytes("n"), as_bytes(signature)));
}

}  // namespace
}  // namespace bulkhead::crypto
