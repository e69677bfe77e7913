// An empty directory that goes with its object.
#pragma once

#include <filesystem>

namespace bulkhead::blob {

class TemporaryDirectory {
 public:
  // Throws std::filesystem::filesystem_error when none can be made.
  TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory();

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace bulkhead::blob
