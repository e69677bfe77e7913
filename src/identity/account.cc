#include "identity/account.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "oci/name.h"

namespace bulkhead::identity {
namespace {

constexpr std::size_t kShortest = 2;
constexpr std::size_t kLongest = 64;

// First components of this server's own paths, the prefix that clients put before official images, and the
// words that would read as "nobody" or "everybody" in evidence and in grants.
constexpr std::array<std::string_view, 18> kReserved = {
    "all",     "anonymous", "api",   "assets", "auth",  "healthz", "library", "login", "logout",
    "metrics", "nobody",    "oauth", "readyz", "setup", "static",  "token",   "v1",    "v2"};

}  // namespace

Result<std::string> parse_account_name(std::string_view text) {
  if (text.size() < kShortest || text.size() > kLongest)
    return Error{Errc::name_invalid, fmt::format("an account name has {} to {} characters; this one has {}",
                                                 kShortest, kLongest, text.size())};
  const auto name = oci::RepositoryName::parse(text);
  if (!name || text.find('/') != std::string_view::npos)
    return Error{
        Errc::name_invalid,
        "an account name is made of lower-case letters and digits, with single '.', '_' or runs of '-' "
        "between them"};
  if (std::find(kReserved.begin(), kReserved.end(), text) != kReserved.end())
    return Error{Errc::name_invalid, fmt::format("the name '{}' is reserved; choose another", text)};
  return std::string(text);
}

}  // namespace bulkhead::identity
