// Small wrappers over POSIX files: owned descriptors, whole reads and writes, and durable replacement.
// A full disk is Errc::no_space; a missing file is Errc::not_found; the rest is Errc::internal with the path
// named.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "base/error.h"

namespace bulkhead {

class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor();

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// The error for a failed system call, from errno: "cannot <doing> <path>: <reason>".
Error system_error(std::string_view doing, const std::filesystem::path& path, int error_number);

// open(2) with O_CLOEXEC added.
Result<FileDescriptor> open_file(const std::filesystem::path& path, int flags, unsigned mode = 0600);

Result<void> write_all(int fd, Bytes bytes, const std::filesystem::path& path);
Result<void> sync_file(int fd, const std::filesystem::path& path);
Result<void> sync_directory(const std::filesystem::path& directory);

// Reads at most `limit` bytes; a larger file is Errc::too_large.
Result<std::string> read_file(const std::filesystem::path& path, std::size_t limit);

// Replaces the file in one step: a crash leaves the old or the new contents. Durable when it returns.
Result<void> replace_file(const std::filesystem::path& path, Bytes contents, unsigned mode = 0600);

// Creates the directory and its parents with the mode (existing ones are left as they are).
Result<void> make_directories(const std::filesystem::path& path, unsigned mode = 0700);

}  // namespace bulkhead
