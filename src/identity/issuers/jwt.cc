#include "identity/issuers/jwt.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/value.hpp>
#include <cmath>

#include "base/bytes.h"
#include "base/plain_text.h"
#include "crypto/hash.h"
#include "identity/issuers/key_set.h"
#include "oci/strict_json.h"

namespace bulkhead::identity {
namespace {

namespace json = boost::json;

constexpr oci::JsonLimits kHeaderLimits{4, 64};
constexpr std::size_t kClaimsDepth = 16;
constexpr std::int64_t kLatestSecond = 253'402'300'799;  // the end of the year 9999

Error refused(std::string_view why) {
  return {Errc::unauthenticated, fmt::format("the token is refused: {}", why)};
}

std::string_view view(const json::string& text) { return {text.data(), text.size()}; }

// A member that is a string without control characters; "" where there is none.
Result<std::string> optional_text(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr) return std::string();
  const json::string* text = value->if_string();
  if (text == nullptr || !is_plain_text(view(*text)))
    return refused(fmt::format("its \"{}\" is not a plain string", name));
  return std::string(view(*text));
}

Result<std::string> required_text(const json::object& object, std::string_view name) {
  auto text = optional_text(object, name);
  if (text && text->empty()) return refused(fmt::format("it has no \"{}\"", name));
  return text;
}

// NumericDate (RFC 7519 section 2), which may have a fraction; nothing where there is none.
Result<std::optional<Time>> optional_time(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr) return std::optional<Time>();
  double seconds = -1;
  if (value->is_double()) seconds = std::floor(value->get_double());
  if (value->is_int64()) seconds = static_cast<double>(value->get_int64());
  if (!(seconds >= 0 && seconds <= static_cast<double>(kLatestSecond)))
    return refused(fmt::format("its \"{}\" is not a time in seconds", name));
  return std::optional<Time>(Time(std::chrono::seconds(static_cast<std::int64_t>(seconds))));
}

Result<Time> required_time(const json::object& object, std::string_view name) {
  const auto time = optional_time(object, name);
  if (!time) return time.error();
  if (!*time) return refused(fmt::format("it has no \"{}\"", name));
  return **time;
}

Result<std::vector<std::string>> parse_audiences(const json::object& claims, std::size_t most) {
  const json::value* value = claims.if_contains("aud");
  if (value == nullptr) return refused("it has no \"aud\"");
  std::vector<std::string> audiences;
  if (const json::string* one = value->if_string()) {
    audiences.emplace_back(view(*one));
    return audiences;
  }
  const json::array* list = value->if_array();
  if (list == nullptr || list->empty()) return refused("its \"aud\" is neither a string nor a list of them");
  if (list->size() > most) return refused(fmt::format("it has more than {} audiences", most));
  for (const json::value& item : *list) {
    if (!item.is_string()) return refused("one of its audiences is not a string");
    audiences.emplace_back(view(item.get_string()));
  }
  return audiences;
}

bool is_jwt_type(std::string_view type) {
  constexpr std::string_view kType = "jwt";
  return std::equal(type.begin(), type.end(), kType.begin(), kType.end(),
                    [](char a, char b) { return (a | 0x20) == b; });
}

struct Header {
  crypto::SignatureAlgorithm algorithm{};
  std::string key_id;
};

Result<Header> parse_header(std::string_view text) {
  const auto document = oci::parse_strict_json(text, kHeaderLimits);
  if (!document || !document->is_object())
    return refused("its header is not a JSON object in the strict form");
  const json::object& object = document->get_object();
  if (object.contains("crit")) return refused("its header has critical extensions, and none is known here");
  const auto type = optional_text(object, "typ");
  if (!type) return type.error();
  if (object.contains("typ") && !is_jwt_type(*type)) return refused("its \"typ\" is not JWT");
  const auto named = required_text(object, "alg");
  if (!named) return named.error();
  const auto algorithm = crypto::parse_signature_algorithm(*named);
  if (!algorithm) return refused("its algorithm is none of RS256, PS256, ES256 and EdDSA");
  auto key_id = optional_text(object, "kid");
  if (!key_id) return key_id.error();
  if (key_id->size() > kLongestKeyId) return refused("its \"kid\" is too long");
  return Header{*algorithm, *std::move(key_id)};
}

Result<void> check_times(const JwtClaims& claims, std::optional<Time> not_before, Time now,
                         std::chrono::seconds leeway) {
  if (now >= claims.expires_at + leeway) return refused("it has expired");
  if (claims.issued_at > now + leeway) return refused("it was issued in the future");
  if (not_before && *not_before > now + leeway) return refused("it does not hold yet");
  if (claims.expires_at <= claims.issued_at) return refused("it ends before it begins");
  return {};
}

std::string once_of(std::string_view kind, std::string_view text) {
  return fmt::format("{}:{}", kind,
                     to_hex(as_bytes(crypto::hash(crypto::HashAlgorithm::sha256, as_bytes(text)))));
}

Result<JwtClaims> parse_claims(std::string_view text, Time now, const JwtLimits& limits) {
  auto document = oci::parse_strict_json(text, {kClaimsDepth, limits.values});
  if (!document) return refused("its claims are not JSON in the strict form, or too many");
  if (!document->is_object()) return refused("its claims are not a JSON object");
  auto all = std::make_shared<json::object>(std::move(document->get_object()));

  JwtClaims claims;
  auto issuer = required_text(*all, "iss");
  auto subject = optional_text(*all, "sub");
  auto party = optional_text(*all, "azp");
  auto id = optional_text(*all, "jti");
  for (const auto* read : {&issuer, &subject, &party, &id})
    if (!*read) return read->error();
  auto audiences = parse_audiences(*all, limits.audiences);
  if (!audiences) return audiences.error();
  const auto issued_at = required_time(*all, "iat");
  if (!issued_at) return issued_at.error();
  const auto expires_at = required_time(*all, "exp");
  if (!expires_at) return expires_at.error();
  const auto not_before = optional_time(*all, "nbf");
  if (!not_before) return not_before.error();

  claims.issuer = *std::move(issuer);
  claims.subject = *std::move(subject);
  claims.authorized_party = *std::move(party);
  claims.audiences = *std::move(audiences);
  claims.issued_at = *issued_at;
  claims.expires_at = *expires_at;
  if (!id->empty()) claims.once = once_of("jti", *id);
  claims.all = std::move(all);
  if (const auto timely = check_times(claims, *not_before, now, limits.leeway); !timely)
    return timely.error();
  return claims;
}

// One reference token of a JSON Pointer, unescaped (RFC 6901 section 4).
std::string unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '~' && i + 1 < text.size() && (text[i + 1] == '0' || text[i + 1] == '1');
    out += escape ? (text[++i] == '0' ? '~' : '/') : text[i];
  }
  return out;
}

const json::value* find_claim(const json::object& claims, std::string_view name) {
  if (!name.starts_with('/')) return claims.if_contains(name);
  const json::object* object = &claims;
  const json::value* value = nullptr;
  while (!name.empty()) {
    if (object == nullptr) return nullptr;
    name.remove_prefix(1);
    const auto end = std::min(name.find('/'), name.size());
    value = object->if_contains(unescape(name.substr(0, end)));
    if (value == nullptr) return nullptr;
    object = value->if_object();
    name.remove_prefix(end);
  }
  return value;
}

}  // namespace

bool JwtClaims::names(std::string_view audience) const {
  if (std::find(audiences.begin(), audiences.end(), audience) == audiences.end()) return false;
  return audiences.size() == 1 || authorized_party.empty() || authorized_party == audience;
}

bool JwtClaims::is_for(std::string_view audience) const {
  return names(audience) && (audiences.size() == 1 || !authorized_party.empty());
}

const json::value* JwtClaims::find(std::string_view name) const {
  return all == nullptr ? nullptr : find_claim(*all, name);
}

std::optional<std::string> JwtClaims::text(std::string_view name) const {
  const json::value* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (const auto* text = value->if_string()) return std::string(view(*text));
  if (const auto* number = value->if_int64()) return std::to_string(*number);
  if (const auto* number = value->if_uint64()) return std::to_string(*number);
  if (const auto* flag = value->if_bool()) return *flag ? "true" : "false";
  return std::nullopt;
}

Result<UnverifiedJwt> UnverifiedJwt::parse(std::string_view token, Time now, const JwtLimits& limits) {
  if (token.size() > limits.bytes) return refused(fmt::format("it is larger than {} bytes", limits.bytes));
  const auto first_dot = token.find('.');
  const auto last_dot = token.rfind('.');
  if (first_dot == last_dot) return refused("it does not have three parts");
  // A further dot in between is outside the alphabet and fails there.
  const auto header_text = from_base64url(token.substr(0, first_dot));
  const auto claims_text = from_base64url(token.substr(first_dot + 1, last_dot - first_dot - 1));
  auto signature = from_base64url(token.substr(last_dot + 1));
  if (!header_text || !claims_text || !signature) return refused("it is not base64url");

  auto header = parse_header(*header_text);
  if (!header) return header.error();
  auto claims = parse_claims(*claims_text, now, limits);
  if (!claims) return claims.error();

  UnverifiedJwt jwt;
  jwt.key_id_ = std::move(header->key_id);
  jwt.algorithm_ = header->algorithm;
  jwt.signed_part_ = token.substr(0, last_dot);
  jwt.signature_ = *std::move(signature);
  jwt.claims_ = *std::move(claims);
  if (jwt.claims_.once.empty()) jwt.claims_.once = once_of("token", jwt.signed_part_);
  return jwt;
}

Result<JwtClaims> UnverifiedJwt::verify(std::span<const crypto::PublicKey> keys) const {
  for (const crypto::PublicKey& key : keys)
    if (key.verify(algorithm_, as_bytes(signed_part_), as_bytes(signature_))) return claims_;
  return refused("its signature does not match");
}

}  // namespace bulkhead::identity
