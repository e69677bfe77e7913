#include "identity/federation/oidc_person.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/value.hpp>
#include <optional>
#include <set>
#include <span>

#include "base/plain_text.h"
#include "oci/quote.h"

namespace bulkhead::identity {
namespace {

namespace json = boost::json;

std::string_view view(const json::string& text) { return {text.data(), text.size()}; }

// Nothing for what is too long or holds control characters.
std::optional<std::string> checked(std::string_view text, std::size_t longest) {
  if (text.size() > longest || !is_plain_text(text)) return std::nullopt;
  return std::string(text);
}

std::string text_claim(const JwtClaims& claims, std::string_view name) {
  const auto text = claims.text(name);
  return text ? checked(*text, kLongestPersonClaim).value_or("") : std::string();
}

bool is_there(const JwtClaims& claims, std::string_view name) {
  const json::value* value = claims.find(name);
  return value != nullptr && !value->is_null();
}

bool says_elsewhere(const JwtClaims& claims, std::string_view name) {
  const json::value* elsewhere = claims.find("_claim_names");
  const json::object* names = elsewhere == nullptr ? nullptr : elsewhere->if_object();
  return names != nullptr && names->contains(name);
}

void read_groups(const JwtClaims& claims, const std::string& name, ExternalPerson& person) {
  if (name.empty()) return;
  if (!is_there(claims, name)) {
    // Some providers put groups elsewhere when there are many.
    if (!says_elsewhere(claims, name)) return;
    person.groups_complete = false;
    person.groups_note = "the provider gives no groups, because there are too many";
    return;
  }
  std::set<std::string, std::less<>> groups;
  std::size_t unreadable = 0;
  const auto read = [&](const json::value& value) {
    const json::string* text = value.if_string();
    auto group = text == nullptr ? std::nullopt : checked(view(*text), kLongestExternalGroup);
    if (!group)
      ++unreadable;
    else if (!group->empty())
      groups.insert(*std::move(group));
  };
  const json::value& value = *claims.find(name);
  if (const json::array* list = value.if_array()) {
    for (std::size_t i = 0; i < std::min(list->size(), kMostExternalGroups); ++i) read((*list)[i]);
    if (list->size() > kMostExternalGroups) {
      person.groups_complete = false;
      person.groups_note = fmt::format("of {} groups the first {} count", list->size(), kMostExternalGroups);
    }
  } else {
    read(value);
    // Of what is neither a list nor a text nothing is known, and so nobody loses anything by it.
    person.groups_complete = unreadable == 0;
  }
  if (unreadable > 0 && person.groups_note.empty())
    person.groups_note = fmt::format(
        "{} of the groups in the claim {} cannot be read: each is a text of at most {} bytes without control "
        "characters",
        unreadable, oci::quote(name), kLongestExternalGroup);
  person.groups.assign(groups.begin(), groups.end());
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

bool lacks_name_or_groups(const JwtClaims& claims, const OidcSettings& settings) {
  const bool groups = settings.groups_claim.empty() || is_there(claims, settings.groups_claim) ||
                      says_elsewhere(claims, settings.groups_claim);
  return !groups || !is_there(claims, settings.name_claim);
}

bool lacks_something(const JwtClaims& claims, const OidcSettings& settings) {
  return lacks_name_or_groups(claims, settings) || !is_there(claims, "name") || !is_there(claims, "email");
}

Result<ExternalPerson> person_of(const JwtClaims& claims, const OidcSettings& settings) {
  ExternalPerson person;
  auto subject = checked(claims.subject, kLongestSubject);
  if (!subject || subject->empty())
    return Error{
        Errc::denied,
        fmt::format("the provider's claim \"sub\" cannot be used: it is empty, longer than {} bytes, "
                    "or holds control characters",
                    kLongestSubject)};
  person.subject = *std::move(subject);
  person.name = text_claim(claims, settings.name_claim);
  person.display_name = text_claim(claims, "name");
  person.email = text_claim(claims, "email");
  // Some providers write it as a text.
  person.email_verified = !person.email.empty() && claims.text("email_verified") == "true";
  read_groups(claims, settings.groups_claim, person);
  person.multi_factor = settings.trust_factors && saw_two_factors(claims);
  return person;
}

}  // namespace bulkhead::identity
