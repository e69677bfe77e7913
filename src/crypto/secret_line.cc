#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/file.h"
#include "crypto/key_source.h"

namespace bulkhead::crypto {
namespace {

constexpr std::size_t kMostBytes = 1024;

}  // namespace

Result<Secret<>> read_secret_line(const std::filesystem::path& path, std::size_t least) {
  auto fd = open_file(path, O_RDONLY | O_NONBLOCK);
  if (!fd) return fd.error();
  struct stat status {};
  if (::fstat(fd->get(), &status) != 0) return system_error("inspect", path, errno);
  if (!S_ISREG(status.st_mode))
    return Error{Errc::unavailable, fmt::format("{} is not a regular file", path.string())};
  if ((status.st_uid != ::geteuid() && status.st_uid != 0) || (status.st_mode & 0027) != 0)
    return Error{
        Errc::unavailable,
        fmt::format("{} is open to other users (mode {:04o}) or someone else's: run `chmod 0600` on it",
                    path.string(), status.st_mode & 07777u)};
  std::string contents(kMostBytes + 2, '\0');
  const ssize_t count = ::read(fd->get(), contents.data(), contents.size());
  if (count < 0) return system_error("read", path, errno);
  contents.resize(std::min(static_cast<std::size_t>(count), contents.find('\n')));
  if (contents.ends_with('\r')) contents.pop_back();
  Secret<> secret(std::move(contents));
  const std::size_t size = secret.reveal().size();
  if (size < least || size > kMostBytes)
    return Error{Errc::invalid_argument, fmt::format("the first line of {} must have {} to {} bytes",
                                                     path.string(), least, kMostBytes)};
  return secret;
}

}  // namespace bulkhead::crypto
