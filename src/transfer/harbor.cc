#include "transfer/harbor.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "base/percent.h"
#include "base/shown.h"
#include "oci/strict_json.h"
#include "transfer/contents.h"

namespace bulkhead::transfer {
namespace {

namespace json = boost::json;

constexpr std::size_t kPage = 100;  // the most that Harbor gives
constexpr std::size_t kPageBytes = std::size_t{8} << 20;
constexpr std::string_view kLibrary = "library";

const json::value* member(const json::value& value, std::string_view key) {
  const auto* object = value.if_object();
  return object == nullptr ? nullptr : object->if_contains(key);
}

std::string text(const json::value& value, std::string_view key) {
  const auto* found = member(value, key);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : "";
}

std::int64_t number(const json::value& value, std::string_view key) {
  const auto* found = member(value, key);
  return found != nullptr && found->is_int64() ? found->get_int64() : 0;
}

// Harbor's roles by their numbers (src/common/const.go of Harbor): 1 project admin, 2 developer, 3 guest,
// 4 maintainer, 5 limited guest.
struct Role {
  std::int64_t number;
  std::string_view team;
  std::string_view role;
};
constexpr Role kRoles[] = {{4, "maintainers", "maintainer"},
                           {2, "developers", "writer"},
                           {3, "guests", "reader"},
                           {5, "guests", "reader"}};

// What a robot may do in a project's repositories, as a role.
std::string role_of(const json::value& robot, const std::string& project) {
  bool pull = false;
  bool push = false;
  const auto* permissions = member(robot, "permissions");
  if (permissions == nullptr || !permissions->is_array()) return "";
  for (const json::value& each : permissions->get_array()) {
    const std::string space = text(each, "namespace");
    const auto* access = member(each, "access");
    if ((space != project && space != "*") || access == nullptr || !access->is_array()) continue;
    for (const json::value& one : access->get_array()) {
      if (text(one, "resource") != "repository") continue;
      const std::string action = text(one, "action");
      pull = pull || action == "pull" || action == "*";
      push = push || action == "push" || action == "*";
    }
  }
  return push ? "writer" : pull ? "reader" : "";
}

// "ci" of "robot$acme+ci"; the prefix can be another.
std::string short_name(const std::string& name) {
  const auto plus = name.rfind('+');
  if (plus != std::string::npos) return name.substr(plus + 1);
  const auto dollar = name.rfind('$');
  return dollar == std::string::npos ? name : name.substr(dollar + 1);
}

}  // namespace

bool Harbor::answers() {
  const auto answer = client_.send({.url = "/api/v2.0/systeminfo", .largest_body = kPageBytes}, "");
  if (!answer || answer->status != 200) return false;
  const auto parsed = oci::parse_strict_json(answer->body);
  return parsed && member(*parsed, "auth_mode") != nullptr;
}

Result<std::vector<json::value>> Harbor::list(const std::string& path) {
  std::vector<json::value> out;
  const char joint = path.find('?') == std::string::npos ? '?' : '&';
  for (int page = 1;; ++page) {
    auto answer =
        client_.send({.url = fmt::format("/api/v2.0{}{}page={}&page_size={}", path, joint, page, kPage),
                      .largest_body = kPageBytes},
                     "");
    if (!answer) return answer.error();
    if (answer->status != 200) return client_.refusal(*answer, path);
    auto parsed = oci::parse_strict_json(answer->body);
    if (parsed && parsed->is_null()) return out;
    json::array* items = parsed ? parsed->if_array() : nullptr;
    if (items == nullptr)
      return Error{Errc::invalid_argument, fmt::format("{}: the answer is no list", path)};
    for (json::value& each : *items) out.push_back(std::move(each));
    if (items->size() < kPage) return out;
    if (out.size() >= kMostTags)
      return Error{Errc::too_large, fmt::format("{}: the list has more than {} entries", path, kMostTags)};
  }
}

Result<std::vector<Harbor::Project>> Harbor::projects() {
  const auto listed = list("/projects");
  if (!listed) return listed.error();
  std::vector<Project> out;
  for (const json::value& each : *listed) {
    const auto* metadata = member(each, "metadata");
    out.push_back({number(each, "project_id"), text(each, "name"),
                   metadata != nullptr && text(*metadata, "public") == "true"});
  }
  return out;
}

Result<std::vector<std::string>> Harbor::repositories() {
  const auto all = projects();
  if (!all) return all.error();
  std::vector<std::string> out;
  for (const Project& project : *all) {
    const auto listed = list(fmt::format("/projects/{}/repositories", percent_encode(project.name)));
    if (!listed) return listed.error();
    for (const json::value& each : *listed) out.push_back(text(each, "name"));
    if (out.size() > kMostTags)
      return Error{Errc::too_large, fmt::format("there are more than {} repositories", kMostTags)};
  }
  return out;
}

void Harbor::add_members(Mapping& mapping, Mapping::Organization& organization, const Project& project) {
  const auto members = list(fmt::format("/projects/{}/members", project.id));
  if (!members) {
    mapping.remarks.push_back(
        fmt::format("{}: its members could not be read: {}", project.name, members.error().message));
    return;
  }
  for (const json::value& each : *members) {
    const std::string name = text(each, "entity_name");
    if (text(each, "entity_type") == "g") {
      mapping.remarks.push_back(
          fmt::format("{}: the group {} is {} there; groups of a log-in provider are mapped to "
                      "teams with bulkhead sso",
                      project.name, name, text(each, "role_name")));
      continue;
    }
    const auto role_number = number(each, "role_id");
    if (role_number == 1) {
      organization.owners.push_back(name);
      continue;
    }
    const auto* role = std::ranges::find(kRoles, role_number, &Role::number);
    if (role == std::end(kRoles)) {
      mapping.remarks.push_back(fmt::format("{}: {} has the role {} there, which has no counterpart",
                                            project.name, name, text(each, "role_name")));
      continue;
    }
    auto team = std::ranges::find(organization.teams, role->team, &Mapping::Team::name);
    if (team == organization.teams.end())
      team = organization.teams.insert(team, {std::string(role->team), std::string(role->role)});
    team->members.push_back(name);
  }
}

void Harbor::add_robots(Mapping& mapping, Mapping::Organization& organization, const Project& project) {
  const auto robots =
      list("/robots?q=" + percent_encode(fmt::format("Level=project,ProjectID={}", project.id)));
  if (!robots) {
    mapping.remarks.push_back(
        fmt::format("{}: its robots could not be read: {}", project.name, robots.error().message));
    return;
  }
  for (const json::value& each : *robots)
    organization.robots.push_back(
        {short_name(text(each, "name")), role_of(each, project.name), text(each, "description")});
}

Result<Mapping> Harbor::mapping() {
  const auto all = projects();
  if (!all) return all.error();
  Mapping out;
  for (const Project& project : *all) {
    if (project.is_public)
      out.remarks.push_back(
          fmt::format("{}: it is public there; repositories are private here until somebody says "
                      "otherwise: bulkhead repo set NAME --visibility public",
                      project.name));
    if (project.name == kLibrary) {
      out.remarks.emplace_back(
          "library: its repositories become the installation's own (library/NAME is NAME), which "
          "administrators "
          "import; or name an organization for them below");
      continue;
    }
    out.names.emplace_back(project.name, project.name);
    Mapping::Organization& organization = out.organizations.emplace_back();
    organization.name = project.name;
    add_members(out, organization, project);
    add_robots(out, organization, project);
  }
  return out;
}

}  // namespace bulkhead::transfer
