#include "identity/federation/testing/test_provider.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <stdexcept>
#include <utility>

#include "base/bytes.h"
#include "crypto/hash.h"

namespace bulkhead::identity::testing {

namespace json = boost::json;

namespace {

std::string decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i] == '+' ? ' ' : text[i];
      continue;
    }
    out += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
    i += 2;
  }
  return out;
}

std::string sha256(std::string_view text) {
  return crypto::hash(crypto::HashAlgorithm::sha256, as_bytes(text));
}

FetchAnswer refused(std::string_view error, unsigned status = 400) {
  return {status, json::serialize(json::object{{"error", error}})};
}

}  // namespace

std::map<std::string, std::string> parse_query(std::string_view text) {
  std::map<std::string, std::string> out;
  while (!text.empty()) {
    const auto end = std::min(text.find('&'), text.size());
    const std::string_view field = text.substr(0, end);
    const auto equals = field.find('=');
    if (equals == std::string_view::npos) throw std::runtime_error("a field without a value");
    if (!out.emplace(decode(field.substr(0, equals)), decode(field.substr(equals + 1))).second)
      throw std::runtime_error("a field twice");
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

TestProvider::TestProvider(const Clock& clock, std::string url) : issuer(std::move(url)), clock_(clock) {}

OidcSettings TestProvider::settings() const {
  OidcSettings settings;
  settings.issuer = issuer.url();
  settings.client_id = "bulk:head";
  return settings;
}

Result<FetchAnswer> TestProvider::fetch(const FetchRequest& request) {
  auto answer = issuer.fetch(request);
  if (request.url != issuer.url() + "/token" || !answer || answer->status != 404) return answer;
  return token(request);
}

TestProvider::Answer TestProvider::log_in(const std::string& authorization_url, const json::object& person) {
  const auto question = authorization_url.find('?');
  if (!authorization_url.starts_with(issuer.url() + "/authorize?"))
    throw std::runtime_error("not this provider's: " + authorization_url);
  auto query = parse_query(std::string_view(authorization_url).substr(question + 1));
  if (query["response_type"] != "code" || query["code_challenge_method"] != "S256" ||
      query["client_id"] != settings().client_id || query["scope"].find("openid") == std::string::npos)
    throw std::runtime_error("not a request of this client: " + authorization_url);
  const std::string code = "code-" + std::to_string(++issued_) + "+/=";
  codes_[code] = {query["redirect_uri"], query["code_challenge"], query["nonce"], person};
  return {query["state"], code};
}

void TestProvider::forget_refresh_tokens() { refresh_tokens_.clear(); }

FetchAnswer TestProvider::token(const FetchRequest& request) {
  if (!request.form) return refused("invalid_request");
  last_form = parse_query(request.form->reveal());
  auto form = last_form;
  if (public_client) {
    if (!request.authorization.empty() || form["client_id"] != settings().client_id)
      return refused("invalid_client", 401);
  } else {
    // RFC 6749 section 2.3.1, by hand.
    const std::string expected = "Basic " + to_base64(as_bytes("bulk%3Ahead:s3cret%3A%20%2B%26%2F%25"));
    if (request.authorization.reveal() != expected) return refused("invalid_client", 401);
  }
  if (form["grant_type"] == "refresh_token") {
    const auto known = refresh_tokens_.find(form["refresh_token"]);
    if (known == refresh_tokens_.end()) return refused("invalid_grant");
    const auto person = known->second;
    refresh_tokens_.erase(known);
    return issue(person, "");
  }
  if (form["grant_type"] != "authorization_code") return refused("unsupported_grant_type");
  const auto known = codes_.find(form["code"]);
  if (known == codes_.end()) return refused("invalid_grant");
  const Grant grant = known->second;
  codes_.erase(known);
  const std::string challenge = to_base64url(as_bytes(sha256(form["code_verifier"])));
  if (form["code_verifier"].size() < 43 || challenge != grant.challenge ||
      form["redirect_uri"] != grant.redirect_uri)
    return refused("invalid_grant");
  return issue(grant.person, grant.nonce);
}

FetchAnswer TestProvider::issue(const json::object& person, const std::string& nonce) {
  const std::string number = std::to_string(++issued_);
  json::object answer{{"access_token", "access-" + number}, {"token_type", "Bearer"}, {"expires_in", 300}};
  json::object claims = claims_of(issuer.url(), clock_.now());
  for (const char* machine : {"repository_id", "repository_owner_id", "ref", "jti"}) claims.erase(machine);
  claims["aud"] = settings().client_id;
  claims["at_hash"] = at_hash_of("access-" + number);
  if (!nonce.empty()) claims["nonce"] = nonce;
  for (const auto& [name, value] : person) claims.insert_or_assign(name, value);
  if (change_claims) change_claims(claims);
  answer["id_token"] = sign ? sign(claims) : mint(issuer.key(), claims);
  if (refreshes) {
    answer["refresh_token"] = "refresh-" + number;
    refresh_tokens_["refresh-" + number] = person;
  }
  if (change_answer) change_answer(answer);
  return {200, json::serialize(answer)};
}

json::object some_person(std::string_view name) {
  return {{"sub", "id-of-" + std::string(name)},
          {"preferred_username", name},
          {"name", "Somebody Else"},
          {"email", std::string(name) + "@example.com"},
          {"email_verified", true},
          {"groups", json::array{"devs", "staff"}}};
}

std::string at_hash_of(std::string_view access_token) {
  return to_base64url(as_bytes(sha256(access_token).substr(0, 16)));
}

}  // namespace bulkhead::identity::testing
