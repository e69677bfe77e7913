// /server: which program answers here, since when, and how much room it has. Strangers are told nothing of
// it.
#include "api/management/operation.h"
#include "api/management/vocabulary.h"
#include "base/version.h"
#include "blob/room.h"
#include "db/database.h"

namespace bulkhead::api::management {
namespace {

namespace json = boost::json;
using access::SystemAction;

constexpr std::string_view kEngineWords[] = {"sqlite", "postgres"};
constexpr Schema kVersion = text(1, 64, kVisible);
constexpr Schema kEngine = choice(kEngineWords);
constexpr Schema kUrl = text(0, 1024, kVisible);

constexpr Field kLimitFields[] = {
    {"manifest_bytes", &kCount, "Of one manifest", kRequired},
    {"upload_bytes", &kCount, "Of one blob; 0 for no limit", kRequired},
    {"tags_per_repository", &kCount, "", kRequired},
};
constexpr Schema kLimits = object("ServerLimits", kLimitFields);
constexpr Field kDiskFields[] = {
    {"total_bytes", &kCount, "", kRequired},
    {"free_bytes", &kCount, "What the server's user may still write", kRequired},
    {"reserve_bytes", &kCount, "What pushes leave free: they are refused once there is no more than this",
     kRequired},
};
constexpr Schema kDisk = object("ServerDisk", kDiskFields);
constexpr Field kServerFields[] = {
    {"version", &kVersion, "", kRequired},
    {"started_at", &kTime, "", kRequired},
    {"now", &kTime, "By its clock", kRequired},
    {"engine", &kEngine, "Of its database", kRequired},
    {"public_url", &kUrl, "What it calls itself; \"\" when it is not told", kRequired},
    {"limits", &kLimits, "", kRequired},
    {"disk", &kDisk, "That has the contents; for those who may read the metrics"},
};
constexpr Schema kServer = object("Server", kServerFields);

json::object disk_of(const ServerFacts& facts) {
  const auto disk = blob::room_for_blobs(facts.data, facts.reserve_bytes).value_or(blob::Room());
  return {{"total_bytes", disk.total}, {"free_bytes", disk.free}, {"reserve_bytes", disk.kept}};
}

Result<Reply> get_server(Call& call) {
  const ServerFacts& facts = call.services.server;
  json::object body{{"version", json::string(version())},
                    {"started_at", to_rfc3339(facts.started_at)},
                    {"now", to_rfc3339(call.services.clock.now())},
                    {"engine", json::string(call.services.database.engine())},
                    {"public_url", facts.public_url},
                    {"limits", json::object{{"manifest_bytes", facts.manifest_bytes},
                                            {"upload_bytes", facts.upload_bytes},
                                            {"tags_per_repository", facts.tags_per_repository}}}};
  if (call.may(SystemAction::read_metrics)) body["disk"] = disk_of(facts);
  return Reply(std::move(body));
}

constexpr Operation kOperations[] = {
    {.method = http::Method::get,
     .path = "/server",
     .id = "getServer",
     .tag = "server",
     .summary = "Which version answers here, since when, and its limits",
     .permission = kAccount,
     .response = &kServer,
     .enrols = true,
     .handler = get_server},
};

}  // namespace

std::span<const Operation> server_operations() { return kOperations; }

}  // namespace bulkhead::api::management
