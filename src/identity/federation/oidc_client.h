// OpenID Connect log-in from the client's side (OpenID Connect Core 1.0 section 3.1, the authorization code
// flow with PKCE, as RFC 9700 advises): Bulkhead is a confidential client where it has a secret, a public one
// otherwise. Pure protocol: what is remembered between the steps is login_requests.h's.
//
// The secret goes to the token endpoint of the issuer's discovery document, which may be on another host, and
// nowhere else; an endpoint that web_url.h refuses counts as none. No answer of a provider is followed
// elsewhere.
//
// What the ID token does not say of the person the userinfo endpoint is asked for (Core section 5.3), where
// there is one: its answer must be of the same subject, and where both say something the ID token counts.
// While the endpoint cannot be asked, people whose name and groups the ID token has are let in without the
// rest.
//
// Calls block. Thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "identity/federation/external_person.h"
#include "identity/federation/login_provider.h"
#include "identity/federation/oidc_messages.h"
#include "identity/issuers/fetcher.h"
#include "identity/issuers/issuer_keys.h"

namespace bulkhead::identity {

class OidcClient {
 public:
  // All must outlive this.
  OidcClient(Fetcher& fetcher, IssuerKeys& keys, const Clock& clock)
      : fetcher_(fetcher), keys_(keys), clock_(clock) {}

  // Errc::unavailable when the provider cannot be asked where its people log in.
  Result<std::string> authorization_url(const OidcSettings& settings, const AuthorizationRequest& request);

  // As IssuerKeys::probe().
  std::vector<Step> probe(const OidcSettings& settings) { return keys_.probe(settings.issuer); }

  // Whether an authorization response's "iss" ("" for none) is this provider's (RFC 9207 section 2.4).
  // Errc::unauthenticated for another's, and for none from a provider that says it sends one.
  Result<void> check_response_issuer(const OidcSettings& settings, std::string_view issuer);

  struct Vouched {
    ExternalPerson person;
    Secret<> refresh;  // "" where the provider gives none
  };
  // Redeems the code of an authorization response. Errc::unauthenticated when the provider does not accept
  // it, and for an ID token that is not for this client, this log-in and this moment; Errc::denied when its
  // claims describe nobody who could be let in; Errc::unavailable when the provider cannot be asked.
  Result<Vouched> redeem(const OidcSettings& settings, const Secret<>& client_secret, const CodeGrant& grant,
                         std::string_view nonce);

  // Asks whether the provider still vouches for `subject`. Errc::unauthenticated only when it says no;
  // Errc::unavailable when it cannot be asked, and for an answer that says nothing about that person: an ID
  // token that is refused or of somebody else, and neither ID token nor userinfo, for then nothing is known
  // of their groups. The refresh token is the one to use from now on.
  Result<Vouched> refresh(const OidcSettings& settings, const Secret<>& client_secret,
                          std::string_view subject, const Secret<>& refresh_token);

 private:
  Result<TokenAnswer> ask(const Discovery& discovery, const OidcSettings& settings, const ClientProof& client,
                          Secret<> form);
  // "" for no nonce: a refreshed token need not repeat that of the log-in (Core section 12.2), which is over
  // and forgotten by then, and has come from the token endpoint itself.
  Result<JwtClaims> check(const OidcSettings& settings, const TokenAnswer& tokens, std::string_view nonce);
  // With what userinfo adds.
  Result<ExternalPerson> complete(const Discovery& discovery, const OidcSettings& settings,
                                  const TokenAnswer& tokens, const JwtClaims& claims);
  Result<JwtClaims> ask_userinfo(const Discovery& discovery, const Secret<>& access_token);

  Fetcher& fetcher_;
  IssuerKeys& keys_;
  const Clock& clock_;
};

}  // namespace bulkhead::identity
