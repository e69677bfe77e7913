#include "audit/split_journal.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include "audit/journal_set.h"

namespace bulkhead::audit {
namespace {

constexpr std::chrono::seconds kCollectInterval{5};
constexpr std::uint64_t kLeastSegment = std::uint64_t{64} << 10;

Lane lane_of(const EventView& event) {
  if (event.action == Action::request_denied || event.action == Action::login_failed) return Lane::refused;
  return event.account.empty() ? Lane::anonymous : Lane::accounts;
}

class SplitJournal final : public Journal {
 public:
  using Journals = std::array<std::unique_ptr<Journal>, kJournals>;

  SplitJournal(Journals journals, const RefusalLimits& limits)
      : journals_(std::move(journals)),
        refusals_(limits),
        collects_([this](std::stop_token stop) { run(stop); }) {}

  ~SplitJournal() override {
    collects_.request_stop();
    wake_.notify_all();
    collects_.join();
    std::vector<Event> sums;
    refusals_.collect_all(sums);
    write(sums);
  }

  void append(const Event& event) override { observe(view(event)); }

  void observe(const EventView& event) override {
    const Lane lane = lane_of(event);
    if (lane == Lane::refused) {
      std::vector<Event> sums;
      bool told = false;
      {
        const std::lock_guard lock(mutex_);
        told = refusals_.tell(event, sums);
      }
      write(sums);
      if (!told) return;
    }
    journal(lane).observe(event);
  }

  std::uint64_t failed_appends() const override { return sum(&Journal::failed_appends); }
  std::uint64_t removed_segments() const override { return sum(&Journal::removed_segments); }

 private:
  Journal& journal(Lane lane) const { return *journals_[static_cast<std::size_t>(lane)]; }

  std::uint64_t sum(std::uint64_t (Journal::*count)() const) const {
    std::uint64_t all = 0;
    for (const auto& each : journals_) all += (*each.*count)();
    return all;
  }

  void write(const std::vector<Event>& sums) {
    for (const Event& event : sums) journal(Lane::refused).append(event);
  }

  // A flood that has ended is told of within its minute and a little.
  void run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      std::vector<Event> sums;
      {
        std::unique_lock lock(mutex_);
        wake_.wait_for(lock, stop, kCollectInterval, [] { return false; });
        if (!stop.stop_requested()) refusals_.collect(SystemClock().now(), sums);
      }
      write(sums);
    }
  }

  const Journals journals_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  Refusals refusals_;  // under the mutex
  std::jthread collects_;
};

// Two segments at least, and no longer ones than the accounts' are.
JournalLimits part(const JournalLimits& accounts, std::uint64_t bytes, std::uint64_t divisor) {
  JournalLimits limits;
  limits.total_bytes = std::max(bytes != 0 ? bytes : accounts.total_bytes / divisor, 2 * kLeastSegment);
  limits.segment_bytes = std::clamp(limits.total_bytes / 8, kLeastSegment, accounts.segment_bytes);
  return limits;
}

}  // namespace

Result<std::unique_ptr<Journal>> open_split_journal(const std::filesystem::path& directory,
                                                    const SplitLimits& limits, Log& log) {
  constexpr std::uint64_t kAnonymousPart = 5;
  constexpr std::uint64_t kRefusedPart = 10;
  SplitJournal::Journals journals;
  const std::array<std::pair<Lane, JournalLimits>, kJournals> lanes{{
      {Lane::accounts, limits.accounts},
      {Lane::anonymous, part(limits.accounts, limits.anonymous_bytes, kAnonymousPart)},
      {Lane::refused, part(limits.accounts, limits.refused_bytes, kRefusedPart)},
  }};
  for (const auto& [lane, its] : lanes) {
    auto opened = Journal::open(lane_directory(directory, lane), its, log);
    if (!opened) return opened.error();
    journals[static_cast<std::size_t>(lane)] = *std::move(opened);
  }
  return std::unique_ptr<Journal>(std::make_unique<SplitJournal>(std::move(journals), limits.refusals));
}

}  // namespace bulkhead::audit
