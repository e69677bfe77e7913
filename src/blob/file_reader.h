// A Reader over a file. It stays readable after the file is removed.
#pragma once

#include <filesystem>
#include <memory>

#include "base/file.h"
#include "blob/store.h"
#include "blob/system_calls.h"

namespace bulkhead::blob {

class FileReader final : public Reader {
 public:
  FileReader(std::shared_ptr<SystemCalls> calls, std::filesystem::path path, FileDescriptor fd,
             std::uint64_t size)
      : calls_(std::move(calls)), path_(std::move(path)), fd_(std::move(fd)), size_(size) {}

  std::uint64_t size() const override { return size_; }
  // Errc::corrupt when the file has become shorter than it was when it was opened.
  Result<std::size_t> read(std::uint64_t offset, std::span<std::byte> into) const override;
  int file_descriptor() const override { return fd_.get(); }

 private:
  std::shared_ptr<SystemCalls> calls_;
  std::filesystem::path path_;
  FileDescriptor fd_;
  std::uint64_t size_;
};

}  // namespace bulkhead::blob
