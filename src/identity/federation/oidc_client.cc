#include "identity/federation/oidc_client.h"

#include <fmt/format.h>

#include <boost/json/value.hpp>
#include <memory>

#include "base/bytes.h"
#include "crypto/hash.h"
#include "identity/federation/oidc_person.h"
#include "identity/issuers/jwt.h"
#include "oci/quote.h"
#include "oci/strict_json.h"

namespace bulkhead::identity {
namespace {

namespace json = boost::json;

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

constexpr std::size_t kLargestUserinfo = std::size_t{512} << 10;

Error no_userinfo(std::string_view why) {
  return {Errc::unavailable, fmt::format("the provider's userinfo endpoint cannot be used: {}", why)};
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
  const ClientProof client{client_secret, discovery->secret_in_form};
  auto tokens = ask(*discovery, settings, client, code_form(settings, grant, client));
  if (!tokens) return tokens.error();
  if (tokens->id_token.empty()) return refused("there is none; the client must ask for the scope \"openid\"");
  const auto claims = check(settings, *tokens, nonce);
  if (!claims) return claims.error();
  auto person = complete(*discovery, settings, *tokens, *claims);
  if (!person) return person.error();
  return Vouched{*std::move(person), std::move(tokens->refresh_token)};
}

Result<OidcClient::Vouched> OidcClient::refresh(const OidcSettings& settings, const Secret<>& client_secret,
                                                std::string_view subject, const Secret<>& refresh_token) {
  const auto discovery = keys_.discovery(settings.issuer);
  if (!discovery) return discovery.error();
  const ClientProof client{client_secret, discovery->secret_in_form};
  auto tokens = ask(*discovery, settings, client, refresh_form(settings, refresh_token, client));
  if (!tokens) return tokens.error();
  if (tokens->id_token.empty() && discovery->userinfo_endpoint.empty())
    return Error{Errc::unavailable,
                 "the provider gives no ID token with a refresh and has no userinfo endpoint, and so says "
                 "nothing of groups; log in again"};
  const auto claims = tokens->id_token.empty() ? ask_userinfo(*discovery, tokens->access_token)
                                               : check(settings, *tokens, {});
  if (!claims) return Error{Errc::unavailable, claims.error().message, claims.error().retry_after};
  if (claims->subject != subject)
    return Error{Errc::unavailable, "what the provider answers to a refresh is of somebody else"};
  auto person = tokens->id_token.empty() ? person_of(*claims, settings)
                                         : complete(*discovery, settings, *tokens, *claims);
  if (!person) return Error{Errc::unavailable, person.error().message, person.error().retry_after};
  if (tokens->refresh_token.empty()) tokens->refresh_token = Secret<>(refresh_token.reveal());
  return Vouched{*std::move(person), std::move(tokens->refresh_token)};
}

Result<TokenAnswer> OidcClient::ask(const Discovery& discovery, const OidcSettings& settings,
                                    const ClientProof& client, Secret<> form) {
  if (discovery.token_endpoint.empty()) return no_endpoint("token", settings);
  FetchRequest request;
  request.url = discovery.token_endpoint;
  request.form = std::move(form);
  request.authorization = client_authorization(settings, client);
  request.largest_body = kLargestTokenAnswer;
  auto answer = fetcher_.fetch(request);
  if (!answer)
    return Error{Errc::unavailable,
                 fmt::format("the provider's token endpoint cannot be asked: {}", answer.error().message),
                 answer.error().retry_after};
  return parse_token_answer(*std::move(answer));
}

Result<JwtClaims> OidcClient::check(const OidcSettings& settings, const TokenAnswer& tokens,
                                    std::string_view nonce) {
  const auto jwt = UnverifiedJwt::parse(tokens.id_token.reveal(), clock_.now(), kIdTokenLimits);
  if (!jwt) return jwt.error();
  if (jwt->issuer() != settings.issuer) return refused("it is of another issuer");
  bool signature_wrong = false;
  auto claims = keys_.verify(*jwt, signature_wrong);
  // The token comes from the provider itself: a key that it does not publish (yet) is its own trouble.
  if (!claims && claims.error().code == Errc::unauthenticated && !signature_wrong)
    return Error{Errc::unavailable, claims.error().message, claims.error().retry_after};
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
  return claims;
}

Result<JwtClaims> OidcClient::ask_userinfo(const Discovery& discovery, const Secret<>& access_token) {
  std::string header;
  header.reserve(7 + access_token.reveal().size());
  header.append("Bearer ").append(access_token.reveal());
  FetchRequest request;
  request.url = discovery.userinfo_endpoint;
  request.authorization = Secret<>(std::move(header));
  request.largest_body = kLargestUserinfo;
  const auto answer = fetcher_.fetch(request);
  if (!answer) return no_userinfo(answer.error().message);
  if (answer->status != 200) return no_userinfo(fmt::format("it answered with status {}", answer->status));
  auto document = oci::parse_strict_json(answer->body, {16, kIdTokenLimits.values});
  if (!document || !document->is_object())
    return no_userinfo("its answer is not a JSON object in the strict form");
  JwtClaims claims;
  claims.all = std::make_shared<const json::object>(std::move(document->get_object()));
  const json::value* subject = claims.find("sub");
  if (const json::string* text = subject == nullptr ? nullptr : subject->if_string())
    claims.subject.assign(text->data(), text->size());
  return claims;
}

Result<ExternalPerson> OidcClient::complete(const Discovery& discovery, const OidcSettings& settings,
                                            const TokenAnswer& tokens, const JwtClaims& claims) {
  if (discovery.userinfo_endpoint.empty() || !lacks_something(claims, settings))
    return person_of(claims, settings);
  const auto more = ask_userinfo(discovery, tokens.access_token);
  if (!more && !lacks_name_or_groups(claims, settings)) return person_of(claims, settings);
  if (!more) return more.error();
  // Core section 5.3.2: whose answer it is must be compared, byte by byte.
  if (more->subject.empty() || more->subject != claims.subject)
    return Error{Errc::unauthenticated, "the provider's userinfo endpoint answers with somebody else"};
  json::object merged = *more->all;
  for (const auto& [name, value] : *claims.all) merged[name] = value;
  JwtClaims both = claims;
  both.all = std::make_shared<const json::object>(std::move(merged));
  return person_of(both, settings);
}

}  // namespace bulkhead::identity
