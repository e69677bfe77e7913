#include "identity/federation/oidc_client.h"

#include <fmt/format.h>

#include <boost/json/value.hpp>

#include "base/bytes.h"
#include "crypto/hash.h"
#include "identity/federation/oidc_person.h"
#include "identity/issuers/jwt.h"
#include "oci/quote.h"

namespace bulkhead::identity {
namespace {

// Room for kMostExternalGroups groups of kLongestExternalGroup bytes, in base64, and for as many more as it
// takes to say that they are too many.
constexpr JwtLimits kIdTokenLimits{
    .bytes = std::size_t{512} << 10, .audiences = 16, .values = 32'768, .leeway = std::chrono::seconds(30)};

Error refused(std::string_view why) {
  return {Errc::unauthenticated, fmt::format("the provider's ID token is refused: {}", why)};
}

Error no_endpoint(std::string_view what, const OidcSettings& settings) {
  return {Errc::unavailable, fmt::format("the discovery document of {} names no {} endpoint that can be used",
                                         oci::quote(settings.issuer), what)};
}

// Core section 3.1.3.6. For EdDSA, whose hash is not in the algorithm's name, it is Ed25519's own.
std::string token_hash_half(crypto::SignatureAlgorithm algorithm, const Secret<>& access_token) {
  const auto hash = algorithm == crypto::SignatureAlgorithm::eddsa ? crypto::HashAlgorithm::sha512
                                                                   : crypto::HashAlgorithm::sha256;
  const std::string whole = crypto::hash(hash, as_bytes(access_token.reveal()));
  return to_base64url(as_bytes(std::string_view(whole).substr(0, whole.size() / 2)));
}

bool same(std::string_view left, std::string_view right) {
  return crypto::equal_in_constant_time(as_bytes(left), as_bytes(right));
}

}  // namespace

Result<std::string> OidcClient::authorization_url(const OidcSettings& settings,
                                                  const AuthorizationRequest& request) {
  const auto discovery = keys_.discovery(settings.issuer);
  if (!discovery) return discovery.error();
  if (discovery->authorization_endpoint.empty()) return no_endpoint("authorization", settings);
  return identity::authorization_url(discovery->authorization_endpoint, settings, request);
}

Result<void> OidcClient::check_response_issuer(const OidcSettings& settings, std::string_view issuer) {
  if (issuer == settings.issuer) return {};
  if (!issuer.empty())
    return Error{Errc::unauthenticated,
                 "the answer comes from another provider than the log-in was begun "
                 "with"};
  const auto discovery = keys_.discovery(settings.issuer);
  if (!discovery) return discovery.error();
  if (discovery->names_itself)
    return Error{Errc::unauthenticated, "the answer does not say which provider it comes from"};
  return {};
}

Result<OidcClient::Vouched> OidcClient::redeem(const OidcSettings& settings, const Secret<>& client_secret,
                                               const CodeGrant& grant, std::string_view nonce) {
  if (nonce.empty()) return refused("the log-in has no nonce");
  const auto discovery = keys_.discovery(settings.issuer);
  if (!discovery) return discovery.error();
  auto tokens = ask(*discovery, settings, client_secret, code_form(settings, grant, !client_secret.empty()));
  if (!tokens) return tokens.error();
  if (tokens->id_token.empty()) return refused("there is none; the client must ask for the scope \"openid\"");
  auto person = check(settings, *tokens, nonce);
  if (!person) return person.error();
  return Vouched{*std::move(person), std::move(tokens->refresh_token)};
}

Result<OidcClient::Vouched> OidcClient::refresh(const OidcSettings& settings, const Secret<>& client_secret,
                                                std::string_view subject, const Secret<>& refresh_token) {
  const auto discovery = keys_.discovery(settings.issuer);
  if (!discovery) return discovery.error();
  auto tokens =
      ask(*discovery, settings, client_secret, refresh_form(settings, refresh_token, !client_secret.empty()));
  if (!tokens) return tokens.error();
  if (tokens->id_token.empty())
    return Error{
        Errc::unavailable,
        "the provider gives no ID token with a refresh, and so says nothing of groups; log in again"};
  auto person = check(settings, *tokens, {});
  if (!person) return Error{Errc::unavailable, person.error().message};
  if (person->subject != subject)
    return Error{Errc::unavailable, "the provider's ID token is of somebody else"};
  if (tokens->refresh_token.empty()) tokens->refresh_token = Secret<>(refresh_token.reveal());
  return Vouched{*std::move(person), std::move(tokens->refresh_token)};
}

Result<TokenAnswer> OidcClient::ask(const Discovery& discovery, const OidcSettings& settings,
                                    const Secret<>& client_secret, Secret<> form) {
  if (discovery.token_endpoint.empty()) return no_endpoint("token", settings);
  FetchRequest request;
  request.url = discovery.token_endpoint;
  request.form = std::move(form);
  request.authorization = client_authorization(settings, client_secret);
  request.largest_body = kLargestTokenAnswer;
  auto answer = fetcher_.fetch(request);
  if (!answer)
    return Error{Errc::unavailable,
                 fmt::format("the provider's token endpoint cannot be asked: {}", answer.error().message)};
  return parse_token_answer(*std::move(answer));
}

Result<ExternalPerson> OidcClient::check(const OidcSettings& settings, const TokenAnswer& tokens,
                                         std::string_view nonce) {
  const auto jwt = UnverifiedJwt::parse(tokens.id_token.reveal(), clock_.now(), kIdTokenLimits);
  if (!jwt) return jwt.error();
  if (jwt->issuer() != settings.issuer) return refused("it is of another issuer");
  const auto key = keys_.find(settings.issuer, jwt->key_id(), jwt->algorithm());
  if (!key) return key.error();
  const auto claims = jwt->verify(*key);
  if (!claims) return claims.error();
  if (!claims->is_for(settings.client_id)) return refused("it is not for this client");
  if (!claims->authorized_party.empty() && claims->authorized_party != settings.client_id)
    return refused("it was issued to another client");

  if (!nonce.empty()) {
    const auto* sent = claims->find("nonce");
    const auto* text = sent == nullptr ? nullptr : sent->if_string();
    if (text == nullptr || !same({text->data(), text->size()}, nonce))
      return refused("its nonce is not this log-in's");
  }
  if (const auto* sent_hash = claims->find("at_hash")) {
    const auto* text = sent_hash->if_string();
    if (text == nullptr ||
        !same({text->data(), text->size()}, token_hash_half(jwt->algorithm(), tokens.access_token)))
      return refused("its \"at_hash\" is not that of the access token");
  }
  return person_of(*claims, settings);
}

}  // namespace bulkhead::identity
