// A disk that keeps only what it was told to keep. The kernel would serve unsynced bytes after a mere kill
// -9; this takes them away, as a power cut may.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "blob/system_calls.h"

namespace bulkhead::blob {

// Thread-safe. For regular files and directories that are created through it.
class PowerCut final : public SystemCalls {
 public:
  explicit PowerCut(std::shared_ptr<SystemCalls> inner = make_posix_system_calls())
      : inner_(std::move(inner)) {}

  // Undoes all that was not synced: directory entries go back to what they were, bytes are lost. (A removal
  // counts as synced.) Call it when everything that uses these calls has been destroyed.
  void cut();

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
  using Inode = std::uint64_t;
  struct Entry {
    std::filesystem::path path;
    std::filesystem::path
        displaced;  // another name for what had this one before; empty when there was nothing
  };

  static Inode inode_of(int fd);
  void forget_entry(const std::filesystem::path& path);
  int synced(int fd, int result);

  std::shared_ptr<SystemCalls> inner_;
  std::mutex mutex_;
  std::map<Inode, std::uint64_t> durable_sizes_;  // of files with bytes that are not synced
  std::map<Inode, std::filesystem::path> directories_;
  std::vector<Entry> entries_;  // not synced, oldest first
  unsigned displaced_ = 0;
};

}  // namespace bulkhead::blob
