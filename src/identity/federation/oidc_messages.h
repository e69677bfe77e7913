// What goes over the wire between Bulkhead and an OpenID provider, as RFC 6749, RFC 7636 and OpenID Connect
// Core 1.0 spell it. No I/O.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/secret.h"
#include "identity/federation/login_provider.h"
#include "identity/issuers/fetcher.h"

namespace bulkhead::identity {

// What makes one log-in another, besides its state: the nonce comes back in the ID token, the verifier (RFC
// 7636) goes to the token endpoint alone.
struct AuthorizationRequest {
  std::string redirect_uri;
  std::string state;
  std::string nonce;
  std::string code_challenge;  // S256
};

// The challenge of a verifier, S256.
std::string code_challenge(const Secret<>& verifier);

// Where the browser is sent. `endpoint` may have a query of its own (RFC 6749 section 3.1).
std::string authorization_url(std::string_view endpoint, const OidcSettings& settings,
                              const AuthorizationRequest& request);

struct CodeGrant {
  const Secret<>& code;
  const Secret<>& verifier;
  std::string_view redirect_uri;
};
// Who the client is to the token endpoint (Core section 9): without a secret, by its id in the body; with
// one, in the header that client_authorization() makes (client_secret_basic), or by both in the body
// (client_secret_post).
struct ClientProof {
  const Secret<>& secret;
  bool in_form = false;
};
// Bodies for the token endpoint.
Secret<> code_form(const OidcSettings& settings, const CodeGrant& grant, const ClientProof& client);
Secret<> refresh_form(const OidcSettings& settings, const Secret<>& refresh_token, const ClientProof& client);
// "" where the body says it.
Secret<> client_authorization(const OidcSettings& settings, const ClientProof& client);

inline constexpr std::size_t kLargestTokenAnswer = std::size_t{1} << 20;
inline constexpr std::size_t kLongestRefreshToken = std::size_t{8} << 10;

struct TokenAnswer {
  Secret<> id_token;  // "" for none, as is the refresh token
  Secret<> access_token;
  Secret<> refresh_token;
};
// Errc::unauthenticated when the provider says that the grant is not, or no longer, good ("invalid_grant");
// Errc::unavailable for every other answer, which speaks about the provider or its settings and not about the
// person. Takes the body, and wipes it.
Result<TokenAnswer> parse_token_answer(FetchAnswer answer);

}  // namespace bulkhead::identity
