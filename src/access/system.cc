#include "access/system.h"

#include <array>
#include <cstddef>

namespace bulkhead::access {
namespace {

constexpr std::size_t kRoles = 4;

struct Line {
  SystemAction action;
  std::string_view name;
  std::array<bool, kRoles> allowed;
};

// An administrator approves nothing: what takes two people must not take one who can make accounts. They may
// contain an incident, since an installation may have nobody else yet. The lines stand in the enumeration's
// order.
// clang-format off
constexpr std::array kTable = {
    //                                                               none   auditor officer administrator
    Line{SystemAction::read_evidence, "read_evidence",               {false, true,  true,   true}},
    Line{SystemAction::read_directory, "read_directory",             {false, true,  true,   true}},
    Line{SystemAction::read_metrics, "read_metrics",                 {false, true,  true,   true}},
    Line{SystemAction::contain_incident, "contain_incident",         {false, false, true,   true}},
    Line{SystemAction::approve, "approve",                           {false, false, true,   false}},
    Line{SystemAction::manage_accounts, "manage_accounts",           {false, false, false,  true}},
    Line{SystemAction::appoint, "appoint",                           {false, false, false,  true}},
    Line{SystemAction::manage_organizations, "manage_organizations", {false, false, false,  true}},
    Line{SystemAction::manage_namespaces, "manage_namespaces",       {false, false, false,  true}},
    Line{SystemAction::manage_policy, "manage_policy",               {false, false, false,  true}},
    Line{SystemAction::manage_providers, "manage_providers",         {false, false, false,  true}},
    Line{SystemAction::rotate_keys, "rotate_keys",                   {false, false, false,  true}},
};
// clang-format on

constexpr bool in_order() {
  for (std::size_t i = 0; i < kTable.size(); ++i)
    if (static_cast<std::size_t>(kTable[i].action) != i) return false;
  return true;
}
static_assert(in_order());

}  // namespace

std::string_view name(SystemAction action) { return kTable[static_cast<std::size_t>(action)].name; }

bool decide(identity::SystemRole role, SystemAction action) {
  return kTable[static_cast<std::size_t>(action)].allowed[static_cast<std::size_t>(role)];
}

}  // namespace bulkhead::access
