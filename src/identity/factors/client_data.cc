#include "identity/factors/client_data.h"

#include <algorithm>
#include <boost/json/value.hpp>
#include <utility>

#include "base/bytes.h"
#include "oci/quote.h"
#include "oci/strict_json.h"

namespace bulkhead::identity {
namespace {

constexpr oci::JsonLimits kLimits{.depth = 8, .values = 100};
constexpr std::size_t kMaxBytes = 8 * 1024;

Error refused(std::string_view what) {
  return {Errc::invalid_argument, "the browser's client data " + std::string(what)};
}

std::string_view text_at(const boost::json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  if (value == nullptr || !value->is_string()) return {};
  const auto& text = value->get_string();
  return {text.data(), text.size()};
}

std::string_view type_of(Ceremony ceremony) {
  return ceremony == Ceremony::registration ? "webauthn.create" : "webauthn.get";
}

}  // namespace

Result<std::string> check_client_data(std::string_view json, Ceremony ceremony,
                                      std::span<const std::string> origins) {
  if (json.size() > kMaxBytes) return refused("is larger than 8 KiB");
  const auto parsed = oci::parse_strict_json(json, kLimits);
  if (!parsed) return refused("is not JSON: " + parsed.error().message);
  if (!parsed->is_object()) return refused("is not a JSON object");
  const auto& object = parsed->get_object();

  if (text_at(object, "type") != type_of(ceremony))
    return refused("is not of the type " + std::string(type_of(ceremony)));
  const std::string_view origin = text_at(object, "origin");
  if (std::find(origins.begin(), origins.end(), origin) == origins.end())
    return refused("is for the origin " + oci::quote(origin) + ", which is not this installation's");
  if (const auto* cross_origin = object.if_contains("crossOrigin");
      cross_origin != nullptr && (!cross_origin->is_bool() || cross_origin->get_bool()))
    return refused("comes from a frame in another site");
  // Token binding was never deployed: a browser may say that it could have been used, not that it was.
  if (const auto* binding = object.if_contains("tokenBinding");
      binding != nullptr &&
      (!binding->is_object() || text_at(binding->get_object(), "status") != "supported"))
    return refused("has a token binding");
  auto challenge = from_base64url(text_at(object, "challenge"));
  if (!challenge || challenge->empty()) return refused("has no challenge");
  return *std::move(challenge);
}

}  // namespace bulkhead::identity
