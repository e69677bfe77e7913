// A mapping file (TOML): what names become, and which organizations, teams and robots there are to be.
// Written by people, or by this program from what Harbor knows of its projects.
//
//   [names]
//   "library" = "base"            # as --map
//
//   [[organizations]]
//   name = "acme"
//   display_name = "Acme Ltd"
//   owners = ["alice"]
//
//   [[organizations.teams]]
//   name = "developers"
//   role = "writer"               # in all of the organization's repositories: reader, writer, maintainer
//   members = ["bob", "carol"]
//
//   [[organizations.robots]]
//   name = "ci"
//   role = "writer"
//   description = "builds"
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace bulkhead::transfer {

struct Mapping {
  struct Team {
    std::string name;
    std::string role = {};  // "" for none
    std::vector<std::string> members = {};
  };
  struct Robot {
    std::string name;
    std::string role = {};
    std::string description = {};
  };
  struct Organization {
    std::string name;
    std::string display_name = {};
    std::vector<std::string> owners = {};
    std::vector<Team> teams = {};
    std::vector<Robot> robots = {};
  };
  std::vector<std::pair<std::string, std::string>> names;
  std::vector<Organization> organizations;
  std::vector<std::string> remarks;  // for whoever reads the file; not read again
};

// Errc::invalid_argument, with the line, for what is no TOML, and for a key that is not one of these.
Result<Mapping> parse_mapping(std::string_view text);
std::string render(const Mapping& mapping);

}  // namespace bulkhead::transfer
