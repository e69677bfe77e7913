// Who may do what to the installation as a whole: one table (system.cc), apart from the one of repositories
// (decide.h), because the people are others. Whoever runs a registry need not be able to read what is in it,
// and whoever watches over it need not be able to change it.
#pragma once

#include <cstdint>
#include <string_view>

#include "identity/people/system_role.h"

namespace bulkhead::access {

enum class SystemAction : std::uint8_t {
  read_evidence,         // events and observations of all repositories
  read_directory,        // all accounts, organizations, teams and who has which role
  read_metrics,          // the metrics page
  contain_incident,      // lock accounts, revoke credentials of others
  approve,               // what takes a second pair of eyes
  manage_accounts,       // create, disable, enable, delete accounts; reset what they log in with
  appoint,               // give and take system roles
  manage_organizations,  // create and delete organizations, name an owner where none is left
  manage_namespaces,     // quotas
  manage_policy,         // the installation's own policy for log-ins and tokens
  manage_providers,      // where people and machines are known from
  rotate_keys,           // the keyring
};
std::string_view name(SystemAction action);  // "read_evidence"

bool decide(identity::SystemRole role, SystemAction action);

}  // namespace bulkhead::access
