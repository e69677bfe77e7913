#include "cli/import_setup.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

namespace bulkhead::cli {
namespace {

namespace json = boost::json;
using transfer::Mapping;

class Setup {
 public:
  Setup(ApiClient& client, std::string caller, bool dry_run)
      : client_(client), caller_(std::move(caller)), dry_run_(dry_run) {}

  void organization(const Mapping::Organization& organization);
  std::vector<SetupStep> take() { return std::move(steps_); }

 private:
  void team(const Mapping::Organization& organization, const Mapping::Team& team);
  void robot(const Mapping::Organization& organization, const Mapping::Robot& robot);
  void person(const Mapping::Organization& organization, const std::string& name, const std::string& role,
              const std::string& team);
  void grant(const std::string& subject, const std::string& role, const std::string& space);
  // Whether a list has an entry with this.
  bool listed(const std::string& path, std::string_view key, const std::string& value,
              std::string_view other = {}, const std::string& other_value = {});
  void step(std::string what, bool there, std::string_view verb, const std::function<Result<void>()>& make);
  Result<void> create(const std::string& path, json::object body) {
    auto made = client_.create(path, std::move(body));
    return made ? Result<void>() : made.error();
  }

  ApiClient& client_;
  const std::string caller_;
  const bool dry_run_;
  std::vector<SetupStep> steps_;
};

void Setup::step(std::string what, bool there, std::string_view verb,
                 const std::function<Result<void>()>& make) {
  if (there)
    steps_.push_back({std::move(what), "there already", {}});
  else if (dry_run_)
    steps_.push_back({std::move(what), fmt::format("to be {}", verb), {}});
  else
    steps_.push_back({std::move(what), std::string(verb), make()});
}

bool Setup::listed(const std::string& path, std::string_view key, const std::string& value,
                   std::string_view other, const std::string& other_value) {
  const auto items = client_.list(path);
  if (!items) return false;
  const auto is = [](const json::value& item, std::string_view name, const std::string& wanted) {
    const auto* found = item.as_object().if_contains(name);
    return found != nullptr && !found->is_null() ? *found == json::value(wanted) : wanted.empty();
  };
  return std::ranges::any_of(*items, [&](const json::value& item) {
    return is(item, key, value) && (other.empty() || is(item, other, other_value));
  });
}

void Setup::person(const Mapping::Organization& organization, const std::string& name,
                   const std::string& role, const std::string& team) {
  const std::string path = path_of("organizations", organization.name);
  const std::string what = team.empty() ? fmt::format("{} as {} of {}", name, role, organization.name)
                                        : fmt::format("{} in {}/{}", name, organization.name, team);
  const std::string team_path = path + path_of("teams", team, "members");
  if (team.empty() ? listed(path + "/members", "account", name, "role", role)
                   : listed(team_path, "account", name)) {
    step(what, true, "", {});
  } else if (!team.empty() && listed(path + "/members", "account", name)) {
    step(what, false, "added", [&]() -> Result<void> {
      auto done = client_.send({.method = "PUT", .path = team_path + path_of(name)});
      return done ? Result<void>() : done.error();
    });
  } else {
    step(what, listed(path + "/invitations", "account", name, "team", team), "invited", [&] {
      json::object body{{"account", name}, {"role", role}};
      if (!team.empty()) body["team"] = team;
      return create(path + "/invitations", std::move(body));
    });
  }
}

void Setup::grant(const std::string& subject, const std::string& role, const std::string& space) {
  const std::string path = path_of("namespaces", space, "grants");
  step(fmt::format("{} as {} of {}/", subject, role, space), listed(path, "subject", subject, "role", role),
       "made", [&]() -> Result<void> {
         auto put = client_.put(path + path_of(subject), {{"role", role}});
         return put ? Result<void>() : put.error();
       });
}

void Setup::team(const Mapping::Organization& organization, const Mapping::Team& team) {
  const std::string path = path_of("organizations", organization.name, "teams");
  const std::string name = fmt::format("{}/{}", organization.name, team.name);
  step("team " + name, listed(path, "name", team.name), "made", [&] {
    return create(path, {{"name", team.name}});
  });
  if (!team.role.empty()) grant("team:" + name, team.role, organization.name);
  for (const std::string& each : team.members) person(organization, each, "member", team.name);
}

void Setup::robot(const Mapping::Organization& organization, const Mapping::Robot& robot) {
  const std::string path = path_of("organizations", organization.name, "robots");
  const std::string name = fmt::format("{}+{}", organization.name, robot.name);
  step("robot " + name, listed(path, "name", name), "made", [&] {
    return create(path, {{"name", robot.name}, {"description", robot.description}});
  });
  if (!robot.role.empty()) grant(name, robot.role, organization.name);
}

void Setup::organization(const Mapping::Organization& organization) {
  const bool there = client_.get(path_of("organizations", organization.name)).has_value();
  step("organization " + organization.name, there, "made", [&] {
    return create("/organizations",
                  {{"name", organization.name}, {"display_name", organization.display_name}});
  });
  if (!steps_.back().outcome) return;
  for (const std::string& owner : organization.owners)
    if (owner != caller_) person(organization, owner, "owner", "");
  for (const Mapping::Team& each : organization.teams) team(organization, each);
  for (const Mapping::Robot& each : organization.robots) robot(organization, each);
}

}  // namespace

std::vector<SetupStep> set_up(ApiClient& client, const std::string& caller, const Mapping& mapping,
                              bool dry_run) {
  Setup setup(client, caller, dry_run);
  for (const Mapping::Organization& each : mapping.organizations) setup.organization(each);
  return setup.take();
}

}  // namespace bulkhead::cli
