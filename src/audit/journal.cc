// Two sides share the open segment. Appending threads hold a mutex for one write(2), so that a record that
// did not fit on the disk can be taken back before another follows it. The background thread holds it only to
// look at the state: syncing, sealing and the budget happen outside of it.
#include "audit/journal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include "audit/little_endian.h"
#include "audit/record.h"
#include "audit/recovery.h"
#include "audit/seal.h"
#include "audit/segment.h"
#include "base/clock.h"
#include "base/file.h"
#include "crypto/hash.h"

namespace bulkhead::audit {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::uint64_t kMinSegmentBytes = std::uint64_t{64} << 10;
constexpr auto kSyncInterval = std::chrono::seconds(1);
constexpr auto kSealRetryInterval = std::chrono::minutes(1);
constexpr auto kFailureLogInterval = std::chrono::seconds(10);
constexpr int kBackgroundNice = 10;

struct OpenSegment {
  std::uint64_t number;
  std::uint32_t salt;
  std::filesystem::path path;
  FileDescriptor file;
};

Result<std::shared_ptr<OpenSegment>> create_segment(const std::filesystem::path& directory,
                                                    std::uint64_t number) {
  SegmentHeader header{.number = number, .created_at = SystemClock().now()};
  header.salt = load<std::uint32_t>(as_bytes(crypto::random_bytes(sizeof header.salt)).data());
  const auto path = raw_path(directory, number);
  auto file = open_file(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND);
  if (!file) return file.error();
  if (auto written = write_all(file->get(), header.render(), path); !written) {
    ::unlink(path.c_str());
    return written.error();
  }
  return std::make_shared<OpenSegment>(OpenSegment{number, header.salt, path, std::move(*file)});
}

class FileJournal final : public Journal {
 public:
  FileJournal(std::filesystem::path directory, const JournalLimits& limits, Log& log, FileDescriptor lock,
              std::shared_ptr<OpenSegment> open, std::uint64_t size, std::vector<std::uint64_t> unsealed)
      : directory_(std::move(directory)),
        limits_(limits),
        log_(log),
        lock_(std::move(lock)),
        open_(std::move(open)),
        size_(size),
        rotate_at_(limits.segment_bytes),
        unsealed_(std::move(unsealed)),
        background_([this](std::stop_token stop) { run(stop); }) {}

  ~FileJournal() override {
    background_.request_stop();
    wake_.notify_all();
    background_.join();
    sync();
  }

  void append(const Event& event) override { observe(view(event)); }

  void observe(const EventView& event) override {
    RecordBuffer record;
    record.encode(event);
    std::optional<Error> failure;
    std::uint64_t lost = 0;
    {
      const std::lock_guard lock(mutex_);
      if (size_ + record.bytes().size() > rotate_at_) failure = rotate();
      record.salt(open_->salt);
      if (auto written = write(record.bytes()); !written) {
        failure = written.error();
        lost = failed_appends_.fetch_add(1, std::memory_order_relaxed) + 1;
      }
      if (failure && Steady::now() < next_failure_log_) failure.reset();
      if (failure) next_failure_log_ = Steady::now() + kFailureLogInterval;
    }
    if (failure)
      log_.error(
          lost > 0 ? "cannot append to the journal; events are lost" : "cannot begin a new journal segment",
          {{"why", failure->message}, {"lost", lost}});
  }

  std::uint64_t failed_appends() const override { return failed_appends_.load(std::memory_order_relaxed); }
  std::uint64_t removed_segments() const override {
    return removed_segments_.load(std::memory_order_relaxed);
  }

 private:
  // Needs the mutex. Leaves no part of a record that could not be written whole.
  Result<void> write(Bytes record) {
    auto written = write_all(open_->file.get(), record, open_->path);
    if (written) {
      size_ += record.size();
      return {};
    }
    if (::ftruncate(open_->file.get(), static_cast<off_t>(size_)) != 0) {
      // A reader steps over the torn record; what follows it goes into another segment when one can be made.
      const auto size = file_size(open_->file.get(), open_->path);
      if (size) size_ = *size;
      rotate_at_ = 0;
    }
    return written.error();
  }

  // Needs the mutex. Where no new segment can be made, the old one goes on for a while.
  std::optional<Error> rotate() {
    auto next = create_segment(directory_, open_->number + 1);
    if (!next) {
      rotate_at_ = size_ + limits_.segment_bytes / 16;
      return next.error();
    }
    closed_.push_back(std::exchange(open_, std::move(*next)));
    size_ = kSegmentHeaderBytes;
    rotate_at_ = limits_.segment_bytes;
    wake_.notify_one();
    return std::nullopt;
  }

  void run(const std::stop_token& stop) {
    // On Linux this is the calling thread's alone.
    ::setpriority(PRIO_PROCESS, 0, kBackgroundNice);
    bool changed = true;
    while (!stop.stop_requested()) {
      changed |= sync();
      const bool sealed = seal(stop);
      if (changed || sealed) keep_budget();
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, stop, kSyncInterval, [this] { return !closed_.empty(); });
      changed = false;
    }
  }

  // Makes what was appended durable. True when segments were closed since the last time.
  bool sync() {
    std::vector<std::shared_ptr<OpenSegment>> closed;
    std::shared_ptr<OpenSegment> open;
    std::uint64_t size = 0;
    {
      const std::lock_guard lock(mutex_);
      closed.swap(closed_);
      open = open_;
      size = size_;
    }
    last_sync_ = Steady::now();
    for (const auto& segment : closed) {
      report(sync_file(segment->file.get(), segment->path));
      unsealed_.push_back(segment->number);
    }
    if (open->number != synced_number_) report(sync_directory(directory_));
    if (open->number != synced_number_ || size != synced_size_)
      report(sync_file(open->file.get(), open->path));
    synced_number_ = open->number;
    synced_size_ = size;
    return !closed.empty();
  }

  void report(const Result<void>& result) {
    if (!result)
      log_.error("cannot sync the journal; a power cut may lose more than the last second",
                 {{"why", result.error().message}});
  }

  bool seal(const std::stop_token& stop) {
    bool sealed_any = false;
    while (!unsealed_.empty() && !stop.stop_requested() && Steady::now() >= next_seal_) {
      const std::uint64_t number = unsealed_.front();
      auto sealed = seal_segment(directory_, number, [&] {
        if (Steady::now() - last_sync_ >= kSyncInterval) sync();
        return !stop.stop_requested();
      });
      if (sealed && !*sealed) break;
      if (!sealed && sealed.error().code == Errc::not_found) {
        // It went when the journal was over its budget, before its turn.
        log_.debug("a journal segment went before it was sealed", {{"segment", number}});
      } else if (!sealed) {
        log_.error("cannot seal a journal segment",
                   {{"file", raw_path(directory_, number).string()}, {"why", sealed.error().message}});
        const bool hopeless =
            sealed.error().code == Errc::corrupt || sealed.error().code == Errc::unsupported;
        if (!hopeless) {
          next_seal_ = Steady::now() + kSealRetryInterval;
          break;
        }
      } else {
        sealed_any = true;
        report_sealed(number, **sealed);
      }
      unsealed_.erase(unsealed_.begin());
    }
    return sealed_any;
  }

  void report_sealed(std::uint64_t number, const Sealed& sealed) {
    log_.debug("sealed a journal segment", {{"segment", number},
                                            {"records", sealed.records},
                                            {"bytes", sealed.raw_bytes},
                                            {"stored_bytes", sealed.stored_bytes}});
    if (sealed.damaged_bytes > 0)
      log_.error("a journal segment holds bytes that cannot be read",
                 {{"segment", number}, {"bytes", sealed.damaged_bytes}});
    if (sealed.cut_bytes > 0)
      log_.warning("cut the torn end of a journal segment",
                   {{"segment", number}, {"bytes", sealed.cut_bytes}});
  }

  // Leaves room for the open segment to become full.
  void keep_budget() {
    auto listing = list_directory(directory_);
    if (!listing) return;
    std::uint64_t open = 0;
    {
      const std::lock_guard lock(mutex_);
      open = open_->number;
    }
    std::uint64_t total = limits_.segment_bytes;
    for (const SegmentFiles& files : listing->segments)
      if (files.number < open) total += stored_bytes(directory_, files);
    for (const SegmentFiles& files : listing->segments) {
      if (total <= limits_.total_bytes || files.number >= open) return;
      const std::uint64_t bytes = stored_bytes(directory_, files);
      // The index last: a sealed segment without one can still be read, an index alone is nothing.
      for (const auto& path : {raw_path(directory_, files.number), sealed_path(directory_, files.number),
                               index_path(directory_, files.number)})
        ::unlink(path.c_str());
      total -= bytes;
      std::erase(unsealed_, files.number);
      removed_segments_.fetch_add(1, std::memory_order_relaxed);
      log_.warning("the journal is over its budget: removed its oldest segment and the events in it",
                   {{"segment", files.number}, {"bytes", bytes}, {"budget", limits_.total_bytes}});
    }
  }

  const std::filesystem::path directory_;
  const JournalLimits limits_;
  Log& log_;
  const FileDescriptor lock_;

  std::mutex mutex_;
  std::condition_variable_any wake_;
  // Under the mutex.
  std::shared_ptr<OpenSegment> open_;
  std::uint64_t size_;
  std::uint64_t rotate_at_;
  std::vector<std::shared_ptr<OpenSegment>> closed_;
  Steady::time_point next_failure_log_{};

  std::atomic<std::uint64_t> failed_appends_{0};
  std::atomic<std::uint64_t> removed_segments_{0};

  // The background thread's.
  std::vector<std::uint64_t> unsealed_;
  std::uint64_t synced_number_ = 0;
  std::uint64_t synced_size_ = 0;
  Steady::time_point last_sync_{};
  Steady::time_point next_seal_{};

  std::jthread background_;
};

Result<FileDescriptor> lock_directory(const std::filesystem::path& directory) {
  auto fd = open_file(directory, O_RDONLY | O_DIRECTORY);
  if (!fd) return fd.error();
  if (::flock(fd->get(), LOCK_EX | LOCK_NB) == 0) return fd;
  if (errno == EWOULDBLOCK)
    return Error{Errc::conflict, fmt::format("the journal {} is in use by another process; stop it first",
                                             directory.string())};
  return system_error("lock", directory, errno);
}

}  // namespace

Result<std::unique_ptr<Journal>> Journal::open(const std::filesystem::path& directory,
                                               const JournalLimits& limits, Log& log) {
  if (limits.segment_bytes < kMinSegmentBytes || limits.total_bytes / 2 < limits.segment_bytes)
    return Error{
        Errc::invalid_argument,
        fmt::format("the journal needs segments of at least {} bytes and a budget of at least two of them; "
                    "they are {} and {}",
                    kMinSegmentBytes, limits.segment_bytes, limits.total_bytes)};
  if (auto made = make_directories(directory); !made) return made.error();
  auto lock = lock_directory(directory);
  if (!lock) return lock.error();
  auto recovered = recover(directory, log);
  if (!recovered) return recovered.error();

  std::shared_ptr<OpenSegment> open;
  std::uint64_t size = kSegmentHeaderBytes;
  if (recovered->open) {
    const auto path = raw_path(directory, recovered->open->number);
    auto file = open_file(path, O_WRONLY | O_APPEND);
    if (!file) return file.error();
    size = recovered->open->size;
    open = std::make_shared<OpenSegment>(
        OpenSegment{recovered->open->number, recovered->open->salt, path, std::move(*file)});
  } else {
    auto created = create_segment(directory, recovered->last_number + 1);
    if (!created) return created.error();
    open = std::move(*created);
  }
  return std::unique_ptr<Journal>(std::make_unique<FileJournal>(
      directory, limits, log, std::move(*lock), std::move(open), size, std::move(recovered->unsealed)));
}

}  // namespace bulkhead::audit
