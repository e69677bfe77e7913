#include "app/disk_reserve.h"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <optional>

#include "base/file.h"

namespace bulkhead::app {
namespace {

constexpr std::uint64_t kFull = std::uint64_t{1} << 20;

// Not there, where it could not be made whole.
void make(const std::filesystem::path& file) {
  const auto opened = open_file(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
  if (!opened) return;
  if (::posix_fallocate(opened->get(), 0, static_cast<off_t>(DiskReserve::kBytes)) != 0)
    ::unlink(file.c_str());
}

// Of the directory's disk; nothing where that cannot be found out.
std::optional<std::uint64_t> free_bytes(const std::filesystem::path& directory) {
  struct statvfs disk {};
  if (::statvfs(directory.c_str(), &disk) != 0) return std::nullopt;
  return static_cast<std::uint64_t>(disk.f_bavail) * disk.f_frsize;
}

bool is_there(const std::filesystem::path& file) {
  std::error_code error;
  return std::filesystem::exists(std::filesystem::symlink_status(file, error));
}

}  // namespace

void DiskReserve::give_up_where_full() {
  const auto free = free_bytes(file_.parent_path());
  if (!free || *free >= kFull || !is_there(file_)) return;
  if (::unlink(file_.c_str()) == 0)
    log_.warning(
        "the disk is full: the reserve is given up, so that pulls and deletions go on; make room, and it "
        "is "
        "taken back",
        {{"reserve", file_.string()}, {"bytes", kBytes}});
}

void DiskReserve::tend() {
  give_up_where_full();
  const auto free = free_bytes(file_.parent_path());
  if (free && *free > 2 * kBytes && !is_there(file_)) make(file_);
}

}  // namespace bulkhead::app
