// What an OpenID provider says of itself (OpenID Connect Discovery 1.0 section 3): where its keys are, and
// where people log in.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "identity/issuers/web_url.h"

namespace bulkhead::identity {

struct Discovery {
  std::string issuer;
  std::string jwks_uri;
  // "" where the provider has none, or for a URL that is refused: those that only issue to machines need none
  // of them.
  std::string authorization_endpoint;
  std::string token_endpoint;
  std::string device_authorization_endpoint;
  std::string userinfo_endpoint;
  // A client's secret goes into the form, because the provider does not say that it takes it in the header
  // ("token_endpoint_auth_methods_supported", whose default is the header).
  bool secret_in_form = false;
  // Whether it says in each authorization response who it is (RFC 9207 section 3).
  bool names_itself = false;
};

// Where the issuer's document is (section 4).
std::string discovery_url(std::string_view issuer);

// Errc::invalid_argument for what is no such document, is another issuer's, byte by byte, or has no
// acceptable "jwks_uri".
Result<Discovery> parse_discovery(std::string_view document, std::string_view issuer,
                                  const PlainHosts& plain);

}  // namespace bulkhead::identity
