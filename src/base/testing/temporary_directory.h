// A directory for one test's files, removed with everything in it.
#pragma once

#include <cstdint>
#include <filesystem>

namespace bulkhead {

class TemporaryDirectory {
 public:
  // `memory` is /dev/shm where there is room for it: tests create many databases and sync them often, and
  // other work on the machine's disk should not decide how long they take. `disk` is the system's temporary
  // directory.
  enum class Place : std::uint8_t { disk, memory };

  // Throws std::runtime_error when it cannot be made.
  explicit TemporaryDirectory(Place place = Place::disk);
  TemporaryDirectory(TemporaryDirectory&& other) noexcept;
  TemporaryDirectory& operator=(TemporaryDirectory&&) = delete;
  ~TemporaryDirectory();

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace bulkhead
