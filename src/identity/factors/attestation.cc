#include "identity/factors/attestation.h"

#include <optional>
#include <string>
#include <utility>

#include "crypto/attestation_certificate.h"
#include "crypto/cbor.h"

namespace bulkhead::identity {
namespace {

using crypto::Cbor;

constexpr std::size_t kMaxCertificates = 5;

Error refused(std::string_view what) {
  return {Errc::invalid_argument, "the attestation " + std::string(what)};
}

std::optional<Bytes> bytes_at(const Cbor& map, std::string_view key) {
  const Cbor* value = map.find(key);
  return value == nullptr ? std::nullopt : value->bytes();
}

// Section 8.2, the first certificate being the one that signs. The rest of the chain would lead to a root,
// and is only looked at for being one.
Result<void> verify_with_certificate(const Cbor& chain, crypto::CoseAlgorithm algorithm, Bytes signed_bytes,
                                     Bytes signature, Bytes aaguid) {
  const Cbor::Array* certificates = chain.array();
  if (certificates == nullptr || certificates->empty() || certificates->size() > kMaxCertificates)
    return refused("does not have 1 to 5 certificates");
  std::optional<crypto::AttestationCertificate> first;
  for (const Cbor& element : *certificates) {
    const auto der = element.bytes();
    if (!der) return refused("has a certificate that is not a byte string");
    auto certificate = crypto::AttestationCertificate::parse(*der);
    if (!certificate) return certificate.error();
    if (!first) first = *std::move(certificate);
  }
  if (const auto may = first->may_attest(aaguid); !may) return may.error();
  if (!first->verifies(algorithm, signed_bytes, signature))
    return refused("has a signature that does not verify");
  return {};
}

Result<AttestationKind> verify_packed(const Cbor& statement, Bytes encoded_data, Bytes client_data_hash,
                                      const AttestedCredential& credential) {
  const Cbor* number = statement.find("alg");
  const auto signature = bytes_at(statement, "sig");
  const Cbor* chain = statement.find("x5c");
  const std::size_t members = chain == nullptr ? 2 : 3;
  if (number == nullptr || !number->integer() || !signature || statement.map()->size() != members)
    return refused("does not have the members of the format packed");
  const auto algorithm = crypto::parse_cose_algorithm(*number->integer());
  if (!algorithm)
    return Error{Errc::unsupported, "the attestation is signed by COSE algorithm " +
                                        std::to_string(*number->integer()) +
                                        "; -7 (ES256), -8 (EdDSA) and -257 (RS256) are accepted"};
  std::string signed_bytes(as_text(encoded_data));
  signed_bytes.append(as_text(client_data_hash));
  if (chain != nullptr) {
    const auto verified =
        verify_with_certificate(*chain, *algorithm, as_bytes(signed_bytes), *signature, credential.aaguid);
    if (!verified) return verified.error();
    return AttestationKind::packed;
  }
  if (*algorithm != credential.key.algorithm()) return refused("names another algorithm than its key's");
  if (!credential.key.verifies(as_bytes(signed_bytes), *signature))
    return refused("has a signature that does not verify");
  return AttestationKind::self;
}

Result<AttestationKind> verify_statement(std::string_view format, const Cbor& statement, Bytes encoded_data,
                                         Bytes client_data_hash, const AttestedCredential& credential) {
  if (format == "none") {
    if (!statement.map()->empty()) return refused("of the format none has a statement");  // section 8.7
    return AttestationKind::none;
  }
  if (format == "packed") return verify_packed(statement, encoded_data, client_data_hash, credential);
  return Error{Errc::unsupported, "the attestation is of a format other than none and packed"};
}

}  // namespace

std::string_view name(AttestationKind kind) {
  switch (kind) {
    case AttestationKind::none: return "none";
    case AttestationKind::self: return "self";
    case AttestationKind::packed: return "packed";
  }
  return "unknown";
}

Result<Attestation> verify_attestation(Bytes object, Bytes client_data_hash) {
  if (object.size() > kMaxAttestationBytes)
    return Error{Errc::too_large, "the attestation is larger than 64 KiB"};
  const auto map = crypto::parse_cbor(object);
  if (!map) return map.error();
  const Cbor* format = map->find("fmt");
  const Cbor* statement = map->find("attStmt");
  const auto encoded_data = bytes_at(*map, "authData");
  if (format == nullptr || !format->text() || statement == nullptr || statement->map() == nullptr ||
      !encoded_data)
    return refused("does not have a format, a statement and authenticator data");
  auto data = parse_authenticator_data(*encoded_data);
  if (!data) return data.error();
  if (!data->credential) return refused("has no credential");
  const auto kind =
      verify_statement(*format->text(), *statement, *encoded_data, client_data_hash, *data->credential);
  if (!kind) return kind.error();
  return Attestation{*kind, *std::move(data)};
}

}  // namespace bulkhead::identity
