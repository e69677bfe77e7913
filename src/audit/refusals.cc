#include "audit/refusals.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "base/log.h"
#include "base/subscriber_network.h"

namespace bulkhead::audit {
namespace {

constexpr std::chrono::minutes kMinute{1};

// Parts of one share that are counted each by itself, and how many of them may be robots'.
constexpr std::size_t kPartsOfShare = 64;
constexpr std::size_t kPartsOfRobots = 48;
// How many things asked for a part with others in it names.
constexpr std::size_t kTargets = 32;

// No account is named so.
constexpr std::string_view kRestOfOwn = "\n";

// A clock that was set back ends it as well.
bool over(Time begin, Time now) { return now < begin || now - begin >= kMinute; }

enum KindOf : std::size_t { kRequestOfStranger, kLoginOfAnybody, kLoginOfAccount, kRequestOfAccount };

struct Key {
  std::size_t kind = 0;
  std::string share;
  std::string part;
  bool robots = false;
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
          fmt::format("{}{}{}{}{}", event.account, kJoint, event.target, kJoint, network),
          event.account.find('+') != event.account.npos};
}

bool is_rest(std::string_view part) { return part.empty() || part == kRestOfOwn; }

std::string list_of(const std::set<std::string>& targets) {
  std::string list;
  for (const std::string& target : targets)
    list += fmt::format("{}{}", list.empty() ? "" : ",", json_quote(target));
  return list;
}

}  // namespace

void Refusals::sum(std::size_t kind, const std::string& name, Share& share, std::vector<Event>& sums) {
  for (auto& [part_name, part] : share.parts) {
    if (part.more == 0) continue;
    Event event = std::move(part.last);
    event.detail =
        fmt::format(R"({{"more":{},"since":"{}"{}}})", part.more, to_rfc3339(share.begin),
                    part.targets.empty() ? "" : fmt::format(R"(,"targets":[{}])", list_of(part.targets)));
    // Those are one's, and these are many.
    event.origin.request_id.clear();
    event.repository.clear();
    if (is_rest(part_name)) {
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

// `name` becomes that of the part.
Refusals::Part& Refusals::part_of(Kind& kind, Share& share, std::string& name, bool robots) const {
  auto found = share.parts.find(name);
  if (found == share.parts.end()) {
    const bool own = &kind == &kinds_[kRequestOfAccount] && !robots;
    if (share.parts.size() >= kPartsOfShare || (robots && share.of_robots >= kPartsOfRobots) ||
        kind.parts >= limits_.shares / kKinds)
      name = own ? kRestOfOwn : std::string_view();
    const auto [at, fresh] = share.parts.try_emplace(name);
    kind.parts += fresh ? 1 : 0;
    share.of_robots += fresh && robots ? 1 : 0;
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
  Part& part = part_of(kind, share, key.part, key.robots);
  if (has_room(kind, share, part, divided)) {
    ++part.told;
    ++share.told;
    ++kind.told;
    return true;
  }
  ++part.more;
  if (part.more == 1) part.last = to_event(event);
  part.last.at = event.at;
  if (key.kind == kRequestOfAccount && is_rest(key.part) && part.targets.size() < kTargets)
    part.targets.emplace(event.target);
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
