// Anybody may send a token to be exchanged. For any bytes: what is accepted for looking up a key keeps to the
// limits, names an issuer and a key, holds at that moment, and verifies under no key whose private half is
// not at hand; reading any claim of it is safe.
#include <boost/json/object.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/bytes.h"
#include "identity/issuers/jwt.h"
#include "identity/issuers/key_set.h"
#include "identity/workload/workload_rule.h"

using bulkhead::Time;
using bulkhead::identity::JwtClaims;
using bulkhead::identity::JwtLimits;
using bulkhead::identity::UnverifiedJwt;

namespace {

void require(bool promise) {
  if (!promise) std::abort();
}

bulkhead::crypto::PublicKey some_key() {
  // RFC 8037 appendix A.2.
  const auto bytes = bulkhead::from_base64url("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
  return bulkhead::crypto::PublicKey::ed25519(bulkhead::as_bytes(*bytes)).value();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto key = some_key();
  constexpr Time kNow{std::chrono::seconds(1'767'225'600)};
  const std::string_view input(reinterpret_cast<const char*>(data), size);

  const auto jwt = UnverifiedJwt::parse(input, kNow);
  if (jwt) {
    require(size <= JwtLimits{}.bytes);
    require(!jwt->issuer().empty());
    require(jwt->key_id().size() <= bulkhead::identity::kLongestKeyId);
    require(!jwt->verify({&key, 1}));
  } else {
    require(jwt.error().code == bulkhead::Errc::unauthenticated);
  }

  // A rule is stored by one person and met by another's token.
  const auto rule = bulkhead::identity::parse_rule(input);
  if (rule) {
    require(bulkhead::identity::parse_rule(bulkhead::identity::render_rule(*rule)).value() == *rule);
    JwtClaims claims;
    claims.all = std::make_shared<boost::json::object>();
    for (const auto& [name, value] : *rule) static_cast<void>(claims.text(name));
    require(!bulkhead::identity::matches(*rule, claims));
  }
  return 0;
}
