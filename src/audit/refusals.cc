#include "audit/refusals.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "base/subscriber_network.h"

namespace bulkhead::audit {
namespace {

constexpr std::chrono::minutes kMinute{1};

// Parts of one share that are counted each by itself.
constexpr std::size_t kPartsOfShare = 64;

// A clock that was set back ends it as well.
bool over(Time begin, Time now) { return now < begin || now - begin >= kMinute; }

enum KindOf : std::size_t { kRequestOfStranger, kLoginOfAnybody, kLoginOfAccount, kRequestOfAccount };

struct Key {
  std::size_t kind = 0;
  std::string share;
  std::string part;
};

// Failed log-ins that say nothing of whether the account exists: whoever likes makes up its name.
bool may_be_nobodys(std::string_view detail) {
  constexpr std::array<std::string_view, 5> kOfAnybody{"unknown_account", "rate_limited", "wrong_token",
                                                       "token_as_password", "wrong_bearer"};
  return detail.starts_with('{') || std::ranges::find(kOfAnybody, detail) != kOfAnybody.end();
}

// Between the pieces of a key, none of which holds it.
constexpr char kJoint = '\n';

Key key_of(const EventView& event) {
  std::string network = network_of(event.address);
  if (event.action == Action::login_failed) {
    const std::string_view name = event.target.empty() ? event.account : event.target;
    if (name.empty() || may_be_nobodys(event.detail))
      return {kLoginOfAnybody, std::move(network), std::string(name)};
    return {kLoginOfAccount, std::string(name), std::move(network)};
  }
  if (event.account.empty()) return {kRequestOfStranger, std::move(network), {}};
  // A robot is named OWNER+NAME.
  return {kRequestOfAccount, std::string(event.account.substr(0, event.account.find('+'))),
          fmt::format("{}{}{}{}{}", event.account, kJoint, event.target, kJoint, network)};
}

}  // namespace

void Refusals::sum(std::size_t kind, const std::string& name, Share& share, std::vector<Event>& sums) {
  for (auto& [part_name, part] : share.parts) {
    if (part.more == 0) continue;
    Event event = std::move(part.last);
    event.detail = fmt::format(R"({{"more":{},"since":"{}"}})", part.more, to_rfc3339(share.begin));
    // Those are one's, and these are many.
    event.origin.request_id.clear();
    event.repository.clear();
    if (part_name.empty()) {
      event.target = kind == kLoginOfAccount ? name : std::string();
      event.origin.account = kind == kRequestOfAccount ? name : std::string();
      event.origin.credential.clear();
    }
    sums.push_back(std::move(event));
  }
  kinds_[kind].parts -= share.parts.size();
  share = {};
}

Refusals::Shares::value_type& Refusals::share_of(Kind& kind, std::string name) const {
  auto found = kind.shares.find(name);
  if (found == kind.shares.end()) {
    if (kind.shares.size() >= limits_.shares / kKinds) name.clear();
    found = kind.shares.try_emplace(std::move(name)).first;
  }
  return *found;
}

Refusals::Part& Refusals::part_of(Kind& kind, Share& share, std::string name) const {
  auto found = share.parts.find(name);
  if (found == share.parts.end()) {
    if (share.parts.size() >= kPartsOfShare || kind.parts >= limits_.shares / kKinds) name.clear();
    const auto [at, fresh] = share.parts.try_emplace(std::move(name));
    kind.parts += fresh ? 1 : 0;
    found = at;
  }
  return found->second;
}

bool Refusals::has_room(const Kind& kind, const Share& share, const Part& part, bool divided) const {
  const std::uint64_t in_all = std::max<std::uint64_t>(limits_.in_all / kKinds, 1);
  const std::uint64_t others = kind.told - std::min(kind.told, share.told);
  if (others >= in_all) return false;
  const std::uint64_t whole = std::min<std::uint64_t>(limits_.per_minute, in_all);
  const std::uint64_t most = (whole * (in_all - others) + in_all - 1) / in_all;
  if (share.told >= most) return false;
  return !divided || std::uint64_t{2} * part.told < most - (share.told - part.told);
}

bool Refusals::tell(const EventView& event, std::vector<Event>& sums) {
  Key key = key_of(event);
  Kind& kind = kinds_[key.kind];
  if (over(kind.begin, event.at)) {
    kind.begin = event.at;
    kind.told = 0;
  }
  auto& [name, share] = share_of(kind, std::move(key.share));
  if (over(share.begin, event.at)) {
    sum(key.kind, name, share, sums);
    share.begin = event.at;
  }
  const bool divided = !key.part.empty();
  Part& part = part_of(kind, share, std::move(key.part));
  if (has_room(kind, share, part, divided)) {
    ++part.told;
    ++share.told;
    ++kind.told;
    return true;
  }
  ++part.more;
  if (part.more == 1) part.last = to_event(event);
  part.last.at = event.at;
  return false;
}

void Refusals::collect(Time now, std::vector<Event>& sums) {
  for (std::size_t kind = 0; kind < kKinds; ++kind) {
    auto& shares = kinds_[kind].shares;
    for (auto at = shares.begin(); at != shares.end();) {
      const bool ended = over(at->second.begin, now);
      if (ended) sum(kind, at->first, at->second, sums);
      at = ended ? shares.erase(at) : std::next(at);
    }
  }
}

void Refusals::collect_all(std::vector<Event>& sums) {
  for (std::size_t kind = 0; kind < kKinds; ++kind) {
    for (auto& [name, share] : kinds_[kind].shares) sum(kind, name, share, sums);
    kinds_[kind].shares.clear();
  }
}

}  // namespace bulkhead::audit
