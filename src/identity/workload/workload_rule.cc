#include "identity/workload/workload_rule.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "base/plain_text.h"
#include "identity/workload/workload_presets.h"
#include "oci/quote.h"
#include "oci/strict_json.h"

namespace bulkhead::identity {
namespace {

namespace json = boost::json;

// Checked by themselves, or of no use in a rule.
constexpr std::array<std::string_view, 6> kOwnClaims = {"iss", "aud", "exp", "iat", "nbf", "jti"};

Error refused(std::string why) { return {Errc::invalid_argument, std::move(why)}; }

bool is_exact(std::string_view value) { return value.find('*') == value.npos; }

Result<void> check_claim(std::string_view name, std::string_view value) {
  if (name.empty() || name.size() > kLongestClaimName || !is_plain_text(name))
    return refused(
        fmt::format("{} is not a claim's name of 1 to {} characters", oci::quote(name), kLongestClaimName));
  if (std::find(kOwnClaims.begin(), kOwnClaims.end(), name) != kOwnClaims.end())
    return refused(
        fmt::format("the claim {} is checked by itself; leave it out of the rule", oci::quote(name)));
  if (value.empty() || value.size() > kLongestClaimValue || !is_plain_text(value))
    return refused(fmt::format("the claim {} needs a value of 1 to {} characters", oci::quote(name),
                               kLongestClaimValue));
  if (value.find_first_not_of('*') == value.npos)
    return refused(fmt::format("the claim {} would accept every value; name some of it", oci::quote(name)));
  return {};
}

// A '*' that comes later can stand for whatever an earlier one might have, so only the last one met is ever
// tried again.
bool matches_value(std::string_view pattern, std::string_view value) {
  constexpr std::size_t kNone = std::string_view::npos;
  std::size_t at = 0;
  std::size_t last_star = kNone;
  std::size_t resume = 0;
  for (std::size_t i = 0; i < value.size();) {
    if (at < pattern.size() && pattern[at] == '*') {
      last_star = at++;
      resume = i;
    } else if (at < pattern.size() && pattern[at] == value[i]) {
      ++at;
      ++i;
    } else if (last_star != kNone) {
      at = last_star + 1;
      i = ++resume;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', at) == kNone;
}

}  // namespace

Result<void> check_rule(std::string_view issuer, const ClaimRule& rule) {
  if (rule.size() > kMostClaims) return refused(fmt::format("a rule has at most {} claims", kMostClaims));
  bool pinned = false;
  bool subject = false;
  for (const auto& [name, value] : rule) {
    if (const auto checked = check_claim(name, value); !checked) return checked.error();
    if (!is_exact(value)) continue;
    pinned = pinned || is_immutable_claim(name);
    subject = subject || name == "sub";
  }
  if (pinned) return {};
  if (const WorkloadPreset* preset = preset_of_issuer(issuer))
    return refused(
        fmt::format("{} issues to everybody, and names there are given away again: the rule needs "
                    "the exact value of one of {}",
                    issuer, fmt::join(preset->immutable, ", ")));
  if (!subject)
    return refused(
        "the rule does not say whose tokens it accepts: it needs the exact value of \"sub\" or of a claim "
        "with "
        "an owner's or a project's id");
  return {};
}

bool matches(const ClaimRule& rule, const JwtClaims& claims) {
  return std::all_of(rule.begin(), rule.end(), [&](const auto& claim) {
    const auto value = claims.text(claim.first);
    return value && matches_value(claim.second, *value);
  });
}

std::string render_rule(const ClaimRule& rule) {
  json::object object;
  for (const auto& [name, value] : rule) object.emplace(name, value);
  return json::serialize(object);
}

Result<ClaimRule> parse_rule(std::string_view text) {
  const auto document = oci::parse_strict_json(text);
  const json::object* object = document ? document->if_object() : nullptr;
  if (object == nullptr || object->empty()) return Error{Errc::corrupt, "a stored rule is not a JSON object"};
  ClaimRule rule;
  for (const auto& member : *object) {
    const json::string* value = member.value().if_string();
    if (value == nullptr) return Error{Errc::corrupt, "a stored rule has a value that is not text"};
    rule.emplace(std::string(member.key()), std::string(value->data(), value->size()));
  }
  return rule;
}

}  // namespace bulkhead::identity
