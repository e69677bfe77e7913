// System calls that go wrong when told to.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "blob/system_calls.h"

namespace bulkhead::blob {

enum class Call { open, pread, pwrite, ftruncate, fdatasync, fsync, start_writeback, rename, unlink, mkdir };

// Passes calls on to `inner`. Thread-safe; faults and hooks may be set while calls run.
class FaultySystemCalls final : public SystemCalls {
 public:
  explicit FaultySystemCalls(std::shared_ptr<SystemCalls> inner = make_posix_system_calls());

  // The `nth` such call from now on (1 is the next) fails with `error_number`, without having any effect.
  void fail(Call call, int error_number, unsigned nth = 1);
  // The `nth` call of any kind from now on and all after it fail: the disk is gone.
  void fail_all(int error_number, unsigned nth = 1);
  // Reads and writes move at most `most` bytes at a time.
  void shorten(std::size_t most);
  // The byte at this offset of whatever file is read has one bit turned over.
  void flip_bit_at(std::uint64_t offset);
  // Called before each call takes effect; the place to stop the process.
  void before_each(std::function<void(Call)> hook);
  // Removes all of these.
  void heal();

  // The calls made so far that succeeded, in their order.
  std::vector<Call> calls() const;
  std::size_t count(Call call) const;
  // Bytes that went to files opened with O_DIRECT.
  std::uint64_t written_directly() const;

  int open(const std::filesystem::path& path, int flags, unsigned mode) override;
  ssize_t pread(int fd, std::span<std::byte> into, std::uint64_t offset) override;
  ssize_t pwrite(int fd, Bytes bytes, std::uint64_t offset) override;
  int ftruncate(int fd, std::uint64_t size) override;
  int fdatasync(int fd) override;
  int fsync(int fd) override;
  int start_writeback(int fd, std::uint64_t offset, std::uint64_t count) override;
  int rename(const std::filesystem::path& from, const std::filesystem::path& to) override;
  int unlink(const std::filesystem::path& path) override;
  int mkdir(const std::filesystem::path& path, unsigned mode) override;

 private:
  struct Fault {
    std::optional<Call> call;  // none: any
    int error_number;
    unsigned remaining;
    bool lasting;
  };

  // False with errno set when the call is to fail.
  bool admit(Call call);
  template <class Result>
  Result made(Call call, Result result);
  std::size_t shortened(std::size_t size) const;

  std::shared_ptr<SystemCalls> inner_;
  mutable std::mutex mutex_;
  std::vector<Fault> faults_;
  std::vector<Call> calls_;
  std::function<void(Call)> hook_;
  std::optional<std::size_t> most_;
  std::optional<std::uint64_t> flipped_;
  std::uint64_t directly_ = 0;
};

}  // namespace bulkhead::blob
