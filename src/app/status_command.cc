#include "app/status_command.h"

#include <sys/resource.h>
#include <unistd.h>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <filesystem>

#include "app/greeting.h"
#include "base/version.h"
#include "blob/room.h"
#include "config/value.h"

namespace bulkhead::app {

namespace json = boost::json;

namespace {

// The authority that `tls.mode = "auto"` made; "" without.
std::string own_authority(const config::Settings& settings) {
  if (settings.tls.mode != config::TlsMode::automatic) return {};
  std::error_code error;
  return std::filesystem::absolute(settings.data / "tls" / "ca.pem", error).lexically_normal().string();
}

}  // namespace

Result<json::value> server_status(Installation& installation, Arguments& arguments) {
  if (auto checked = arguments.check(); !checked) return checked.error();
  const config::Settings& settings = installation.settings();
  std::error_code error;
  const auto disk =
      blob::room_for_blobs(settings.data, settings.storage.reserve_bytes).value_or(blob::Room());
  ::rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  return json::value(json::object{
      {"pid", ::getpid()},
      {"version", json::string(version())},
      {"started_at", to_rfc3339(installation.started_at())},
      {"data", std::filesystem::absolute(settings.data, error).lexically_normal().string()},
      {"address", config::render(settings.listen)},
      {"engine", json::string(installation.database().engine())},
      {"url", settings.listen.port == 0 && settings.public_url.empty()
                  ? std::string()
                  : reachable_url(settings, settings.listen.port)},
      {"authority", own_authority(settings)},
      {"open_files_limit", std::uint64_t{files.rlim_cur}},
      {"disk",
       json::object{{"total_bytes", disk.total}, {"free_bytes", disk.free}, {"reserve_bytes", disk.kept}}}});
}

}  // namespace bulkhead::app
