// What Harbor knows beyond the registry's protocol, by its API (/api/v2.0): projects, their repositories,
// members and robots. Thread-safe; all lists are bounded.
#pragma once

#include <boost/json/fwd.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "transfer/mapping.h"
#include "transfer/registry_client.h"

namespace bulkhead::transfer {

class Harbor {
 public:
  // `client` gives name and password unasked (Access::unasked), and must outlive this.
  explicit Harbor(RegistryClient& client) : client_(client) {}

  // Whether a Harbor answers there; false also for what gives no answer to the question.
  bool answers();
  // All that who asks may see, as "project/name".
  Result<std::vector<std::string>> repositories();
  // An organization for each project but "library", which is the installation's own namespace here: project
  // administrators as owners, a team for each of the other roles, robots with what they may do to
  // repositories. What could not be read, and what has no counterpart, is a remark.
  Result<Mapping> mapping();

 private:
  struct Project {
    std::int64_t id;
    std::string name;
    bool is_public;
  };
  Result<std::vector<boost::json::value>> list(const std::string& path);
  Result<std::vector<Project>> projects();
  void add_members(Mapping& mapping, Mapping::Organization& organization, const Project& project);
  void add_robots(Mapping& mapping, Mapping::Organization& organization, const Project& project);

  RegistryClient& client_;
};

}  // namespace bulkhead::transfer
