// A directory for one test's files, removed with everything in it.
#pragma once

#include <filesystem>
#include <string_view>

namespace bulkhead::db::testing {

// In memory (/dev/shm) where there is room for it, since tests create many databases and sync them often and
// other work on the machine's disk should not decide how long they take; otherwise in the system's temporary
// directory. Throws std::runtime_error when it cannot be made.
class TemporaryDirectory {
 public:
  explicit TemporaryDirectory(std::string_view name);
  ~TemporaryDirectory();
  TemporaryDirectory(TemporaryDirectory&& other) noexcept;
  TemporaryDirectory& operator=(TemporaryDirectory&&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace bulkhead::db::testing
