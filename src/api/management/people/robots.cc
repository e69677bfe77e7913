// Robots of organizations and repositories. Their tokens are those of /users/{user}/tokens.
#include "identity/people/robots.h"
#include "api/management/operation.h"
#include "api/management/permission.h"
#include "api/management/robot_managers.h"
#include "api/management/vocabulary.h"
#include "base/percent.h"

namespace bulkhead::api::management {
namespace {

namespace json = boost::json;
using access::SystemAction;
using identity::Robot;

constexpr std::string_view kStateWords[] = {"active", "disabled", "locked"};
constexpr Schema kState = choice(kStateWords);
constexpr Field kRobotFields[] = {
    {"name", &kAnyName, "OWNER+NAME", kRequired},
    {"belongs_to", &kAnyName, "An organization or a repository", kRequired},
    {"kind", &kAnyName, "organization or repository", kRequired},
    {"description", &kDescription, "", kRequired},
    {"created_by", &kAnyName, "\"\" when that account is no more", kRequired},
    {"state", &kState, "", kRequired},
    {"created_at", &kTime, "", kRequired},
};
constexpr Schema kRobot = object("Robot", kRobotFields);
constexpr Field kNewFields[] = {
    {"name", &kGivenName, "The part after the +", kRequired},
    {"description", &kDescription, "What it is for"},
};
constexpr Schema kNew = object("NewRobot", kNewFields);
constexpr Field kChangeFields[] = {
    {"enabled", &kFlag, "false ends its tokens at once, and for good", kRequired},
};
constexpr Schema kChange = object("RobotChange", kChangeFields);

json::object represent_robot(const Robot& robot) {
  return {{"name", robot.account.name},
          {"belongs_to", robot.belongs_to},
          {"kind", robot.organization_id ? "organization" : "repository"},
          {"description", robot.description},
          {"created_by", robot.created_by},
          {"state", json::string(identity::name(robot.account.state))},
          {"created_at", to_rfc3339(robot.account.created_at)}};
}

std::string name_of(const Robot& robot) { return robot.account.name; }

Result<Reply> created_reply(const Result<Robot>& robot) {
  if (!robot) return robot.error();
  Reply reply(represent_robot(*robot));
  reply.location = "/robots/" + percent_encode(robot->account.name);
  return reply;
}

Result<Reply> list_of_organization(Call& call) {
  const auto robots = call.services.robots.of_organization(call.organization->id, call.after, call.limit + 1);
  if (!robots) return robots.error();
  return page_of(call, *robots, represent_robot, name_of);
}

Result<Reply> list_of_repository(Call& call) {
  const auto robots = call.services.robots.of_repository(call.repository->id, call.after, call.limit + 1);
  if (!robots) return robots.error();
  return page_of(call, *robots, represent_robot, name_of);
}

// Nobody when the operator does it.
std::optional<std::int64_t> creator_of(const Call& call) {
  if (call.caller.principal.anonymous()) return std::nullopt;
  return call.caller.principal.account_id;
}

Result<Reply> create_for_organization(Call& call) {
  return created_reply(call.services.robots.create_for_organization(call.organization->id, *call.text("name"),
                                                                    call.text("description").value_or(""),
                                                                    creator_of(call), call.origin));
}

Result<Reply> create_for_repository(Call& call) {
  return created_reply(call.services.robots.create_for_repository(call.repository->id, *call.text("name"),
                                                                  call.text("description").value_or(""),
                                                                  creator_of(call), call.origin));
}

Result<Robot> robot_of(const Call& call) {
  if (call.account->kind != identity::AccountKind::robot) return not_visible();
  return call.services.robots.find(call.account->id);
}

Result<Reply> get_robot(Call& call) {
  const auto robot = robot_of(call);
  if (!robot) return robot.error();
  return Reply(represent_robot(*robot));
}

// Whoever lets a stopped robot in again gives its workloads their power back.
bool starts_it(const Call& call) { return call.flag("enabled"); }

Result<Reply> change_robot(Call& call) {
  const auto robot = robot_of(call);
  if (!robot) return robot.error();
  const bool administers = call.caller.is_operator || call.may(SystemAction::manage_accounts);
  // To stop it is to contain; to start it again is not.
  if (call.flag("enabled") && !administers) {
    const auto manages = manages_robot(call, robot->account.id);
    if (!manages) return manages.error();
    if (!*manages)
      return Error{Errc::denied, "robots are enabled by those who manage them and by administrators"};
  }
  const auto lock = administers ? identity::Accounts::Lock::may_be_lifted : identity::Accounts::Lock::stays;
  auto set = call.services.robots.set_enabled(robot->account.id, call.flag("enabled"), lock, call.origin);
  if (!set) return set.error();
  return get_robot(call);
}

Result<Reply> delete_robot(Call& call) {
  const auto robot = robot_of(call);
  if (!robot) return robot.error();
  if (auto removed = call.services.robots.remove(robot->account.id, call.origin); !removed)
    return removed.error();
  return Reply();
}

constexpr Operation kOperations[] = {
    {.method = http::Method::get,
     .path = "/organizations/{organization}/robots",
     .id = "listOrganizationRobots",
     .tag = "robots",
     .summary = "An organization's robots, without those of its repositories, by name",
     .permission = kMember || SystemAction::read_directory,
     .response = &PageOf<kRobot>::kPage,
     .paged = true,
     .handler = list_of_organization},
    {.method = http::Method::post,
     .path = "/organizations/{organization}/robots",
     .id = "createOrganizationRobot",
     .tag = "robots",
     .summary = "Make a robot of an organization",
     .permission = kOrganizationOwner,
     .request = &kNew,
     .status = 201,
     .response = &kRobot,
     .creates = true,
     .handler = create_for_organization},
    {.method = http::Method::get,
     .path = "/repositories/{repository}/robots",
     .id = "listRepositoryRobots",
     .tag = "robots",
     .summary = "A repository's robots, by name",
     .permission = kMaintainer || SystemAction::read_directory,
     .response = &PageOf<kRobot>::kPage,
     .paged = true,
     .handler = list_of_repository},
    {.method = http::Method::post,
     .path = "/repositories/{repository}/robots",
     .id = "createRepositoryRobot",
     .tag = "robots",
     .summary = "Make a robot of a repository",
     .permission = kOwner,
     .request = &kNew,
     .status = 201,
     .response = &kRobot,
     .creates = true,
     .handler = create_for_repository},
    {.method = http::Method::get,
     .path = "/robots/{robot}",
     .id = "getRobot",
     .tag = "robots",
     .summary = "One robot",
     .permission = kCredentials || SystemAction::read_directory,
     .response = &kRobot,
     .handler = get_robot},
    {.method = http::Method::patch,
     .path = "/robots/{robot}",
     .id = "changeRobot",
     .tag = "robots",
     .summary = "Disable or enable a robot",
     .permission = kCredentials || SystemAction::contain_incident,
     .request = &kChange,
     .response = &kRobot,
     .if_match = IfMatch::required,
     .proof_for = starts_it,
     .handler = change_robot},
    {.method = http::Method::delete_,
     .path = "/robots/{robot}",
     .id = "deleteRobot",
     .tag = "robots",
     .summary = "Delete a robot with its tokens, trusts and grants",
     .permission = kCredentials,
     .status = 204,
     .if_match = IfMatch::optional,
     .handler = delete_robot},
};

}  // namespace

std::span<const Operation> robot_operations() { return kOperations; }

}  // namespace bulkhead::api::management
