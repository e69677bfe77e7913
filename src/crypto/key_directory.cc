#include "crypto/key_directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "crypto/private_file.h"

namespace bulkhead::crypto {
namespace {

constexpr std::size_t kMasterLimit = 4096;

}  // namespace

Result<KeyDirectory> KeyDirectory::open(const std::filesystem::path& path) {
  if (auto made = make_private_directory(path); !made) return made.error();
  return KeyDirectory(path);
}

std::filesystem::path KeyDirectory::file_of(const std::filesystem::path& directory, KeyPurpose purpose) {
  return directory / fmt::format("{}.keys", name(purpose));
}

Result<FileDescriptor> KeyDirectory::lock() const {
  auto fd = open_file(path_, O_RDONLY | O_DIRECTORY);
  if (!fd) return fd.error();
  while (::flock(fd->get(), LOCK_EX) != 0)
    if (errno != EINTR) return system_error("lock", path_, errno);
  return fd;
}

void KeyDirectory::remove_leftovers() const {
  std::error_code ignored;
  std::vector<std::filesystem::path> leftovers;
  for (const auto& entry : std::filesystem::directory_iterator(path_, ignored))
    if (entry.path().extension() == ".new") leftovers.push_back(entry.path());
  // Nothing was ever made with a key in them, so failing to remove one costs nothing.
  for (const auto& path : leftovers) ::unlink(path.c_str());
}

Result<KeyFile> KeyDirectory::load(KeyPurpose purpose, const LockedBytes* master) const {
  const auto path = file_of(purpose);
  const auto text = read_private_file(path, kKeyFileLimit);
  if (!text) return text.error();
  return parse_key_file(text->reveal(), purpose, master, path.string());
}

Result<void> KeyDirectory::store(KeyPurpose purpose, const KeyVersions& keys,
                                 const LockedBytes* master) const {
  const Secret<> text = render_key_file(keys, purpose, master);
  if (text.reveal().size() > kKeyFileLimit)
    return Error{Errc::too_large, fmt::format("{} is full: retire versions that nothing needs (bulkhead keys "
                                              "list says which)",
                                              file_of(purpose).string())};
  return replace_file(file_of(purpose), as_bytes(text.reveal()), 0600);
}

Result<KeyFile> KeyDirectory::load_or_create(KeyPurpose purpose, const LockedBytes* master,
                                             std::uint32_t first, Time now) const {
  auto loaded = load(purpose, master);
  if (loaded || loaded.error().code != Errc::not_found) return loaded;
  KeyVersions keys;
  keys.emplace(first, std::make_shared<const Key>(Key{first, LockedBytes::random(32), now}));
  const Secret<> text = render_key_file(keys, purpose, master);
  if (auto made = create_private_file(file_of(purpose), as_bytes(text.reveal())); !made) return made.error();
  return load(purpose, master);
}

bool KeyDirectory::holds_sealed() const {
  for (const KeyPurpose purpose : key_purposes()) {
    const auto text = read_private_file(file_of(purpose), kKeyFileLimit);
    if (text && text->reveal().find(" sealed:") != std::string::npos) return true;
  }
  return false;
}

Result<std::optional<std::string>> KeyDirectory::load_master() const {
  const auto text = read_private_file(master_file(), kMasterLimit);
  if (!text && text.error().code == Errc::not_found) return std::optional<std::string>();
  if (!text) return text.error();
  const std::string& line = text->reveal();
  if (line.empty() || line.find('\n') != line.size() - 1)
    return Error{Errc::corrupt,
                 fmt::format("{} is cut short or has more than one line; restore it from a backup",
                             master_file().string())};
  return std::optional(line.substr(0, line.size() - 1));
}

Result<void> KeyDirectory::store_master(std::string_view line) const {
  return replace_file(master_file(), as_bytes(std::string(line) + "\n"), 0600);
}

Result<void> KeyDirectory::remove_master() const {
  if (::unlink(master_file().c_str()) != 0 && errno != ENOENT)
    return system_error("remove", master_file(), errno);
  return sync();
}

std::string KeyDirectory::signature() const {
  std::string text;
  const auto add = [&](const std::filesystem::path& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) == 0)
      text += fmt::format("{} {}.{} {};", status.st_ino, status.st_mtim.tv_sec, status.st_mtim.tv_nsec,
                          status.st_size);
    else
      text += "-;";
  };
  for (const KeyPurpose purpose : key_purposes()) add(file_of(purpose));
  add(master_file());
  return text;
}

}  // namespace bulkhead::crypto
