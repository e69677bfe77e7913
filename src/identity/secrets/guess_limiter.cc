#include "identity/secrets/guess_limiter.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/subscriber_network.h"

namespace bulkhead::identity {
namespace {

// Between a subject and where guesses at it come from; neither holds it.
constexpr char kJoint = '\n';

// How often it is kept beyond the process where a subject was seen.
constexpr std::chrono::hours kKept{24};

std::string_view subject_of(std::string_view key) { return key.substr(0, key.find(kJoint)); }

}  // namespace

GuessLimiter::GuessLimiter(const GuessLimits& limits)
    : limits_(limits),
      by_source_(limits.per_source, limits.window, limits.remembered),
      by_subject_(limits.in_all, limits.window_in_all, limits.remembered),
      by_network_(limits.per_network, limits.window, limits.remembered),
      by_wider_{
          Attempts(std::max(limits.in_all / 2, limits.per_source), limits.window_in_all, limits.remembered),
          Attempts(std::max(limits.in_all / 4, limits.per_source), limits.window_in_all, limits.remembered)} {
}

bool GuessLimiter::knows(std::string_view subject, std::string_view network, Time now) const {
  const auto found = by_name_.find(subject);
  if (found == by_name_.end()) return false;
  return std::ranges::any_of(found->second->networks, [&](const Seen& seen) {
    return seen.network == network && now < seen.at + limits_.known_for;
  });
}

GuessLimiter::Guess GuessLimiter::keys(std::string_view subject, const GuessSource& source, Time now) const {
  Guess guess;
  if (source.session != 0) {
    guess.by_source = fmt::format("{}{}session:{}", subject, kJoint, source.session);
    return guess;
  }
  guess.by_source = fmt::format("{}{}{}", subject, kJoint, source.network);
  const bool known = knows(subject, source.network, now);
  if (limits_.in_all != 0) guess.by_subject = known ? guess.by_source : std::string(subject) + kJoint;
  if (limits_.per_network != 0 && !known) guess.by_network = source.network;
  if (limits_.in_all != 0 && !known)
    for (const std::string& wider : wider_ipv6_networks(source.network))
      guess.by_wider.push_back(fmt::format("{}{}{}", subject, kJoint, wider));
  return guess;
}

std::optional<std::chrono::seconds> GuessLimiter::refused_for(std::string_view subject,
                                                              const GuessSource& source, Time now) const {
  const Guess guess = keys(subject, source, now);
  auto wait = by_source_.refused_for(guess.by_source, now);
  if (!guess.by_subject.empty()) wait = std::max(wait, by_subject_.refused_for(guess.by_subject, now));
  if (!guess.by_network.empty()) wait = std::max(wait, by_network_.refused_for(guess.by_network, now));
  for (std::size_t i = 0; i < guess.by_wider.size(); ++i)
    wait = std::max(wait, by_wider_.at(i).refused_for(guess.by_wider[i], now));
  return wait;
}

bool GuessLimiter::has_room(std::string_view subject, const GuessSource& source, Time now) const {
  const Guess guess = keys(subject, source, now);
  for (std::size_t i = 0; i < guess.by_wider.size(); ++i)
    if (!by_wider_.at(i).has_room(guess.by_wider[i], now)) return false;
  return by_source_.has_room(guess.by_source, now) &&
         (guess.by_subject.empty() || by_subject_.has_room(guess.by_subject, now)) &&
         (guess.by_network.empty() || by_network_.has_room(guess.by_network, now));
}

GuessLimiter::Guess GuessLimiter::begin(std::string_view subject, const GuessSource& source, Time now) {
  Guess guess = keys(subject, source, now);
  // From a network that knows the subject guesses at others count too, and do not close it for this one.
  if (limits_.per_network != 0 && source.session == 0) guess.by_network = source.network;
  by_source_.begin(guess.by_source, now);
  if (!guess.by_subject.empty()) by_subject_.begin(guess.by_subject, now);
  if (!guess.by_network.empty()) by_network_.begin(guess.by_network, now);
  for (std::size_t i = 0; i < guess.by_wider.size(); ++i) by_wider_.at(i).begin(guess.by_wider[i], now);
  return guess;
}

void GuessLimiter::fail(const Guess& guess, Time now) {
  by_source_.fail(guess.by_source, now);
  if (!guess.by_subject.empty()) by_subject_.fail(guess.by_subject, now);
  if (!guess.by_network.empty()) by_network_.fail(guess.by_network, now);
  for (std::size_t i = 0; i < guess.by_wider.size(); ++i) by_wider_.at(i).fail(guess.by_wider[i], now);
}

void GuessLimiter::abandon(const Guess& guess) {
  by_source_.abandon(guess.by_source);
  let_go(guess);
}

void GuessLimiter::let_go(const Guess& guess) {
  if (!guess.by_subject.empty()) by_subject_.abandon(guess.by_subject);
  if (!guess.by_network.empty()) by_network_.abandon(guess.by_network);
  for (std::size_t i = 0; i < guess.by_wider.size(); ++i) by_wider_.at(i).abandon(guess.by_wider[i]);
}

bool GuessLimiter::succeed(const Guess& guess, std::string_view subject, const GuessSource& source,
                           Time now) {
  by_source_.succeed(guess.by_source);
  let_go(guess);
  if (source.session != 0) return false;
  Seen& seen = remember(subject, source.network, now);
  if (now >= seen.kept && now - seen.kept < kKept) return false;
  seen.kept = now;
  return true;
}

void GuessLimiter::note(std::string_view subject, const std::string& network, Time at) {
  remember(subject, network, at).kept = at;
}

GuessLimiter::Seen& GuessLimiter::remember(std::string_view subject, const std::string& network, Time now) {
  auto found = by_name_.find(subject);
  if (found == by_name_.end()) {
    subjects_.push_front({std::string(subject), {}});
    found = by_name_.emplace(subjects_.front().name, subjects_.begin()).first;
    if (subjects_.size() > std::max<std::size_t>(1, limits_.remembered)) {
      by_name_.erase(subjects_.back().name);
      subjects_.pop_back();
    }
  } else {
    subjects_.splice(subjects_.begin(), subjects_, found->second);
  }
  auto& networks = subjects_.front().networks;
  const auto before = std::ranges::find(networks, network, &Seen::network);
  if (before == networks.end())
    networks.insert(networks.begin(), {network, now, {}});
  else
    std::rotate(networks.begin(), before, std::next(before));
  networks.front().at = now;
  if (networks.size() > limits_.known_networks) networks.pop_back();
  return networks.front();
}

void GuessLimiter::forget(const std::function<bool(std::string_view subject)>& meant, bool networks_too) {
  const auto of_key = [&](std::string_view key) { return meant(subject_of(key)); };
  by_source_.forget(of_key);
  by_subject_.forget(of_key);
  for (Attempts& wider : by_wider_) wider.forget(of_key);
  if (!networks_too) return;
  for (auto subject = subjects_.begin(); subject != subjects_.end();) {
    const auto here = subject++;
    if (!meant(here->name)) continue;
    by_name_.erase(here->name);
    subjects_.erase(here);
  }
}

}  // namespace bulkhead::identity
