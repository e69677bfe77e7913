#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <cstddef>
#include <type_traits>

#include "base/bytes.h"
#include "crypto/hash.h"
#include "identity/issuers/testing/test_issuer.h"

namespace bulkhead::identity::testing {
namespace {

namespace json = boost::json;
using crypto::SignatureAlgorithm;

template <class T>
json::object with(json::object object, std::string_view name, const T& value) {
  if constexpr (std::is_convertible_v<T, std::string_view> && !std::is_same_v<T, std::nullptr_t>) {
    object.insert_or_assign(name, json::string(std::string_view(value)));
  } else {
    object.insert_or_assign(name, json::value(value));
  }
  return object;
}

json::object without(json::object object, std::string_view name) {
  object.erase(name);
  return object;
}

std::string encode(std::string_view text) { return to_base64url(as_bytes(text)); }

// Signed with HMAC-SHA-256 under some text that everybody knows.
std::string mint_shared(std::string_view secret, const json::object& header, const json::object& claims) {
  const std::string signed_part = encode(json::serialize(header)) + "." + encode(json::serialize(claims));
  const auto mac = crypto::hmac_sha256(as_bytes(secret), as_bytes(signed_part));
  return signed_part + "." + to_base64url(mac);
}

class Forger {
 public:
  Forger(const TestIssuer& issuer, const json::object& claims, Time now)
      : issuer_(issuer),
        key_(issuer.key()),
        stranger_(SigningKey::shared_rsa(1, key_.key_id())),
        header_(header_of(key_)),
        claims_(claims),
        now_(numeric_date(now)),
        good_(mint(key_, header_, claims_)) {}

  std::vector<Forgery> all() {
    headers();
    signatures();
    shapes();
    names();
    times();
    documents();
    return std::move(made_);
  }

 private:
  void add(std::string name, std::string token) { made_.push_back({std::move(name), std::move(token)}); }
  void add_header(std::string name, const json::object& header) {
    add(std::move(name), mint(key_, header, claims_));
  }
  void add_claims(std::string name, const json::object& claims) {
    add(std::move(name), mint(key_, header_, claims));
  }

  void headers() {
    for (const std::string_view none : {"none", "None", "NONE", ""}) {
      const auto header = with(header_, "alg", none);
      add_header("alg " + std::string(none) + ", signed", header);
      add("alg " + std::string(none) + ", no signature",
          encode(json::serialize(header)) + "." + encode(json::serialize(claims_)) + ".");
    }
    const auto shared = with(header_, "alg", "HS256");
    add("HS256 with the public key in PEM", mint_shared(key_.public_pem(), shared, claims_));
    add("HS256 with the modulus", mint_shared(key_.jwk().at("n").as_string().c_str(), shared, claims_));
    add("HS256 with nothing", mint_shared("", shared, claims_));
    for (const std::string_view other : {"RS384", "RS512", "ES256", "EdDSA", "PS256", "rs256", "RS256 "})
      add_header("alg " + std::string(other), with(header_, "alg", other));
    add_header("alg is a list", with(header_, "alg", json::array({"RS256"})));
    add_header("alg missing", without(header_, "alg"));
    add("embedded jwk", mint(stranger_, with(header_, "jwk", stranger_.jwk()), claims_));
    add("embedded jwk under a new kid",
        mint(stranger_, with(with(header_, "jwk", stranger_.jwk()), "kid", "mine"), claims_));
    add("jku of a stranger", mint(stranger_, with(header_, "jku", "https://evil.example/keys"), claims_));
    add("x5u of a stranger", mint(stranger_, with(header_, "x5u", "https://evil.example/cert"), claims_));
    add("x5c of a stranger", mint(stranger_, with(header_, "x5c", json::array({"AAAA"})), claims_));
    add_header("crit", with(header_, "crit", json::array({"exp"})));
    add_header("crit, empty", with(header_, "crit", json::array{}));
    add_header("typ at+jwt", with(header_, "typ", "at+jwt"));
    add_header("typ logout+jwt", with(header_, "typ", "logout+jwt"));
    add_header("typ empty", with(header_, "typ", ""));
    add_header("typ a number", with(header_, "typ", 1));
    add_header("kid unknown", with(header_, "kid", "key-2"));
    add_header("kid a number", with(header_, "kid", 1));
    add_header("kid a path", with(header_, "kid", "../../../dev/null"));
    add_header("kid too long", with(header_, "kid", std::string(5000, 'k')));
  }

  void signatures() {
    add("key of a stranger", mint(stranger_, claims_));
    add("key of another issuer",
        mint(SigningKey::generate(SignatureAlgorithm::es256, key_.key_id()), header_, claims_));
    const auto last_dot = good_.rfind('.');
    add("no signature", good_.substr(0, last_dot + 1));
    add("signature cut", good_.substr(0, good_.size() - 4));
    add("signature of other claims", encode(json::serialize(header_)) + "." +
                                         encode(json::serialize(with(claims_, "sub", "repo:acme/other"))) +
                                         good_.substr(last_dot));
    std::string flipped = good_;
    flipped[last_dot + 10] = flipped[last_dot + 10] == 'A' ? 'B' : 'A';
    add("signature with one character changed", flipped);
  }

  void shapes() {
    add("empty", "");
    add("two dots", "..");
    add("two parts", good_.substr(0, good_.rfind('.')));
    add("four parts", good_ + ".AAAA");
    add("padded", good_ + "=");
    add("with a line break", good_ + "\n");
    add("with a space in front", " " + good_);
    add("base64 instead of base64url", good_.substr(0, good_.size() - 1) + "+");
    add("not a token", std::string(100, 'x'));
    add("larger than the limit", mint(key_, with(claims_, "padding", std::string(20'000, 'x'))));
  }

  void names() {
    add_claims("iss of another issuer", with(claims_, "iss", "https://other.example"));
    add_claims("iss with a slash more", with(claims_, "iss", issuer_.url() + "/"));
    add_claims("iss in capitals", with(claims_, "iss", "HTTPS://CI.EXAMPLE"));
    add_claims("iss missing", without(claims_, "iss"));
    add_claims("iss a list", with(claims_, "iss", json::array{issuer_.url()}));
    add_claims("iss with NUL", with(claims_, "iss", issuer_.url() + std::string(1, '\0')));
    add_claims("aud of somebody else", with(claims_, "aud", "elsewhere"));
    add_claims("aud missing", without(claims_, "aud"));
    add_claims("aud a number", with(claims_, "aud", 1));
    add_claims("aud an empty list", with(claims_, "aud", json::array{}));
    add_claims("aud a list of numbers", with(claims_, "aud", json::array{1, "bulkhead"}));
    add_claims("two audiences without azp", with(claims_, "aud", json::array{"bulkhead", "elsewhere"}));
    add_claims("two audiences, azp of the other",
               with(with(claims_, "aud", json::array{"bulkhead", "elsewhere"}), "azp", "elsewhere"));
    json::array many;
    for (int i = 0; i < 17; ++i) many.emplace_back("a");
    many.emplace_back("bulkhead");
    add_claims("eighteen audiences", with(with(claims_, "aud", many), "azp", "bulkhead"));
    for (int i = 0; i < 10'000; ++i) many.emplace_back("a");
    add_claims("ten thousand audiences", with(with(claims_, "aud", many), "azp", "bulkhead"));
    add_claims("jti a number", with(claims_, "jti", 1));
    add_claims("sub a list", with(claims_, "sub", json::array{"x"}));
  }

  void times() {
    add_claims("exp missing", without(claims_, "exp"));
    add_claims("iat missing", without(claims_, "iat"));
    add_claims("exp a string", with(claims_, "exp", std::to_string(now_ + 300)));
    add_claims("exp null", with(claims_, "exp", nullptr));
    add_claims("exp beyond all time", with(claims_, "exp", 1e30));
    add_claims("exp negative", with(claims_, "exp", -1));
    add_claims("expired", with(with(claims_, "iat", now_ - 600), "exp", now_ - 31));
    add_claims("issued in the future", with(claims_, "iat", now_ + 32));
    add_claims("not yet valid", with(claims_, "nbf", now_ + 32));
    add_claims("nbf a string", with(claims_, "nbf", "now"));
    add_claims("ends before it begins", with(with(claims_, "iat", now_ + 20), "exp", now_ + 10));
    add_claims("good for two days", with(claims_, "exp", now_ + 48 * 3600));
  }

  void documents() {
    const std::string claims = json::serialize(claims_);
    const std::string header = json::serialize(header_);
    const std::string twice = R"({"iss":"https://other.example",)" + claims.substr(1);
    add("a claim twice", mint(key_, header, twice));
    add("a header twice", mint(key_, R"({"alg":"none",)" + header.substr(1), claims));
    add("claims with a comment", mint(key_, header, "/* */" + claims));
    add("claims with a trailing comma", mint(key_, header, claims.substr(0, claims.size() - 1) + ",}"));
    add("claims and more", mint(key_, header, claims + "{}"));
    add("claims are a list", mint(key_, header, "[" + claims + "]"));
    add("claims are not JSON", mint(key_, header, "hello"));
    add("claims are not UTF-8", mint(key_, header, claims.substr(0, claims.size() - 1) + ",\"x\":\"\xff\"}"));
    add("claims too deep", mint(key_, header,
                                claims.substr(0, claims.size() - 1) + ",\"x\":" + std::string(200, '[') +
                                    std::string(200, ']') + "}"));
    add("header is not an object", mint(key_, "[]", claims));
    add("header empty", mint(key_, "", claims));
  }

  const TestIssuer& issuer_;
  SigningKey key_;
  SigningKey stranger_;
  json::object header_;
  json::object claims_;
  std::int64_t now_;
  std::string good_;
  std::vector<Forgery> made_;
};

}  // namespace

std::vector<Forgery> forgeries(const TestIssuer& issuer, const json::object& claims, Time now) {
  return Forger(issuer, claims, now).all();
}

}  // namespace bulkhead::identity::testing
