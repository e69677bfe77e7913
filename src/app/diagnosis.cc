#include "app/diagnosis.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <filesystem>

#include "app/check_files.h"
#include "app/data_directory.h"
#include "app/installation.h"
#include "app/key_source.h"
#include "base/shown.h"
#include "blob/room.h"
#include "config/advice.h"
#include "net/tls.h"

namespace bulkhead::app {
namespace {

constexpr std::chrono::hours kSoon{14 * 24};
constexpr std::uint64_t kFilesBesideConnections = 256;  // database, blobs under way, the journal

void look_at_settings(const config::Settings& settings, Findings& out) {
  const FileFindings files = check_files(settings);
  for (const std::string& mistake : files.mistakes) out.push_back(fail("settings", mistake));
  for (const std::string& sentence : config::advice(settings)) out.push_back(warn("settings", sentence));
  for (const std::string& sentence : files.advice) out.push_back(warn("settings", sentence));
  if (out.empty()) out.push_back(good("settings", "right"));
}

// Whether there is something in it to look at further.
bool look_at_directory(const config::Settings& settings, Findings& out) {
  const auto data = DataDirectory::look(settings);
  if (!data) {
    out.push_back(fail("data directory", data.error().message));
    return false;
  }
  if (data->fresh()) {
    out.push_back(fail("data directory", data->nothing_here().message));
    return false;
  }
  if (const auto owned = data->check_owner(); !owned) {
    out.push_back(fail("data directory", owned.error().message));
    return false;
  }
  const std::string path = data->path.string();
  if (data->open_to_readers)
    out.push_back(warn("data directory", fmt::format("other users may look into {}", path),
                       "chmod 700 " + shell_quote(path)));
  else
    out.push_back(good("data directory", fmt::format("{} is {}'s alone", path, user_name(data->owner))));
  if (settings.database == "sqlite" && !data->has_database) {
    out.push_back(fail("database", data->database_lost(settings).message));
    return false;
  }
  return true;
}

void compare_keys(const config::Settings& settings, db::Database& database, Findings& out) {
  const SystemClock clock;
  const auto directory = std::filesystem::absolute(config::keys_directory(settings)).lexically_normal();
  const auto checks = identity::KeyChecks::read(database, clock);
  const auto missing = crypto::Keyring::missing(directory);
  auto problems = checks ? checks->without(missing) : checks.error();
  // Opening would make what is missing.
  if (problems && problems->empty() && missing.empty()) {
    const auto source = key_source(settings);
    const auto keyring = source ? crypto::Keyring::open(directory, source->get()) : source.error();
    problems = keyring ? checks->compare(*keyring) : keyring.error();
  }
  if (!problems) {
    out.push_back(fail("keyring", problems.error().message));
    return;
  }
  for (const auto& problem : *problems)
    out.push_back(
        fail("keyring", identity::describe(problem),
             fmt::format("is the disk there that has the keys, and does the setting `keys` name it? "
                         "It is {}",
                         directory.string())));
  if (problems->empty())
    out.push_back(
        missing.empty()
            ? good("keyring", fmt::format("the keys in {} are those of the database", directory.string()))
            : warn("keyring", fmt::format("some keys in {} have not been made yet", directory.string()),
                   "the next start makes them"));
}

void look_at_database(const config::Settings& settings, Findings& out) {
  db::Options options;
  const std::string url = name_database(settings, options);
  options.make = false;
  options.look_only = true;
  options.readers = 1;
  options.writers = 1;
  const auto database = db::open(url, options);
  if (!database) {
    const bool older = database.error().code == Errc::conflict;
    out.push_back(older ? warn("database", database.error().message)
                        : fail("database", database.error().message));
    return;
  }
  out.push_back(good("database", fmt::format("{}, of this program's schema version", (*database)->engine())));
  compare_keys(settings, **database, out);
}

void look_at_certificate(const config::Settings& settings, Findings& out) {
  if (settings.tls.mode != config::TlsMode::files) return;
  const auto tls = net::TlsContext::open(settings.tls.certificate, settings.tls.key);
  if (!tls) return;  // the settings' mistake
  const net::CertificateInfo info = (*tls)->certificate();
  const Time now = SystemClock().now();
  const std::string until = fmt::format("{} until {}", info.names, to_rfc3339(info.not_after));
  if (info.not_after <= now)
    out.push_back(fail("certificate", until + ": it has expired", "put a new one in its place"));
  else if (info.not_before > now)
    out.push_back(fail("certificate", fmt::format("{} from {} on", info.names, to_rfc3339(info.not_before)),
                       "is this machine's clock right?"));
  else if (info.not_after <= now + kSoon)
    out.push_back(warn("certificate", until, "put a new one in its place before that"));
  else
    out.push_back(good("certificate", until));
}

void look_at_disk(const config::Settings& settings, Findings& out) {
  const auto disk = blob::room_for_blobs(settings.data, settings.storage.reserve_bytes);
  if (!disk) {
    out.push_back(fail("disk", "the disk of the data directory cannot be looked at"));
    return;
  }
  constexpr std::uint64_t kMiB = 1 << 20;
  const std::string room = fmt::format("{} MiB free of {} MiB; pushes leave {} MiB free", disk->free / kMiB,
                                       disk->total / kMiB, disk->kept / kMiB);
  const std::string cure = "make room on it, or move the data to a larger one";
  if (disk->free <= disk->kept)
    out.push_back(fail("disk", room + ": they are refused now", cure));
  else if (disk->free - disk->kept < disk->total / 20)
    out.push_back(warn("disk", room, cure));
  else
    out.push_back(good("disk", room));
}

void look_at_limits(const config::Settings& settings, const std::optional<boost::json::object>& running,
                    Findings& out) {
  ::rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  std::uint64_t limit = files.rlim_max;
  if (running) limit = running->at("open_files_limit").to_number<std::uint64_t>();
  const std::uint64_t needed = settings.http.connections + kFilesBesideConnections;
  const std::string text =
      fmt::format("{} {} have {}; {} connections are allowed", running ? "the server" : "a process here",
                  "may", limit, settings.http.connections);
  if (limit < needed)
    out.push_back(
        warn("open files", text,
             fmt::format("raise it to {} (LimitNOFILE=, ulimit -n), or lower http.connections", needed)));
  else
    out.push_back(good("open files", text));
}

}  // namespace

Findings diagnose(const config::Settings& settings, const std::optional<boost::json::object>& running) {
  Findings out;
  look_at_settings(settings, out);
  const bool there = look_at_directory(settings, out);
  if (running) {
    out.push_back(good("server", fmt::format("runs as process {} since {}, version {}, at {}",
                                             running->at("pid").to_number<std::int64_t>(),
                                             std::string_view(running->at("started_at").as_string()),
                                             std::string_view(running->at("version").as_string()),
                                             std::string_view(running->at("address").as_string()))));
    out.push_back(good("database", fmt::format("{}, opened by the server, with its keyring",
                                               std::string_view(running->at("engine").as_string()))));
  } else if (there) {
    out.push_back(warn("server", "none runs on this data", "bulkhead serve, or: systemctl start bulkhead"));
    look_at_database(settings, out);
  }
  look_at_certificate(settings, out);
  if (there) look_at_disk(settings, out);
  look_at_limits(settings, running, out);
  return out;
}

}  // namespace bulkhead::app
