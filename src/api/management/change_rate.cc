#include "api/management/change_rate.h"

#include <algorithm>

namespace bulkhead::api::management {
namespace {

constexpr Time::duration kBucket = std::chrono::hours(1);
constexpr std::size_t kFew = 1024;

}  // namespace

ChangeRate::ChangeRate(std::uint32_t per_hour)
    : each_(kBucket / std::max<std::uint32_t>(per_hour, 1)), look_at_(kFew) {}

std::optional<std::chrono::seconds> ChangeRate::take(std::string_view whose, Time now) {
  const std::lock_guard lock(mutex_);
  auto found = full_at_.find(whose);
  if (found == full_at_.end()) {
    if (full_at_.size() >= look_at_) forget_before(now);
    found = full_at_.emplace(whose, now).first;
  }
  // A clock that was set back takes nobody more than a bucket.
  const Time from = std::clamp(found->second, now, now + kBucket);
  const Time::duration over = from + each_ - (now + kBucket);
  if (over > Time::duration::zero()) return std::chrono::ceil<std::chrono::seconds>(over);
  found->second = from + each_;
  return std::nullopt;
}

std::size_t ChangeRate::size() const {
  const std::lock_guard lock(mutex_);
  return full_at_.size();
}

void ChangeRate::forget_before(Time now) {
  std::erase_if(full_at_, [now](const auto& entry) { return entry.second <= now; });
  look_at_ = std::max(kFew, 2 * full_at_.size());
}

}  // namespace bulkhead::api::management
