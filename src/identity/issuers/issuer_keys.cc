#include "identity/issuers/issuer_keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>

#include "oci/quote.h"

namespace bulkhead::identity {

struct IssuerKeys::Known {
  Discovery discovery;
  KeySet keys;
  Time fetched_at{};
};

struct IssuerKeys::Issuer {
  std::mutex mutex;  // guards what follows; never held while the issuer is asked
  std::condition_variable fetched;
  bool fetching = false;
  std::size_t waiting = 0;
  std::uint64_t fetches = 0;  // that have ended
  std::shared_ptr<const Known> known;
  std::optional<Time> asked_at;
  std::optional<Time> asked_more_at;  // within the pause, for a token that no known key fits
  Error failure;                      // of the last fetch, while nothing is known
  unsigned failures = 0;              // one after the other
  std::uint64_t used = 0;             // guarded by the table's mutex
};

// One fetch: takes the issuer's lock off while it lasts, and ends it for those who wait, whatever comes of
// it.
class IssuerKeys::Flight {
 public:
  Flight(Issuer& issuer, std::unique_lock<std::mutex>& lock) : issuer_(issuer), lock_(lock) {
    issuer_.fetching = true;
    lock_.unlock();
  }
  Flight(const Flight&) = delete;
  Flight& operator=(const Flight&) = delete;
  ~Flight() {
    if (!lock_.owns_lock()) lock_.lock();
    issuer_.fetching = false;
    ++issuer_.fetches;
    issuer_.fetched.notify_all();
  }

 private:
  Issuer& issuer_;
  std::unique_lock<std::mutex>& lock_;
};

struct IssuerKeys::Table {
  std::mutex mutex;
  std::uint64_t uses = 0;
  std::map<std::string, std::shared_ptr<Issuer>, std::less<>> issuers;
};

namespace {

Error unavailable(std::string_view issuer, std::string_view why, std::chrono::seconds wait = {}) {
  Error error = inner_error(Errc::unavailable,
                            fmt::format("the issuer {} cannot be asked: {}", oci::quote(issuer), why));
  error.retry_after = wait;
  return error;
}

// A clock that was set back must not make anything last longer than it would have.
bool within(Time since, Time now, std::chrono::seconds span) { return since <= now && now < since + span; }

}  // namespace

IssuerKeys::IssuerKeys(Fetcher& fetcher, const Clock& clock, PlainHosts plain, IssuerLimits limits)
    : fetcher_(fetcher),
      clock_(clock),
      plain_(std::move(plain)),
      limits_(limits),
      table_(std::make_unique<Table>()) {}

IssuerKeys::~IssuerKeys() = default;

Result<std::vector<crypto::PublicKey>> IssuerKeys::find(std::string_view issuer, std::string_view key_id,
                                                        crypto::SignatureAlgorithm algorithm, bool may_wait,
                                                        bool newer) {
  std::chrono::seconds wait{};
  const Known* old = nullptr;
  const auto found = known(
      issuer,
      [&](const Known& here) {
        if (old == nullptr) old = &here;
        return (!newer || old != &here) && (key_id.empty() || here.keys.has(key_id));
      },
      may_wait, wait);
  if (!found) return found.error();
  auto keys = (*found)->keys.find(key_id, algorithm);
  if (!keys.empty()) return keys;
  return Error{Errc::unauthenticated,
               key_id.empty()
                   ? fmt::format("the token names no key, and the issuer {} has not just one for {}",
                                 oci::quote(issuer), crypto::name(algorithm))
                   : fmt::format("the issuer {} has no key {} for {}", oci::quote(issuer), oci::quote(key_id),
                                 crypto::name(algorithm)),
               wait};
}

Result<JwtClaims> IssuerKeys::verify(const UnverifiedJwt& token, bool& signature_wrong, bool may_wait) {
  signature_wrong = false;
  auto claims = [&](bool newer) -> Result<JwtClaims> {
    const auto keys = find(token.issuer(), token.key_id(), token.algorithm(), may_wait, newer);
    if (!keys) return keys.error();
    auto verified = token.verify(*keys);
    signature_wrong = !verified;
    return verified;
  };
  auto first = claims(false);
  return first || !signature_wrong || !may_wait ? std::move(first) : claims(true);
}

Result<Discovery> IssuerKeys::discovery(std::string_view issuer) {
  std::chrono::seconds wait{};
  const auto found = known(
      issuer, [](const Known&) { return true; }, true, wait);
  if (!found) return found.error();
  return (*found)->discovery;
}

std::shared_ptr<IssuerKeys::Issuer> IssuerKeys::enter(std::string_view name) {
  const std::lock_guard lock(table_->mutex);
  auto& issuers = table_->issuers;
  auto at = issuers.find(name);
  if (at == issuers.end()) {
    if (issuers.size() >= std::max<std::size_t>(1, limits_.issuers))
      issuers.erase(std::min_element(issuers.begin(), issuers.end(), [](const auto& a, const auto& b) {
        return a.second->used < b.second->used;
      }));
    at = issuers.emplace(std::string(name), std::make_shared<Issuer>()).first;
  }
  at->second->used = ++table_->uses;
  return at->second;
}

Result<std::shared_ptr<const IssuerKeys::Known>> IssuerKeys::known(std::string_view name,
                                                                   const Enough& enough, bool may_wait,
                                                                   std::chrono::seconds& wait) {
  const auto issuer = enter(name);
  std::unique_lock lock(issuer->mutex);
  bool asked = false;  // by this caller, or by another while this one waited
  for (;;) {
    const Time now = clock_.now();
    if (issuer->known && !within(issuer->known->fetched_at, now, limits_.kept)) issuer->known = nullptr;
    const auto& known = issuer->known;
    const bool answers = known && enough(*known);
    if (answers && within(known->fetched_at, now, limits_.fresh)) return known;

    const bool pausing = resting(*issuer, now);
    const bool may_ask = !asked && (!pausing || (!answers && once_more(*issuer, now)));
    // Keys past their time do as long as somebody else is fetching newer ones.
    if (answers && (issuer->fetching || !may_ask || !may_wait)) return known;
    if (!may_wait && (issuer->fetching || may_ask)) return unavailable(name, "nobody has asked it yet");
    if (issuer->fetching) {
      if (issuer->waiting >= limits_.waiting) return unavailable(name, "many callers wait for it already");
      ++issuer->waiting;
      const auto ended = issuer->fetches;
      issuer->fetched.wait(lock, [&] { return issuer->fetches != ended; });
      --issuer->waiting;
      asked = true;
      continue;
    }
    if (!may_ask) {
      wait = issuer->asked_at
                 ? std::chrono::ceil<std::chrono::seconds>(*issuer->asked_at + pause(*issuer) - now)
                 : std::chrono::seconds::zero();
      if (known) return known;
      return unavailable(name, issuer->failure.message, wait);
    }

    if (pausing) issuer->asked_more_at = now;
    issuer->asked_at = now;
    const Flight flight(*issuer, lock);
    auto loaded = load(name);
    lock.lock();
    if (loaded) {
      issuer->known = *std::move(loaded);
      issuer->failures = 0;
    } else {
      issuer->failure = loaded.error();
      ++issuer->failures;
    }
    asked = true;  // so the next round answers
  }
}

bool IssuerKeys::would_wait(std::string_view name, std::string_view key_id) {
  const auto issuer = enter(name);
  const std::lock_guard lock(issuer->mutex);
  const Time now = clock_.now();
  const auto& known = issuer->known;
  const bool kept = known && within(known->fetched_at, now, limits_.kept);
  const bool answers = kept && (key_id.empty() || known->keys.has(key_id));
  if (answers && (issuer->fetching || within(known->fetched_at, now, limits_.fresh))) return false;
  return issuer->fetching || !resting(*issuer, now) || (kept && !answers && once_more(*issuer, now));
}

bool IssuerKeys::resting(const Issuer& issuer, Time now) const {
  return issuer.asked_at && within(*issuer.asked_at, now, pause(issuer));
}

bool IssuerKeys::once_more(const Issuer& issuer, Time now) const {
  return issuer.known && !(issuer.asked_more_at && within(*issuer.asked_more_at, now, pause(issuer)));
}

std::chrono::seconds IssuerKeys::pause(const Issuer& issuer) const {
  if (issuer.known) return limits_.between_fetches;
  const unsigned doublings = std::min(issuer.failures > 0 ? issuer.failures - 1 : 0, 16u);
  return std::min(limits_.after_failure * (1u << doublings),
                  std::max(limits_.after_failure, limits_.longest_pause));
}

Result<std::string> IssuerKeys::get(const std::string& url) {
  FetchRequest request;
  request.url = url;
  auto answer = fetcher_.fetch(request);
  if (!answer) return answer.error();
  if (answer->status != 200)
    return Error{Errc::unavailable,
                 fmt::format("{} answered with status {}", oci::quote(url), answer->status)};
  return std::move(answer->body);
}

std::vector<Step> IssuerKeys::probe(std::string_view issuer) {
  std::vector<Step> steps;
  const auto broken_off = [&steps](std::string name, std::string why) {
    steps.push_back({std::move(name), false, std::move(why)});
    return steps;
  };
  const std::string address = discovery_url(issuer);
  const auto document = get(address);
  if (!document) return broken_off("discovery", fmt::format("{}: {}", address, document.error().message));
  const auto discovery = parse_discovery(*document, issuer, plain_);
  if (!discovery) return broken_off("discovery", fmt::format("{}: {}", address, discovery.error().message));
  steps.push_back({"discovery", true, fmt::format("{} is {}'s", address, issuer)});
  const bool log_in = !discovery->authorization_endpoint.empty() && !discovery->token_endpoint.empty();
  steps.push_back({"endpoints", log_in,
                   log_in
                       ? fmt::format("people log in at {}", discovery->authorization_endpoint)
                       : std::string("it names no authorization and token endpoint that may be used here")});
  const auto published = get(discovery->jwks_uri);
  if (!published)
    return broken_off("keys", fmt::format("{}: {}", discovery->jwks_uri, published.error().message));
  const auto keys = KeySet::parse(*published);
  if (!keys) return broken_off("keys", fmt::format("{}: {}", discovery->jwks_uri, keys.error().message));
  steps.push_back(
      {"keys", keys->size() > 0,
       fmt::format("{} has {} keys that can verify a token here", discovery->jwks_uri, keys->size())});
  return steps;
}

Result<std::shared_ptr<const IssuerKeys::Known>> IssuerKeys::load(std::string_view issuer) {
  auto known = std::make_shared<Known>();
  const auto document = get(discovery_url(issuer));
  if (!document) return document.error();
  auto discovery = parse_discovery(*document, issuer, plain_);
  if (!discovery) return discovery.error();
  const auto published = get(discovery->jwks_uri);
  if (!published) return published.error();
  auto keys = KeySet::parse(*published);
  if (!keys) return keys.error();
  known->discovery = *std::move(discovery);
  known->keys = *std::move(keys);
  known->fetched_at = clock_.now();
  return std::shared_ptr<const Known>(std::move(known));
}

}  // namespace bulkhead::identity
