// What an account may do to the installation as a whole, apart from any repository: access/system.h has the
// table.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/error.h"

namespace bulkhead::identity {

enum class SystemRole : std::uint8_t { none, auditor, security_officer, administrator };

std::string_view name(SystemRole role);  // "none", "auditor", "security_officer", "administrator"
// The words that name() gives; Errc::invalid_argument.
Result<SystemRole> parse_system_role(std::string_view text);

}  // namespace bulkhead::identity
