#include "app/data_directory.h"

#include <fmt/format.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>

#include "base/file.h"
#include "base/shown.h"

namespace bulkhead::app {
namespace {

constexpr mode_t kOthers = 0077;
constexpr mode_t kOthersWrite = 0022;

// What the server itself makes there. A symbolic link among them would have been planted, or leads to a disk
// that may be missing at the next start.
constexpr std::array kOwnNames{"lock",   "journal",     "blobs",           "blobs/staging",   "staging",
                               "tls",    "bulkhead.db", "bulkhead.db-wal", "bulkhead.db-shm", "control.sock",
                               "reserve"};
constexpr std::string_view kDatabase = "bulkhead.db";
constexpr std::string_view kStaging = "staging";

std::filesystem::path full_path(const std::filesystem::path& path) {
  std::error_code error;
  auto full = std::filesystem::absolute(path, error).lexically_normal();
  if (error) return path;
  return full.has_filename() ? full : full.parent_path();
}

std::string shell(const std::filesystem::path& path) { return shell_quote(path.string()); }

Error belongs_to(const std::filesystem::path& path, uid_t owner) {
  const std::string user = user_name(owner);
  return {Errc::denied, fmt::format("{} belongs to the user {}: run this as that user, with `sudo -u {} "
                                    "bulkhead …`",
                                    path.string(), user, user)};
}

bool holds_anything(const std::filesystem::path& directory) {
  std::error_code error;
  const std::filesystem::directory_iterator end;
  for (std::filesystem::directory_iterator at(directory, error); !error && at != end; at.increment(error))
    if (at->path().filename() != "lost+found") return true;  // which every new disk has
  return false;
}

bool holds_files(const std::filesystem::path& directory) {
  std::error_code error;
  const std::filesystem::recursive_directory_iterator end;
  for (std::filesystem::recursive_directory_iterator at(
           directory, std::filesystem::directory_options::skip_permission_denied, error);
       !error && at != end; at.increment(error))
    if (at->path().filename() == kStaging)
      at.disable_recursion_pending();  // unfinished uploads are no contents
    else if (at->is_regular_file(error))
      return true;
  return false;
}

Result<void> check_entry(DataDirectory& found, std::string_view name) {
  const auto path = found.path / name;
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return {};
    return system_error("inspect", path, errno);
  }
  if (S_ISLNK(status.st_mode))
    return Error{
        Errc::unavailable,
        fmt::format("{} is a symbolic link, which is not followed: put what it leads to in its place "
                    "(to have it on another disk, mount that there)",
                    path.string())};
  if (status.st_uid != found.owner)
    return Error{
        Errc::denied,
        fmt::format("{} belongs to the user {}, and its directory to {}: `sudo chown {} {}`", path.string(),
                    user_name(status.st_uid), user_name(found.owner), user_name(found.owner), shell(path))};
  if (name.starts_with(kDatabase) && (status.st_mode & kOthers) != 0)
    return Error{
        Errc::unavailable,
        fmt::format("{} is open to other users (mode {:04o}): run `chmod 600 {}`, or for all that is "
                    "there `chmod -R go-rwx {}`",
                    path.string(), status.st_mode & 07777, shell(path), shell(found.path))};
  if (!S_ISSOCK(status.st_mode) && (status.st_mode & kOthersWrite) != 0)
    return Error{Errc::unavailable,
                 fmt::format("other users may write to {} (mode {:04o}): run `chmod {} {}`", path.string(),
                             status.st_mode & 07777, S_ISDIR(status.st_mode) ? "700" : "600", shell(path))};
  if (name == kDatabase) found.has_database = status.st_size > 0;
  if (name == "control.sock") found.has_socket = S_ISSOCK(status.st_mode);
  return {};
}

}  // namespace

std::string user_name(uid_t user) {
  const ::passwd* entry = ::getpwuid(user);
  return entry != nullptr ? entry->pw_name : std::to_string(user);
}

Result<DataDirectory> DataDirectory::look(const config::Settings& settings) {
  DataDirectory found;
  found.path = full_path(settings.data);
  struct stat status {};
  if (::stat(settings.data.c_str(), &status) != 0) {
    if (errno == ENOENT) return found.with_remains(settings);
    if (errno == ENOTDIR)
      return Error{Errc::unavailable, fmt::format("{} is no directory", found.path.string())};
    return Error{Errc::denied, fmt::format("cannot look into {}: {}; run this as the user whose it is",
                                           found.path.string(), std::generic_category().message(errno))};
  }
  if (!S_ISDIR(status.st_mode))
    return Error{Errc::unavailable, fmt::format("{} is no directory", found.path.string())};
  found.exists = true;
  found.owner = status.st_uid;
  const uid_t self = ::geteuid();
  if (self != found.owner && self != 0) return belongs_to(found.path, found.owner);
  found.empty = !holds_anything(settings.data);
  // One that was just made for this is closed when it is taken.
  if (found.empty) return found.with_remains(settings);
  if ((status.st_mode & kOthersWrite) != 0)
    return Error{
        Errc::unavailable,
        fmt::format("other users may write to {} (mode {:04o}), and could put themselves in the server's "
                    "place: run `chmod 700 {}`, or for all that is there `chmod -R go-rwx {}` (Kubernetes "
                    "opens it at "
                    "each start of a pod with an fsGroup: leave that out, or set fsGroupChangePolicy to "
                    "OnRootMismatch)",
                    found.path.string(), status.st_mode & 07777, shell(found.path), shell(found.path))};
  found.open_to_readers = (status.st_mode & kOthers) != 0;
  for (const std::string_view name : kOwnNames)
    if (auto checked = check_entry(found, name); !checked) return checked.error();
  return found.with_remains(settings);
}

DataDirectory DataDirectory::with_remains(const config::Settings& settings) const {
  DataDirectory whole = *this;
  for (const auto& place : {path / "blobs", path / "journal", config::keys_directory(settings)})
    if (holds_anything(place)) whole.remains.push_back(full_path(place).string());
  return whole;
}

Result<void> DataDirectory::check_owner() const {
  if (!exists || owner == ::geteuid()) return {};
  return belongs_to(path, owner);
}

Error DataDirectory::nothing_here() const {
  return {Errc::not_found,
          fmt::format(
              "there is no Bulkhead data in {}: name the directory with --data (or --config), log in to a "
              "server with `bulkhead login SERVER`, or begin an installation with `bulkhead serve`",
              path.string())};
}

Error DataDirectory::database_lost(const config::Settings& settings) const {
  std::string what;
  for (const std::string& each : remains) what += (what.empty() ? "" : ", ") + each;
  const std::string database =
      settings.database == "sqlite"
          ? fmt::format("{} is missing or holds nothing", (path / kDatabase).string())
          : std::string("the database that the settings name holds nothing");
  // The settings that say otherwise are mostly in a file that was not named.
  const std::string_view elsewhere =
      settings.database == "sqlite"
          ? "if the database is in PostgreSQL, name it, with --config or --database; else "
          : "";
  return {
      Errc::conflict,
      fmt::format("{}, but there is something in {}: {}put the database back from its backup; or, to begin "
                  "anew and without all of that, move those away",
                  database, what, elsewhere)};
}

Result<void> DataDirectory::check_holds_files(std::string_view name) const {
  const auto place = path / name;
  if (holds_files(place)) return {};
  return Error{
      Errc::conflict,
      fmt::format("there is nothing in {}, and the database tells of what was: mount the disk that has "
                  "it, or put it back from its backup; or, to go on without it, `mkdir -p {} && touch {}`",
                  place.string(), shell(place), shell(place / "begun-anew"))};
}

}  // namespace bulkhead::app
