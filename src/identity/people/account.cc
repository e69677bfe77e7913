#include "identity/people/account.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "oci/name.h"
#include "oci/quote.h"

namespace bulkhead::identity {
namespace {

constexpr std::size_t kShortest = 2;
constexpr std::size_t kLongest = 64;

// First components of this server's own paths, the prefix that clients put before official images, and the
// words that would read as "nobody" or "everybody" in evidence and in grants.
constexpr std::array<std::string_view, 18> kReserved = {
    "all",     "anonymous", "api",   "assets", "auth",  "healthz", "library", "login", "logout",
    "metrics", "nobody",    "oauth", "readyz", "setup", "static",  "token",   "v1",    "v2"};

constexpr std::array<std::string_view, 2> kKinds = {"person", "robot"};
constexpr std::array<std::string_view, 3> kStates = {"active", "disabled", "locked"};

template <class Enum, std::size_t N>
Result<Enum> parse_word(const std::array<std::string_view, N>& words, std::string_view text,
                        std::string_view what) {
  const auto found = std::find(words.begin(), words.end(), text);
  if (found == words.end())
    return Error{Errc::invalid_argument,
                 fmt::format("{} is no {}; it is one of {}", oci::quote(text), what, fmt::join(words, ", "))};
  return static_cast<Enum>(found - words.begin());
}

bool is_component(std::string_view text) {
  return text.size() <= kLongest && text.find('/') == std::string_view::npos &&
         oci::RepositoryName::parse(text);
}

}  // namespace

std::string_view name(AccountKind kind) { return kKinds[static_cast<std::size_t>(kind)]; }
std::string_view name(AccountState state) { return kStates[static_cast<std::size_t>(state)]; }

Result<AccountKind> parse_account_kind(std::string_view text) {
  return parse_word<AccountKind>(kKinds, text, "kind of account");
}

Result<AccountState> parse_account_state(std::string_view text) {
  return parse_word<AccountState>(kStates, text, "state of an account");
}

Result<std::string> parse_component(std::string_view text, std::string_view what, std::size_t shortest) {
  if (text.size() < shortest || text.size() > kLongest)
    return Error{Errc::name_invalid, fmt::format("{} has {} to {} characters; this one has {}", what,
                                                 shortest, kLongest, text.size())};
  if (!is_component(text))
    return Error{
        Errc::name_invalid,
        fmt::format(
            "{} is made of lower-case letters and digits, with single '.', '_' or runs of '-' between "
            "them; {} is not",
            what, oci::quote(text))};
  return std::string(text);
}

Result<std::string> parse_account_name(std::string_view text, std::string_view what) {
  auto component = parse_component(text, what, kShortest);
  if (!component) return component.error();
  if (std::find(kReserved.begin(), kReserved.end(), text) != kReserved.end())
    return Error{Errc::name_invalid, fmt::format("the name '{}' is reserved; choose another", text)};
  return component;
}

std::string_view sharer(std::string_view account) { return account.substr(0, account.find('+')); }

bool is_account_name(std::string_view text) {
  const std::size_t plus = text.find('+');
  if (plus == std::string_view::npos) return is_component(text);
  return is_component(text.substr(0, plus)) && is_component(text.substr(plus + 1));
}

}  // namespace bulkhead::identity
