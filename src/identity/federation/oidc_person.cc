#include "identity/federation/oidc_person.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/value.hpp>
#include <set>
#include <span>

#include "base/plain_text.h"
#include "oci/quote.h"

namespace bulkhead::identity {
namespace {

namespace json = boost::json;

std::string_view view(const json::string& text) { return {text.data(), text.size()}; }

Error refused(std::string_view claim, std::string_view why) {
  return {Errc::denied,
          fmt::format("the provider's claim {} cannot be used: {}; its administrator can change "
                      "what it says",
                      oci::quote(claim), why)};
}

Result<std::string> checked(std::string_view claim, std::string_view text, std::size_t longest) {
  if (text.size() > longest) return refused(claim, fmt::format("it is longer than {} bytes", longest));
  if (!is_plain_text(text)) return refused(claim, "it holds control characters");
  return std::string(text);
}

Result<std::string> text_claim(const JwtClaims& claims, std::string_view name) {
  const json::value* value = claims.find(name);
  if (value == nullptr || value->is_null()) return std::string();
  const auto text = claims.text(name);
  if (!text) return refused(name, "it is not a text");
  return checked(name, *text, kLongestPersonClaim);
}

Result<std::vector<std::string>> groups_of(const JwtClaims& claims, const std::string& name) {
  std::set<std::string, std::less<>> groups;
  if (name.empty()) return std::vector<std::string>();
  const json::value* value = claims.find(name);
  if (value == nullptr || value->is_null()) {
    // Distributed claims (Core section 5.6.2): some providers put groups elsewhere when there are many.
    const json::value* elsewhere = claims.find("_claim_names");
    const json::object* names = elsewhere == nullptr ? nullptr : elsewhere->if_object();
    if (names != nullptr && names->contains(name))
      return refused(name, "it is not in the ID token, because there are too many groups");
    return std::vector<std::string>();
  }
  if (const json::string* one = value->if_string()) {
    auto group = checked(name, view(*one), kLongestExternalGroup);
    if (!group) return group.error();
    if (!group->empty()) groups.insert(*std::move(group));
  } else if (const json::array* list = value->if_array()) {
    if (list->size() > kMostExternalGroups)
      return refused(name, fmt::format("it holds more than {} groups", kMostExternalGroups));
    for (const json::value& item : *list) {
      if (!item.is_string()) return refused(name, "one of its groups is not a text");
      auto group = checked(name, view(item.get_string()), kLongestExternalGroup);
      if (!group) return group.error();
      if (!group->empty()) groups.insert(*std::move(group));
    }
  } else {
    return refused(name, "it is neither a text nor a list of texts");
  }
  return std::vector<std::string>(groups.begin(), groups.end());
}

bool any_of(const std::set<std::string_view>& methods, std::span<const std::string_view> kind) {
  return std::ranges::any_of(kind, [&](std::string_view method) { return methods.contains(method); });
}

bool saw_two_factors(const JwtClaims& claims) {
  static constexpr std::array<std::string_view, 3> kKnown{"pwd", "pin", "kba"};
  static constexpr std::array<std::string_view, 4> kOwned{"otp", "hwk", "swk", "sc"};
  static constexpr std::array<std::string_view, 5> kInherent{"face", "fpt", "iris", "retina", "vbm"};
  const json::value* value = claims.find("amr");
  const json::array* list = value == nullptr ? nullptr : value->if_array();
  if (list == nullptr) return false;
  std::set<std::string_view> methods;
  for (const json::value& item : *list)
    if (item.is_string()) methods.insert(view(item.get_string()));
  if (methods.contains("mfa")) return true;
  return any_of(methods, kKnown) + any_of(methods, kOwned) + any_of(methods, kInherent) > 1;
}

}  // namespace

Result<ExternalPerson> person_of(const JwtClaims& claims, const OidcSettings& settings) {
  ExternalPerson person;
  auto subject = checked("sub", claims.subject, kLongestSubject);
  if (!subject) return subject.error();
  if (subject->empty()) return refused("sub", "it is empty");
  auto name = text_claim(claims, settings.name_claim);
  if (!name) return name.error();
  auto display_name = text_claim(claims, "name");
  if (!display_name) return display_name.error();
  auto email = text_claim(claims, "email");
  if (!email) return email.error();
  auto groups = groups_of(claims, settings.groups_claim);
  if (!groups) return groups.error();
  person.subject = *std::move(subject);
  person.name = *std::move(name);
  person.display_name = *std::move(display_name);
  person.email = *std::move(email);
  // Some providers write it as a text.
  person.email_verified = !person.email.empty() && claims.text("email_verified") == "true";
  person.groups = *std::move(groups);
  person.multi_factor = settings.trust_factors && saw_two_factors(claims);
  return person;
}

}  // namespace bulkhead::identity
