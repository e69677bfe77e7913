#include "blob/testing/faulty_system_calls.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

namespace bulkhead::blob {

FaultySystemCalls::FaultySystemCalls(std::shared_ptr<SystemCalls> inner) : inner_(std::move(inner)) {}

void FaultySystemCalls::fail(Call call, int error_number, unsigned nth) {
  const std::lock_guard lock(mutex_);
  faults_.push_back({call, error_number, nth, false});
}

void FaultySystemCalls::fail_all(int error_number, unsigned nth) {
  const std::lock_guard lock(mutex_);
  faults_.push_back({std::nullopt, error_number, nth, true});
}

void FaultySystemCalls::shorten(std::size_t most) {
  const std::lock_guard lock(mutex_);
  most_ = most;
}

void FaultySystemCalls::flip_bit_at(std::uint64_t offset) {
  const std::lock_guard lock(mutex_);
  flipped_ = offset;
}

void FaultySystemCalls::before_each(std::function<void(Call)> hook) {
  const std::lock_guard lock(mutex_);
  hook_ = std::move(hook);
}

void FaultySystemCalls::heal() {
  const std::lock_guard lock(mutex_);
  faults_.clear();
  hook_ = nullptr;
  most_.reset();
  flipped_.reset();
}

std::vector<Call> FaultySystemCalls::calls() const {
  const std::lock_guard lock(mutex_);
  return calls_;
}

std::size_t FaultySystemCalls::count(Call call) const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(std::ranges::count(calls_, call));
}

std::uint64_t FaultySystemCalls::written_directly() const {
  const std::lock_guard lock(mutex_);
  return directly_;
}

bool FaultySystemCalls::admit(Call call) {
  std::function<void(Call)> hook;
  int failure = 0;
  {
    const std::lock_guard lock(mutex_);
    hook = hook_;
    for (Fault& fault : faults_) {
      if (fault.call && *fault.call != call) continue;
      if (fault.remaining > 1) {
        --fault.remaining;
      } else if (fault.remaining == 1) {
        failure = fault.error_number;
        if (!fault.lasting) fault.remaining = 0;
      }
    }
  }
  if (hook) hook(call);
  if (failure == 0) return true;
  errno = failure;
  return false;
}

template <class Result>
Result FaultySystemCalls::made(Call call, Result result) {
  const int reason = errno;
  if (result >= 0) {
    const std::lock_guard lock(mutex_);
    calls_.push_back(call);
  }
  errno = reason;
  return result;
}

std::size_t FaultySystemCalls::shortened(std::size_t size) const {
  const std::lock_guard lock(mutex_);
  return std::min(size, most_.value_or(size));
}

int FaultySystemCalls::open(const std::filesystem::path& path, int flags, unsigned mode) {
  return admit(Call::open) ? made(Call::open, inner_->open(path, flags, mode)) : -1;
}

ssize_t FaultySystemCalls::pread(int fd, std::span<std::byte> into, std::uint64_t offset) {
  if (!admit(Call::pread)) return -1;
  const ssize_t count = inner_->pread(fd, into.first(shortened(into.size())), offset);
  if (count > 0) {
    const std::lock_guard lock(mutex_);
    if (flipped_ && *flipped_ >= offset && *flipped_ < offset + static_cast<std::uint64_t>(count))
      into[static_cast<std::size_t>(*flipped_ - offset)] ^= std::byte{1};
  }
  return made(Call::pread, count);
}

ssize_t FaultySystemCalls::pwrite(int fd, Bytes bytes, std::uint64_t offset) {
  if (!admit(Call::pwrite)) return -1;
  const ssize_t count = made(Call::pwrite, inner_->pwrite(fd, bytes.first(shortened(bytes.size())), offset));
  if (count > 0 && (::fcntl(fd, F_GETFL) & O_DIRECT) != 0) {
    const std::lock_guard lock(mutex_);
    directly_ += static_cast<std::uint64_t>(count);
  }
  return count;
}

int FaultySystemCalls::ftruncate(int fd, std::uint64_t size) {
  return admit(Call::ftruncate) ? made(Call::ftruncate, inner_->ftruncate(fd, size)) : -1;
}

int FaultySystemCalls::fdatasync(int fd) {
  return admit(Call::fdatasync) ? made(Call::fdatasync, inner_->fdatasync(fd)) : -1;
}

int FaultySystemCalls::fsync(int fd) {
  return admit(Call::fsync) ? made(Call::fsync, inner_->fsync(fd)) : -1;
}

int FaultySystemCalls::start_writeback(int fd, std::uint64_t offset, std::uint64_t count) {
  return admit(Call::start_writeback)
             ? made(Call::start_writeback, inner_->start_writeback(fd, offset, count))
             : -1;
}

int FaultySystemCalls::rename(const std::filesystem::path& from, const std::filesystem::path& to) {
  return admit(Call::rename) ? made(Call::rename, inner_->rename(from, to)) : -1;
}

int FaultySystemCalls::unlink(const std::filesystem::path& path) {
  return admit(Call::unlink) ? made(Call::unlink, inner_->unlink(path)) : -1;
}

int FaultySystemCalls::mkdir(const std::filesystem::path& path, unsigned mode) {
  return admit(Call::mkdir) ? made(Call::mkdir, inner_->mkdir(path, mode)) : -1;
}

}  // namespace bulkhead::blob
