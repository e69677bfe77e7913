// Issuers' keys, fetched by discovery and kept: a token whose key is in memory is checked without anybody
// being asked.
//
// Keys are fetched again once they are an hour old, and for a "kid" that is not among them, so that a
// rotation is noticed with the first token that needs it; but an issuer is asked at most once a minute,
// whatever tokens are sent here, and by one caller at a time. Those who come meanwhile and cannot be answered
// from memory wait for that one's outcome. While an issuer cannot be reached or answers nonsense, what was
// fetched last is used for a day at most; a key that it has withdrawn in that time still counts until then.
//
// Which issuers may be asked at all is the caller's decision. Blocking; thread-safe.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "identity/issuers/discovery.h"
#include "identity/issuers/fetcher.h"
#include "identity/issuers/key_set.h"

namespace bulkhead::identity {

struct IssuerLimits {
  std::size_t issuers = 256;  // remembered; the one used longest ago goes first
  std::size_t waiting = 8;    // callers that wait for one issuer's fetch; further ones are Errc::unavailable
  std::chrono::seconds fresh{3600};
  std::chrono::seconds kept{24 * 3600};
  std::chrono::seconds between_fetches{60};
  std::chrono::seconds after_failure{10};  // instead, while nothing of the issuer is known
};

class IssuerKeys {
 public:
  // All must outlive this.
  IssuerKeys(Fetcher& fetcher, const Clock& clock, PlainHosts plain, IssuerLimits limits = {});
  ~IssuerKeys();

  // The issuer's key of that id and algorithm. Errc::unauthenticated when it has none, Errc::unavailable when
  // the issuer cannot be asked, or not yet again.
  Result<crypto::PublicKey> find(std::string_view issuer, std::string_view key_id,
                                 crypto::SignatureAlgorithm algorithm);
  // What the issuer says of itself, at most as old as its keys may be. Errc::unavailable.
  Result<Discovery> discovery(std::string_view issuer);

  const PlainHosts& plain_hosts() const { return plain_; }

 private:
  struct Known;
  struct Issuer;
  class Flight;
  struct Table;

  std::shared_ptr<Issuer> enter(std::string_view name);
  // What is known of the issuer, fetched where that is due or, for a key id that is not known, allowed.
  Result<std::shared_ptr<const Known>> known(std::string_view issuer, std::string_view key_id);
  Result<std::shared_ptr<const Known>> load(std::string_view issuer);
  Result<std::string> get(const std::string& url);

  Fetcher& fetcher_;
  const Clock& clock_;
  PlainHosts plain_;
  IssuerLimits limits_;
  std::unique_ptr<Table> table_;
};

}  // namespace bulkhead::identity
