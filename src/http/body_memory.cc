#include "http/body_memory.h"

#include <algorithm>
#include <utility>

namespace bulkhead::http {
namespace {

constexpr std::uint64_t kAlone = 8;

}  // namespace

BodyMemory::Lease::Lease(BodyMemory& memory, Holder holder) : memory_(memory), holder_(std::move(holder)) {}

BodyMemory::Lease::~Lease() {
  if (held_ == 0) return;
  const std::lock_guard lock(memory_.mutex_);
  give_back(memory_.all_, held_, due_);
  if (holder_.stranger) give_back(memory_.strangers_, held_, due_);
  const auto at = memory_.holders_.find({holder_.stranger, holder_.name});
  give_back(at->second, held_, due_);
  if (at->second.due.empty()) memory_.holders_.erase(at);
}

Result<void> BodyMemory::Lease::hold(std::uint64_t bytes) {
  if (bytes <= kFree) return {};
  const Instant now = std::chrono::steady_clock::now();
  if (held_ > 0 && now > due_)
    return Error{Errc::timeout, "the request's body takes too long; send it faster, or in smaller parts"};
  const std::uint64_t wanted = bytes - kFree;
  if (wanted <= held_) return {};
  const std::uint64_t more = wanted - held_;
  const BodyMemoryLimits& limits = memory_.limits_;
  const std::lock_guard lock(memory_.mutex_);
  const std::pair key(holder_.stranger, holder_.name);
  const auto at = memory_.holders_.try_emplace(key).first;
  Account& holder = at->second;
  const auto fits = [&](const Account& pool, std::uint64_t size) {
    return pool.held == held_ || holder.held + more <= memory_.share(pool, size, holder, held_);
  };
  const auto refused = [&]() -> Result<void> {
    if (memory_.all_.held == held_) return {};
    if (holder.held > held_ && holder.held + more > limits.of_holder)
      return refusal(Errc::rate_limited,
                     holder_.stranger
                         ? "this network has too many large requests under way"
                         : "this account, with all who share with it, has too many large requests under way",
                     holder);
    if (holder_.stranger && !fits(memory_.strangers_, limits.of_strangers))
      return refusal(Errc::rate_limited, "too many large requests of who is not logged in are under way",
                     memory_.strangers_);
    if (!fits(memory_.all_, limits.in_all))
      return refusal(Errc::unavailable, "too many large requests are under way", memory_.all_);
    return {};
  }();
  if (!refused) {
    if (holder.due.empty()) memory_.holders_.erase(at);
    return refused;
  }
  if (held_ == 0) {
    due_ = now + limits.time;
    memory_.all_.due.insert(due_);
    if (holder_.stranger) memory_.strangers_.due.insert(due_);
    holder.due.insert(due_);
  }
  held_ = wanted;
  memory_.all_.held += more;
  if (holder_.stranger) memory_.strangers_.held += more;
  holder.held += more;
  return {};
}

// One body alone may have a larger part than a small limit on holders allows, so that such a limit does not
// forbid manifests.
std::uint64_t BodyMemory::share(const Account& pool, std::uint64_t size, const Account& holder,
                                std::uint64_t held) const {
  const std::uint64_t others = pool.held - holder.held;
  const std::uint64_t left = size > others ? size - others : 0;
  const double part = std::min(1.0, static_cast<double>(limits_.of_holder) / static_cast<double>(size));
  const auto share = static_cast<std::uint64_t>(static_cast<double>(left) * part);
  return holder.held == held ? std::max(share, left / kAlone) : share;
}

// By then the oldest of those that are in the way has ended.
Error BodyMemory::refusal(Errc code, const char* why, const Account& account) {
  const auto wait =
      std::chrono::ceil<std::chrono::seconds>(*account.due.begin() - std::chrono::steady_clock::now());
  return {code, std::string(why) + "; wait for some of them to end", std::max(wait, std::chrono::seconds(1))};
}

void BodyMemory::give_back(Account& account, std::uint64_t bytes, Instant due) {
  account.held -= bytes;
  account.due.erase(account.due.find(due));
}

std::uint64_t BodyMemory::used() const {
  const std::lock_guard lock(mutex_);
  return all_.held;
}

}  // namespace bulkhead::http
