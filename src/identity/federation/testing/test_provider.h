// An OpenID provider for people within the test: a person says yes to an authorization request and gets a
// code, and the token endpoint holds the client to what RFC 6749 and RFC 7636 ask of it.
#pragma once

#include <boost/json/object.hpp>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "identity/federation/login_provider.h"
#include "identity/issuers/fetcher.h"
#include "identity/issuers/testing/test_issuer.h"

namespace bulkhead::identity::testing {

// "a=b&c=d", decoded; fails by an exception.
std::map<std::string, std::string> parse_query(std::string_view text);

class TestProvider final : public Fetcher {
 public:
  // `clock` must outlive it.
  explicit TestProvider(const Clock& clock, std::string url = "https://login.example");

  // Fetcher.
  Result<FetchAnswer> fetch(const FetchRequest& request) override;

  // Settings of a client that it knows.
  OidcSettings settings() const;
  static constexpr std::string_view kSecret = "s3cret: +&/%";

  // What comes back to the client's redirect URI when a person, described by these claims, says yes at the
  // URL that their browser was sent to.
  struct Answer {
    std::string state;
    std::string code;
  };
  Answer log_in(const std::string& authorization_url, const boost::json::object& person);

  // Nobody has this refresh token, nor those that came of it, any more.
  void forget_refresh_tokens();

  TestIssuer issuer;
  bool public_client = false;
  bool refreshes = true;
  // What the next answers of the token endpoint are changed with, before the ID token is signed and after.
  std::function<void(boost::json::object& claims)> change_claims;
  std::function<void(boost::json::object& answer)> change_answer;
  // In place of the ID token that it would issue.
  std::function<std::string(const boost::json::object& claims)> sign;
  std::map<std::string, std::string> last_form;  // that the token endpoint got

 private:
  struct Grant {
    std::string redirect_uri;
    std::string challenge;
    std::string nonce;
    boost::json::object person;
  };

  FetchAnswer token(const FetchRequest& request);
  FetchAnswer issue(const boost::json::object& person, const std::string& nonce);

  const Clock& clock_;
  std::map<std::string, Grant> codes_;
  std::map<std::string, boost::json::object> refresh_tokens_;
  int issued_ = 0;
};

// Somebody's claims: "sub", "preferred_username" and such.
boost::json::object some_person(std::string_view name = "dora");
// The "at_hash" of an access token under RS256.
std::string at_hash_of(std::string_view access_token);

}  // namespace bulkhead::identity::testing
