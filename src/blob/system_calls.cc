#include "blob/system_calls.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>

#include "base/file.h"
#include "blob/room.h"

namespace bulkhead::blob {
namespace {

class PosixSystemCalls final : public SystemCalls {
 public:
  explicit PosixSystemCalls(std::uint64_t reserve) : reserve_(reserve) {}
  int open(const std::filesystem::path& path, int flags, unsigned mode) override {
    return ::open(path.c_str(), flags | O_CLOEXEC, mode);
  }
  ssize_t pread(int fd, std::span<std::byte> into, std::uint64_t offset) override {
    return ::pread(fd, into.data(), into.size(), static_cast<off_t>(offset));
  }
  ssize_t pwrite(int fd, Bytes bytes, std::uint64_t offset) override {
    if (reserve_ > 0 && !leaves_reserve(fd, bytes.size())) {
      errno = ENOSPC;
      return -1;
    }
    return ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
  }
  int ftruncate(int fd, std::uint64_t size) override { return ::ftruncate(fd, static_cast<off_t>(size)); }
  int fdatasync(int fd) override { return ::fdatasync(fd); }
  int fsync(int fd) override { return ::fsync(fd); }
  int start_writeback(int fd, std::uint64_t offset, std::uint64_t count) override {
    return ::sync_file_range(fd, static_cast<off_t>(offset), static_cast<off_t>(count),
                             SYNC_FILE_RANGE_WRITE);
  }
  int rename(const std::filesystem::path& from, const std::filesystem::path& to) override {
    return ::rename(from.c_str(), to.c_str());
  }
  int unlink(const std::filesystem::path& path) override { return ::unlink(path.c_str()); }
  int mkdir(const std::filesystem::path& path, unsigned mode) override { return ::mkdir(path.c_str(), mode); }

 private:
  bool leaves_reserve(int fd, std::uint64_t more) const {
    struct statvfs disk {};
    if (::fstatvfs(fd, &disk) != 0) return true;
    const std::uint64_t free = disk.f_bavail * disk.f_frsize;
    const std::uint64_t kept = kept_free(disk.f_blocks * disk.f_frsize, reserve_);
    return free >= kept && free - kept >= more;
  }

  const std::uint64_t reserve_;
};

}  // namespace

std::shared_ptr<SystemCalls> make_posix_system_calls(std::uint64_t reserve) {
  return std::make_shared<PosixSystemCalls>(reserve);
}

Error io_error(std::string_view doing, const std::filesystem::path& path, int error_number) {
  Error error = system_error(doing, path, error_number);
  if (error_number == EIO) error.code = Errc::corrupt;
  if (error_number == EFBIG) error.code = Errc::no_space;
  if (error_number == EMFILE || error_number == ENFILE) error.code = Errc::unavailable;
  return error;
}

Result<std::size_t> read_at(SystemCalls& calls, int fd, std::uint64_t offset, std::span<std::byte> into,
                            const std::filesystem::path& path) {
  std::size_t filled = 0;
  while (filled < into.size()) {
    const ssize_t count = calls.pread(fd, into.subspan(filled), offset + filled);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return io_error("read", path, errno);
    if (count == 0) break;
    filled += static_cast<std::size_t>(count);
  }
  return filled;
}

Result<void> write_at(SystemCalls& calls, int fd, std::uint64_t offset, Bytes bytes,
                      const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t count = calls.pwrite(fd, bytes, offset);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return io_error("write", path, errno);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
  return {};
}

Result<void> sync_entries(SystemCalls& calls, const std::filesystem::path& directory) {
  const FileDescriptor fd(calls.open(directory, O_RDONLY | O_DIRECTORY, 0));
  if (!fd.valid()) return io_error("open", directory, errno);
  if (calls.fsync(fd.get()) != 0) return io_error("sync", directory, errno);
  return {};
}

}  // namespace bulkhead::blob
