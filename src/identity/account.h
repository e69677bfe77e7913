// Who exists. An account's name is also the name of its namespace.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"

namespace bulkhead::identity {

// One component of a repository name, 2 to 64 characters, none of the reserved words ("library", "v2", "api",
// …). Errc::name_invalid.
Result<std::string> parse_account_name(std::string_view text);

struct Account {
  std::int64_t id = 0;
  std::string name;
  bool active = true;
  bool administrator = false;
  // Bearer tokens carry it; one of an earlier version is dead.
  std::int64_t credential_version = 1;
  Time created_at{};
};

}  // namespace bulkhead::identity
