#include "identity/people/system_role.h"

#include <fmt/format.h>

#include <array>

#include "oci/quote.h"

namespace bulkhead::identity {
namespace {

constexpr std::array<std::string_view, 4> kNames = {"none", "auditor", "security_officer", "administrator"};

}  // namespace

std::string_view name(SystemRole role) { return kNames[static_cast<std::size_t>(role)]; }

Result<SystemRole> parse_system_role(std::string_view text) {
  for (std::size_t i = 0; i < kNames.size(); ++i)
    if (text == kNames[i]) return static_cast<SystemRole>(i);
  return Error{
      Errc::invalid_argument,
      fmt::format("{} is no system role; it is one of none, auditor, security_officer and administrator",
                  oci::quote(text))};
}

}  // namespace bulkhead::identity
