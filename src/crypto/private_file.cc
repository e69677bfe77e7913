#include "crypto/private_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "base/file.h"
#include "crypto/hash.h"

namespace bulkhead::crypto {
namespace {

constexpr mode_t kOthers = 0077;

std::string shell_quoted(const std::filesystem::path& path) {
  std::string out = "'";
  for (const char c : path.string()) {
    if (c == '\'')
      out += "'\\''";
    else
      out.push_back(c);
  }
  return out + "'";
}

Result<void> check_private(const struct stat& status, const std::filesystem::path& path, mode_t wanted) {
  const uid_t user = ::geteuid();
  if (status.st_uid != user) {
    return Error{Errc::unavailable,
                 user == 0
                     ? fmt::format("{} belongs to user id {}, but this process runs as root: run it as that "
                                   "user, with `sudo -u '#{}' bulkhead …`",
                                   path.string(), status.st_uid, status.st_uid)
                     : fmt::format("{} belongs to user id {}, but this process runs as user id {}: run it as "
                                   "that user, or change its owner with `sudo chown {} {}`",
                                   path.string(), status.st_uid, user, user, shell_quoted(path))};
  }
  if ((status.st_mode & kOthers) != 0) {
    return Error{Errc::unavailable,
                 fmt::format("{} is open to other users (mode {:04o}): run `chmod {:04o} {}`", path.string(),
                             status.st_mode & 07777, wanted, shell_quoted(path))};
  }
  return {};
}

std::filesystem::path parent_of(const std::filesystem::path& path) {
  const auto parent = path.parent_path();
  return parent.empty() ? std::filesystem::path(".") : parent;
}

// Removes a temporary name whatever way its maker returns.
class TemporaryName {
 public:
  explicit TemporaryName(std::filesystem::path path) : path_(std::move(path)) {}
  TemporaryName(const TemporaryName&) = delete;
  TemporaryName& operator=(const TemporaryName&) = delete;
  ~TemporaryName() { ::unlink(path_.c_str()); }

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace

Result<void> make_private_directory(const std::filesystem::path& given) {
  // "keys/" names the same directory as "keys", but its parent_path() is not the parent.
  const auto directory = given.has_filename() ? given : given.parent_path();
  std::vector<std::filesystem::path> missing;
  std::error_code ignored;
  for (auto path = directory; !path.empty() && !std::filesystem::exists(path, ignored);
       path = path.parent_path())
    missing.push_back(path);

  if (auto made = make_directories(directory, 0700); !made) return made;
  for (const auto& path : missing)
    if (auto synced = sync_directory(parent_of(path)); !synced) return synced;

  struct stat status {};
  if (::stat(directory.c_str(), &status) != 0) return system_error("inspect", directory, errno);
  if (!S_ISDIR(status.st_mode))
    return Error{Errc::unavailable, fmt::format("{} is not a directory", directory.string())};
  return check_private(status, directory, 0700);
}

Result<Secret<>> read_private_file(const std::filesystem::path& path, std::size_t limit) {
  // O_NONBLOCK: a planted named pipe must not hang the start.
  auto fd = open_file(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (!fd) {
    struct stat status {};
    const bool present = ::lstat(path.c_str(), &status) == 0;
    if (present && S_ISLNK(status.st_mode))
      return Error{Errc::unavailable,
                   fmt::format("{} is a symbolic link, and must be a regular file", path.string())};
    if (present)
      if (auto checked = check_private(status, path, 0600); !checked) return checked.error();
    return fd.error();
  }
  struct stat status {};
  if (::fstat(fd->get(), &status) != 0) return system_error("inspect", path, errno);
  if (!S_ISREG(status.st_mode))
    return Error{Errc::unavailable, fmt::format("{} is not a regular file", path.string())};
  if (auto checked = check_private(status, path, 0600); !checked) return checked.error();
  if (static_cast<std::size_t>(status.st_size) > limit)
    return Error{Errc::too_large, fmt::format("{} is larger than {} bytes", path.string(), limit)};

  // Allocated once, so that growing leaves no copy behind.
  std::string contents(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t size = 0;
  while (size < contents.size()) {
    const ssize_t count = ::read(fd->get(), contents.data() + size, contents.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return system_error("read", path, errno);
    if (count == 0) return Error{Errc::corrupt, fmt::format("{} shrank while it was read", path.string())};
    size += static_cast<std::size_t>(count);
  }
  return Secret<>(std::move(contents));
}

Result<bool> create_private_file(const std::filesystem::path& path, Bytes contents) {
  const TemporaryName temporary(path.string() + "." + random_base62(12) + ".new");
  {
    auto fd = open_file(temporary.path(), O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (!fd) return fd.error();
    if (auto written = write_all(fd->get(), contents, temporary.path()); !written) return written.error();
    if (auto synced = sync_file(fd->get(), temporary.path()); !synced) return synced.error();
  }
  // Unlike rename(2), link(2) never replaces, which is what makes one of several creators the first.
  const bool created = ::link(temporary.path().c_str(), path.c_str()) == 0;
  if (!created && errno != EEXIST) return system_error("create", path, errno);
  // The one that came second waits for durability too: it will use what the first has written.
  if (auto synced = sync_directory(parent_of(path)); !synced) return synced.error();
  return created;
}

}  // namespace bulkhead::crypto
