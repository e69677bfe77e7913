#include "identity/issuers/testing/test_issuer.h"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "base/bytes.h"
#include "crypto/hash.h"

namespace bulkhead::identity::testing {

namespace json = boost::json;
using crypto::SignatureAlgorithm;

TestIssuer::TestIssuer(std::string url) : url_(std::move(url)) {
  publish(SigningKey::shared_rsa(0, "key-1"));
}

Result<FetchAnswer> TestIssuer::fetch(const FetchRequest& request) {
  std::unique_lock lock(mutex_);
  ++fetches_;
  asked_.push_back(request.url);
  released_.wait(lock, [&] { return !held_; });
  if (const auto given = answers_.find(request.url); given != answers_.end()) return given->second;
  if (request.url == discovery_url())
    return FetchAnswer{200, json::serialize(json::object{{"issuer", url_},
                                                         {"jwks_uri", keys_url()},
                                                         {"authorization_endpoint", url_ + "/authorize"},
                                                         {"token_endpoint", url_ + "/token"}})};
  if (request.url == keys_url()) {
    json::array keys;
    for (const SigningKey& key : keys_) keys.push_back(key.jwk());
    return FetchAnswer{200, json::serialize(json::object{{"keys", std::move(keys)}})};
  }
  return FetchAnswer{404, "nothing here"};
}

void TestIssuer::publish(const SigningKey& key) {
  const std::lock_guard lock(mutex_);
  keys_.push_back(key);
}

void TestIssuer::withdraw(std::string_view key_id) {
  const std::lock_guard lock(mutex_);
  std::erase_if(keys_, [&](const SigningKey& key) { return key.key_id() == key_id; });
}

void TestIssuer::answer(const std::string& url, Result<FetchAnswer> answer) {
  const std::lock_guard lock(mutex_);
  answers_.insert_or_assign(url, std::move(answer));
}

void TestIssuer::serve_itself_again() {
  const std::lock_guard lock(mutex_);
  answers_.clear();
}

void TestIssuer::hold() {
  const std::lock_guard lock(mutex_);
  held_ = true;
}

void TestIssuer::release() {
  {
    const std::lock_guard lock(mutex_);
    held_ = false;
  }
  released_.notify_all();
}

std::vector<std::string> TestIssuer::urls() const {
  const std::lock_guard lock(mutex_);
  return asked_;
}

SigningKey TestIssuer::key() const {
  const std::lock_guard lock(mutex_);
  return keys_.front();
}

std::int64_t numeric_date(Time time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

json::object header_of(const SigningKey& key) {
  return {{"alg", std::string(name(key.algorithm()))}, {"typ", "JWT"}, {"kid", key.key_id()}};
}

json::object claims_of(std::string_view issuer, Time now) {
  return {{"iss", issuer},
          {"aud", "bulkhead"},
          {"sub", "repo:acme/app:ref:refs/heads/main"},
          {"repository_id", "4711"},
          {"repository_owner_id", "17"},
          {"ref", "refs/heads/main"},
          {"jti", to_hex(as_bytes(crypto::random_bytes(16)))},
          {"iat", numeric_date(now)},
          {"nbf", numeric_date(now)},
          {"exp", numeric_date(now) + 300}};
}

std::string mint(const SigningKey& key, std::string_view header, std::string_view claims) {
  const std::string signed_part = to_base64url(as_bytes(header)) + "." + to_base64url(as_bytes(claims));
  return signed_part + "." + to_base64url(as_bytes(key.sign(signed_part)));
}

std::string mint(const SigningKey& key, const json::object& header, const json::object& claims) {
  return mint(key, json::serialize(header), json::serialize(claims));
}

std::string mint(const SigningKey& key, const json::object& claims) {
  return mint(key, header_of(key), claims);
}

}  // namespace bulkhead::identity::testing
