// What a provider's token endpoint answers, and the claims of an ID token that it has signed. For any bytes:
// what is taken over keeps to the limits and holds nothing that controls a terminal.
#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/plain_text.h"
#include "identity/federation/oidc_messages.h"
#include "identity/federation/oidc_person.h"
#include "identity/issuers/jwt.h"
#include "oci/strict_json.h"

using namespace bulkhead::identity;
using bulkhead::Errc;

namespace {

void require(bool promise) {
  if (!promise) std::abort();
}

bool printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

void read_answer(std::string_view input) {
  for (const unsigned status : {200u, 400u}) {
    const auto tokens = parse_token_answer({status, std::string(input)});
    if (tokens) {
      require(status == 200 && input.size() <= kLargestTokenAnswer);
      require(!tokens->access_token.empty());
      require(tokens->refresh_token.reveal().size() <= kLongestRefreshToken);
      for (const auto* token : {&tokens->id_token, &tokens->access_token, &tokens->refresh_token})
        require(printable(token->reveal()));
    } else {
      require(printable(tokens.error().message));
      require(tokens.error().code == Errc::unavailable ||
              (tokens.error().code == Errc::unauthenticated && status != 200));
    }
  }
}

void read_person(std::string_view input) {
  auto document = bulkhead::oci::parse_strict_json(input, {16, 4096});
  if (!document || !document->is_object()) return;
  OidcSettings settings;
  settings.trust_factors = true;
  JwtClaims claims;
  claims.all = std::make_shared<const boost::json::object>(std::move(document->get_object()));
  claims.subject = claims.text("sub").value_or("");
  const auto person = person_of(claims, settings);
  if (!person) {
    require(person.error().code == Errc::denied && printable(person.error().message));
    return;
  }
  require(!person->subject.empty() && person->subject.size() <= kLongestSubject);
  for (const auto* text : {&person->subject, &person->name, &person->display_name, &person->email})
    require(text->size() <= kLongestPersonClaim && bulkhead::is_plain_text(*text));
  require(person->groups.size() <= kMostExternalGroups);
  for (const auto& group : person->groups)
    require(!group.empty() && group.size() <= kLongestExternalGroup && bulkhead::is_plain_text(group));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  read_answer(input);
  read_person(input);
  return 0;
}
