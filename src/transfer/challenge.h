// What a registry asks for: WWW-Authenticate (RFC 9110 section 11.6.1) and Link (RFC 8288), as far as
// registries use them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bulkhead::transfer {

struct Challenge {
  std::string scheme;                             // in lower case: "bearer", "basic"
  std::map<std::string, std::string> parameters;  // names in lower case
};
// What can be read of it; 16 at most, with 16 parameters each.
std::vector<Challenge> parse_challenges(std::string_view header);

// The target of the link whose relation is "next"; nothing for none.
std::optional<std::string> next_link(std::string_view header);

}  // namespace bulkhead::transfer
