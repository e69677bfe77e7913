#include "cli/environment.h"

#include <fmt/format.h>

#include <array>
#include <cstdlib>
#include <string_view>

#include "identity/secrets/token_format.h"

extern char** environ;

namespace bulkhead::cli {
namespace {

constexpr std::string_view kServer = "BULKHEAD_SERVER";
constexpr std::string_view kToken = "BULKHEAD_TOKEN";
constexpr std::string_view kCa = "BULKHEAD_CA";

std::string variable(std::string_view name) {
  const char* value = std::getenv(std::string(name).c_str());
  return value != nullptr ? value : "";
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

// What somebody may take for an access token, and what it is for.
struct Kind {
  std::string_view prefix;
  std::string_view what;
};
constexpr std::array kOtherKinds = {
    Kind{identity::kSessionPrefix, "a session's, which ends with it; log in with a name and password"},
    Kind{identity::kInvitationPrefix, "an invitation's; accept it with: bulkhead org accept TOKEN"},
    Kind{identity::kSetupPrefix, "the setup token; use it with: bulkhead setup NAME --token TOKEN"},
    Kind{"eyJ", "a signed one of /token or of a CI system, which are for pulling and pushing"},
};

}  // namespace

std::map<std::string, std::string> setting_variables() {
  std::map<std::string, std::string> out;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (!text.starts_with("BULKHEAD_") || equals == std::string_view::npos) continue;
    const std::string_view name = text.substr(0, equals);
    if (name != kServer && name != kToken && name != kCa) out.emplace(name, text.substr(equals + 1));
  }
  return out;
}

std::string server_variable() { return variable(kServer); }

std::string ca_variable() { return variable(kCa); }

Result<std::optional<Secret<>>> token_variable() {
  const Secret<> pasted(variable(kToken));
  std::optional<Secret<>> out;
  if (pasted.empty()) return out;
  auto token = read_access_token(pasted.reveal(), kToken);
  if (!token) return token.error();
  out = *std::move(token);
  return Result<std::optional<Secret<>>>(std::move(out));
}

Result<Secret<>> read_access_token(std::string_view pasted, std::string_view where) {
  const std::string_view token = trimmed(pasted);
  if (token.empty()) return Error{Errc::invalid_argument, fmt::format("{}: no token was given", where)};
  for (const Kind& kind : kOtherKinds)
    if (token.starts_with(kind.prefix))
      return Error{Errc::invalid_argument,
                   fmt::format("{} takes an access token, and this one is {}", where, kind.what)};
  for (const std::string_view prefix : {identity::kPersonalTokenPrefix, identity::kRobotTokenPrefix}) {
    if (!token.starts_with(prefix)) continue;
    if (identity::token_is_well_formed(prefix, token)) return Secret<>(std::string(token));
    return Error{Errc::invalid_argument,
                 fmt::format("{}: the access token is mistyped or cut: it is not as it was made", where)};
  }
  return Error{Errc::invalid_argument,
               fmt::format("{} takes an access token, which begins with {} or {}; make one with: bulkhead "
                           "token create ACCOUNT NAME --scope '*:pull' --management write",
                           where, identity::kPersonalTokenPrefix, identity::kRobotTokenPrefix)};
}

}  // namespace bulkhead::cli
