// Everything an authenticator or a browser answers with, before a signature vouches for any of it. The first
// byte chooses the parser. Whatever comes, nothing crashes, what is accepted lies within the input, and
// client data is accepted for one of its ceremonies only.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "identity/factors/attestation.h"
#include "identity/factors/authenticator_data.h"
#include "identity/factors/client_data.h"
#include "identity/factors/webauthn_messages.h"

namespace identity = bulkhead::identity;
using bulkhead::as_text;
using bulkhead::Bytes;

namespace {

void require(bool promise) {
  if (!promise) std::abort();
}

void require_within(Bytes part, Bytes whole) {
  require(part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

void check(const identity::AuthenticatorData& data, Bytes input) {
  require_within(data.relying_party_hash, input);
  require(data.relying_party_hash.size() == 32);
  if (!data.credential) return;
  require_within(data.credential->id, input);
  require_within(data.credential->encoded_key, input);
  require(data.credential->aaguid.size() == identity::kAaguidBytes);
  require(!data.credential->id.empty() && data.credential->id.size() <= identity::kMaxCredentialIdBytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Bytes input = std::as_bytes(std::span(data, size)).subspan(1);
  static const std::string origins[] = {"https://a.example"};
  switch (data[0] % 4) {
    case 0:
      if (const auto parsed = identity::parse_authenticator_data(input)) check(*parsed, input);
      break;
    case 1: {
      const std::string hash(32, 'h');
      if (const auto attested = identity::verify_attestation(input, bulkhead::as_bytes(hash)))
        check(attested->data, input);
      break;
    }
    case 2: {
      const auto created =
          identity::check_client_data(as_text(input), identity::Ceremony::registration, origins);
      const auto got = identity::check_client_data(as_text(input), identity::Ceremony::assertion, origins);
      require(!created || !got);
      break;
    }
    default:
      static_cast<void>(identity::parse_registration_response(as_text(input)));
      static_cast<void>(identity::parse_assertion_response(as_text(input)));
  }
  return 0;
}
