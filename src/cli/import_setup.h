// Makes the organizations, teams and robots that a mapping file names, by the management API.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "cli/api_client.h"
#include "transfer/mapping.h"

namespace bulkhead::cli {

struct SetupStep {
  std::string what;  // "organization acme", "bob in acme/developers"
  std::string done;  // "made", "there already", "invited"; with a dry run "to be made"
  Result<void> outcome;
};

// What is there stays as it is; people are invited, and belong when they accept. Goes on after a failure.
std::vector<SetupStep> set_up(ApiClient& client, const std::string& caller, const transfer::Mapping& mapping,
                              bool dry_run);

}  // namespace bulkhead::cli
