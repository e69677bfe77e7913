// Issuers' keys, fetched by discovery and kept: a token whose key is in memory is checked without anybody
// being asked.
//
// Keys are fetched again once they are an hour old, and for a token that none of them fits, so that a
// rotation is noticed with the first token that needs it. An issuer is asked at most once a minute, and once
// more within that minute for such a token, because its keys may have changed just after they were fetched;
// never more, whatever tokens are sent here, and by one caller at a time. Those who come meanwhile and cannot
// be answered from memory wait for that one's outcome. While an issuer cannot be reached or answers nonsense,
// what was fetched last is used for a day at most; a key that it has withdrawn in that time still counts
// until then.
//
// Which issuers may be asked at all is the caller's decision. Blocking; thread-safe.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/step.h"
#include "identity/issuers/discovery.h"
#include "identity/issuers/fetcher.h"
#include "identity/issuers/jwt.h"
#include "identity/issuers/key_set.h"

namespace bulkhead::identity {

struct IssuerLimits {
  std::size_t issuers = 256;  // remembered; the one used longest ago goes first
  std::size_t waiting = 8;    // callers that wait for one issuer's fetch; further ones are Errc::unavailable
  std::chrono::seconds fresh{3600};
  std::chrono::seconds kept{24 * 3600};
  std::chrono::seconds between_fetches{60};
  std::chrono::seconds after_failure{10};  // instead, while nothing of the issuer is known
  // It doubles with each failure after the first, up to this: an issuer that hangs takes up a thread at
  // times.
  std::chrono::seconds longest_pause{120};
};

class IssuerKeys {
 public:
  // All must outlive this.
  IssuerKeys(Fetcher& fetcher, const Clock& clock, PlainHosts plain, IssuerLimits limits = {});
  ~IssuerKeys();

  // The issuer's keys of that id and algorithm, as KeySet::find(). Errc::unauthenticated when it has none,
  // with the time until it may be asked again; Errc::unavailable when the issuer cannot be asked, or not yet
  // again. With `may_wait` false memory alone answers, and where the issuer would have to be asked first it
  // is Errc::unavailable. `newer`: what was known did not do, so it is asked anew where that is allowed.
  Result<std::vector<crypto::PublicKey>> find(std::string_view issuer, std::string_view key_id,
                                              crypto::SignatureAlgorithm algorithm, bool may_wait = true,
                                              bool newer = false);
  // The token's claims, once one of the issuer's keys has verified them: find(), and where this may wait
  // find() newer ones when those do not. Errors as above; `signature_wrong` says which Errc::unauthenticated
  // it is.
  Result<JwtClaims> verify(const UnverifiedJwt& token, bool& signature_wrong, bool may_wait = true);
  // Whether find() would ask the issuer, or wait for somebody who does.
  bool would_wait(std::string_view issuer, std::string_view key_id);
  // What the issuer says of itself, at most as old as its keys may be. Errc::unavailable.
  Result<Discovery> discovery(std::string_view issuer);

  // Asks the issuer now, whatever is known of it, and remembers nothing of it: its discovery document, the
  // addresses that people log in with, its keys. Never empty.
  std::vector<Step> probe(std::string_view issuer);

  const PlainHosts& plain_hosts() const { return plain_; }

 private:
  struct Known;
  struct Issuer;
  class Flight;
  struct Table;

  std::shared_ptr<Issuer> enter(std::string_view name);
  // What is known of the issuer, fetched where that is due or, when what is known is not `enough`, allowed.
  // Without `may_wait`, Errc::unavailable where that takes time. `wait`: until it may be asked again.
  using Enough = std::function<bool(const Known&)>;
  Result<std::shared_ptr<const Known>> known(std::string_view issuer, const Enough& enough, bool may_wait,
                                             std::chrono::seconds& wait);
  std::chrono::seconds pause(const Issuer& issuer) const;
  // Whether it is not to be asked at that moment; and whether it may be all the same, for a token that none
  // of its keys fits.
  bool resting(const Issuer& issuer, Time now) const;
  bool once_more(const Issuer& issuer, Time now) const;
  Result<std::shared_ptr<const Known>> load(std::string_view issuer);
  Result<std::string> get(const std::string& url);

  Fetcher& fetcher_;
  const Clock& clock_;
  PlainHosts plain_;
  IssuerLimits limits_;
  std::unique_ptr<Table> table_;
};

}  // namespace bulkhead::identity
