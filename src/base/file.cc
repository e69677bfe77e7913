#include "base/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace bulkhead {
namespace {

// A leftover of a crash is removed rather than written over: it may have another mode.
Result<void> write_new_file(const std::filesystem::path& path, Bytes contents, unsigned mode) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return system_error("replace", path, errno);
  auto fd = open_file(path, O_WRONLY | O_CREAT | O_EXCL, mode);
  if (!fd) return fd.error();
  if (auto written = write_all(fd->get(), contents, path); !written) return written;
  return sync_file(fd->get(), path);
}

}  // namespace

FileDescriptor::~FileDescriptor() {
  if (fd_ >= 0) ::close(fd_);
}

Error system_error(std::string_view doing, const std::filesystem::path& path, int error_number) {
  Errc code = Errc::internal;
  if (error_number == ENOSPC || error_number == EDQUOT) code = Errc::no_space;
  if (error_number == ENOENT) code = Errc::not_found;
  return inner_error(code,
                     fmt::format("cannot {} {}: {}", doing, path.string(), std::strerror(error_number)));
}

Result<FileDescriptor> open_file(const std::filesystem::path& path, int flags, unsigned mode) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
  if (fd < 0) return system_error("open", path, errno);
  return FileDescriptor(fd);
}

Result<void> write_all(int fd, Bytes bytes, const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return system_error("write", path, errno);
    }
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

Result<void> sync_file(int fd, const std::filesystem::path& path) {
  if (::fsync(fd) != 0) return system_error("sync", path, errno);
  return {};
}

Result<void> sync_directory(const std::filesystem::path& directory) {
  auto fd = open_file(directory, O_RDONLY | O_DIRECTORY);
  if (!fd) return fd.error();
  return sync_file(fd->get(), directory);
}

Result<std::string> read_file(const std::filesystem::path& path, std::size_t limit) {
  auto fd = open_file(path, O_RDONLY);
  if (!fd) return fd.error();
  std::string contents;
  char buffer[16384];
  for (;;) {
    const ssize_t count = ::read(fd->get(), buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return system_error("read", path, errno);
    if (count == 0) return contents;
    if (contents.size() + static_cast<std::size_t>(count) > limit)
      return Error{Errc::too_large, fmt::format("{} is larger than {} bytes", path.string(), limit)};
    contents.append(buffer, static_cast<std::size_t>(count));
  }
}

Result<void> replace_file(const std::filesystem::path& path, Bytes contents, unsigned mode) {
  const std::filesystem::path next = path.string() + ".new";
  if (auto written = write_new_file(next, contents, mode); !written) {
    ::unlink(next.c_str());
    return written;
  }
  if (::rename(next.c_str(), path.c_str()) != 0) {
    const Error failed = system_error("replace", path, errno);
    ::unlink(next.c_str());
    return failed;
  }
  const auto parent = path.parent_path();
  return sync_directory(parent.empty() ? std::filesystem::path(".") : parent);
}

Result<void> make_directories(const std::filesystem::path& path, unsigned mode) {
  if (path.empty()) return {};
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return {};
  if (auto parent = make_directories(path.parent_path(), mode); !parent) return parent;
  if (::mkdir(path.c_str(), mode) == 0) return {};
  const int reason = errno;
  // Another process may have been first.
  if (reason == EEXIST && std::filesystem::is_directory(path, ignored)) return {};
  return system_error("create directory", path, reason);
}

}  // namespace bulkhead
