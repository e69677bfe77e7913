// An OpenID provider within the test: it serves discovery and keys to whoever fetches through it, mints
// tokens, and forges them in the ways that are known.
#pragma once

#include <atomic>
#include <boost/json/object.hpp>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "identity/issuers/fetcher.h"
#include "identity/issuers/testing/signing_key.h"

namespace bulkhead::identity::testing {

class TestIssuer final : public Fetcher {
 public:
  // Publishes one key, "key-1", for RS256.
  explicit TestIssuer(std::string url = "https://ci.example");

  // Fetcher: answers below its own URL, and any other URL that was given an answer, with 404 for the rest.
  Result<FetchAnswer> fetch(const FetchRequest& request) override;

  const std::string& url() const { return url_; }
  std::string keys_url() const { return url_ + "/keys"; }
  std::string discovery_url() const { return url_ + "/.well-known/openid-configuration"; }

  void publish(const SigningKey& key);
  void withdraw(std::string_view key_id);
  // Overrides what is served at a URL; an error is what fetch() then returns.
  void answer(const std::string& url, Result<FetchAnswer> answer);
  void answer(const std::string& url, std::string body) { answer(url, FetchAnswer{200, std::move(body)}); }
  void serve_itself_again();
  // While held, requests wait for release().
  void hold();
  void release();
  int fetches() const { return fetches_; }
  std::vector<std::string> urls() const;  // asked for, in order

  SigningKey key() const;  // the first one

 private:
  const std::string url_;
  mutable std::mutex mutex_;
  std::condition_variable released_;
  bool held_ = false;
  std::vector<SigningKey> keys_;
  std::map<std::string, Result<FetchAnswer>> answers_;
  std::vector<std::string> asked_;
  std::atomic<int> fetches_{0};
};

// The header that the key signs with, and claims like those of a CI: good for five minutes from `now`, made
// out to "bulkhead", with a "jti" of its own.
boost::json::object header_of(const SigningKey& key);
boost::json::object claims_of(std::string_view issuer, Time now);

// A token of exactly these parts. The texts need not be JSON.
std::string mint(const SigningKey& key, std::string_view header, std::string_view claims);
std::string mint(const SigningKey& key, const boost::json::object& header, const boost::json::object& claims);
std::string mint(const SigningKey& key, const boost::json::object& claims);
std::int64_t numeric_date(Time time);

struct Forgery {
  std::string name;
  std::string token;
};
// Tokens that each differ in one way from a good one with `claims`, and must all be refused by whoever trusts
// `issuer` for the audience "bulkhead" at the time `now`.
std::vector<Forgery> forgeries(const TestIssuer& issuer, const boost::json::object& claims, Time now);

}  // namespace bulkhead::identity::testing
