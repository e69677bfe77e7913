#include "base/testing/temporary_directory.h"

#include <fmt/format.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace bulkhead {
namespace {

std::filesystem::path parent(TemporaryDirectory::Place place) {
  constexpr std::uintmax_t kRoom = 1 << 30;  // bytes; a container often has no more than 64 MiB
  const std::filesystem::path memory = "/dev/shm";
  if (place == TemporaryDirectory::Place::disk) return std::filesystem::temp_directory_path();
  std::error_code absent;
  const std::filesystem::space_info space = std::filesystem::space(memory, absent);
  const bool usable = !absent && space.available >= kRoom && access(memory.c_str(), W_OK | X_OK) == 0;
  return usable ? memory : std::filesystem::temp_directory_path();
}

}  // namespace

TemporaryDirectory::TemporaryDirectory(Place place) {
  std::string pattern = (parent(place) / "bulkhead-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr)
    throw std::runtime_error(fmt::format("cannot make the directory {}: {}", pattern, std::strerror(errno)));
  path_ = pattern;
}

TemporaryDirectory::TemporaryDirectory(TemporaryDirectory&& other) noexcept
    : path_(std::exchange(other.path_, {})) {}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

}  // namespace bulkhead
