#include "blob/testing/power_cut.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace bulkhead::blob {
namespace {

constexpr std::string_view kDisplaced = ".displaced-";

}  // namespace

PowerCut::Inode PowerCut::inode_of(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 ? status.st_ino : 0;
}

void PowerCut::forget_entry(const std::filesystem::path& path) {
  std::erase_if(entries_, [&](const Entry& entry) { return entry.path == path; });
}

void PowerCut::cut() {
  const std::lock_guard lock(mutex_);
  for (; !entries_.empty(); entries_.pop_back()) {
    const Entry& newest = entries_.back();
    std::error_code ignored;
    std::filesystem::remove_all(newest.path, ignored);
    if (!newest.displaced.empty()) std::filesystem::rename(newest.displaced, newest.path, ignored);
  }
  for (const auto& [inode, directory] : directories_) {
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(directory, ignored)) {
      struct stat status {};
      if (::lstat(entry.path().c_str(), &status) != 0) continue;
      const auto unsynced = durable_sizes_.find(status.st_ino);
      if (unsynced != durable_sizes_.end())
        std::filesystem::resize_file(entry.path(), unsynced->second, ignored);
    }
  }
  durable_sizes_.clear();
}

int PowerCut::open(const std::filesystem::path& path, int flags, unsigned mode) {
  const std::lock_guard lock(mutex_);
  const bool existed = std::filesystem::exists(std::filesystem::symlink_status(path));
  const int fd = inner_->open(path, flags, mode);
  if (fd < 0) return fd;
  if ((flags & O_DIRECTORY) != 0) {
    directories_[inode_of(fd)] = path;
  } else if (!existed) {
    entries_.push_back({path, {}});
    struct stat parent {};
    if (::stat(path.parent_path().c_str(), &parent) == 0) directories_[parent.st_ino] = path.parent_path();
  }
  return fd;
}

ssize_t PowerCut::pread(int fd, std::span<std::byte> into, std::uint64_t offset) {
  return inner_->pread(fd, into, offset);
}

ssize_t PowerCut::pwrite(int fd, Bytes bytes, std::uint64_t offset) {
  const std::lock_guard lock(mutex_);
  durable_sizes_.try_emplace(inode_of(fd), offset);
  return inner_->pwrite(fd, bytes, offset);
}

int PowerCut::ftruncate(int fd, std::uint64_t size) { return inner_->ftruncate(fd, size); }

int PowerCut::synced(int fd, int result) {
  if (result != 0) return result;
  const Inode inode = inode_of(fd);
  durable_sizes_.erase(inode);
  const auto directory = directories_.find(inode);
  if (directory == directories_.end()) return result;
  std::erase_if(entries_, [&](const Entry& entry) {
    if (entry.path.parent_path() != directory->second) return false;
    if (!entry.displaced.empty()) ::unlink(entry.displaced.c_str());
    return true;
  });
  return result;
}

int PowerCut::fdatasync(int fd) {
  const std::lock_guard lock(mutex_);
  return synced(fd, inner_->fdatasync(fd));
}

int PowerCut::fsync(int fd) {
  const std::lock_guard lock(mutex_);
  return synced(fd, inner_->fsync(fd));
}

int PowerCut::start_writeback(int fd, std::uint64_t offset, std::uint64_t count) {
  return inner_->start_writeback(fd, offset, count);
}

int PowerCut::rename(const std::filesystem::path& from, const std::filesystem::path& to) {
  const std::lock_guard lock(mutex_);
  Entry entry{to, {}};
  const auto aside = to.parent_path() / (std::string(kDisplaced) + std::to_string(++displaced_));
  if (::link(to.c_str(), aside.c_str()) == 0) entry.displaced = aside;
  const int result = inner_->rename(from, to);
  if (result != 0) {
    const int reason = errno;
    if (!entry.displaced.empty()) ::unlink(aside.c_str());
    errno = reason;
    return result;
  }
  forget_entry(from);
  entries_.push_back(std::move(entry));
  return result;
}

int PowerCut::unlink(const std::filesystem::path& path) {
  const std::lock_guard lock(mutex_);
  struct stat status {};
  const bool found = ::lstat(path.c_str(), &status) == 0;
  const int result = inner_->unlink(path);
  if (result != 0) return result;
  forget_entry(path);
  if (found) durable_sizes_.erase(status.st_ino);  // the number will be used again
  return result;
}

int PowerCut::mkdir(const std::filesystem::path& path, unsigned mode) {
  const std::lock_guard lock(mutex_);
  const int result = inner_->mkdir(path, mode);
  if (result == 0) entries_.push_back({path, {}});
  return result;
}

}  // namespace bulkhead::blob
