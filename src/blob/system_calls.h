// The system calls that the filesystem store is made of. They are an interface so that tests can make each of
// them fail, stop the process before it, or lose what was not synced (testing/faulty_system_calls.h,
// testing/power_cut.h).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <memory>

#include "base/bytes.h"
#include "base/error.h"

namespace bulkhead::blob {

// Each behaves as the manual page of the call it is named after: -1 and errno on failure. Thread-safe.
class SystemCalls {
 public:
  virtual ~SystemCalls() = default;
  virtual int open(const std::filesystem::path& path, int flags, unsigned mode) = 0;  // O_CLOEXEC is added
  virtual ssize_t pread(int fd, std::span<std::byte> into, std::uint64_t offset) = 0;
  virtual ssize_t pwrite(int fd, Bytes bytes, std::uint64_t offset) = 0;
  virtual int ftruncate(int fd, std::uint64_t size) = 0;
  virtual int fdatasync(int fd) = 0;
  virtual int fsync(int fd) = 0;
  // sync_file_range(2) with SYNC_FILE_RANGE_WRITE: starts writing dirty pages and waits for none.
  virtual int start_writeback(int fd, std::uint64_t offset, std::uint64_t count) = 0;
  virtual int rename(const std::filesystem::path& from, const std::filesystem::path& to) = 0;
  virtual int unlink(const std::filesystem::path& path) = 0;
  virtual int mkdir(const std::filesystem::path& path, unsigned mode) = 0;
};

// The machine's own. A write that would leave less than `reserve` bytes free (or a tenth of a small disk) fails as on a
// full disk: what deletes and the database still need to write is then never taken by blobs.
std::shared_ptr<SystemCalls> make_posix_system_calls(std::uint64_t reserve = 0);

// The error for a failed call: EIO is Errc::corrupt, a file or disk that can grow no further is
// Errc::no_space.
Error io_error(std::string_view doing, const std::filesystem::path& path, int error_number);

// Fills `into`, short only at the end of the file.
Result<std::size_t> read_at(SystemCalls& calls, int fd, std::uint64_t offset, std::span<std::byte> into,
                            const std::filesystem::path& path);
Result<void> write_at(SystemCalls& calls, int fd, std::uint64_t offset, Bytes bytes,
                      const std::filesystem::path& path);
// Makes the entries of a directory durable.
Result<void> sync_entries(SystemCalls& calls, const std::filesystem::path& directory);

}  // namespace bulkhead::blob
