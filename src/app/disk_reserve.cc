#include "app/disk_reserve.h"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

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

}  // namespace

void DiskReserve::tend() {
  struct statvfs disk {};
  if (::statvfs(file_.parent_path().c_str(), &disk) != 0) return;
  const std::uint64_t free = static_cast<std::uint64_t>(disk.f_bavail) * disk.f_frsize;
  std::error_code error;
  const bool there = std::filesystem::exists(std::filesystem::symlink_status(file_, error));
  if (there && free < kFull) {
    if (::unlink(file_.c_str()) == 0)
      log_.warning(
          "the disk is full: the reserve is given up, so that pulls and deletions go on; make room, and it "
          "is "
          "taken back",
          {{"reserve", file_.string()}, {"bytes", kBytes}});
  } else if (!there && free > 2 * kBytes) {
    make(file_);
  }
}

}  // namespace bulkhead::app
