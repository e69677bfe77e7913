#include "identity/issuers/discovery.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/value.hpp>

#include "oci/quote.h"
#include "oci/strict_json.h"

namespace bulkhead::identity {
namespace {

namespace json = boost::json;

constexpr oci::JsonLimits kLimits{8, 4096};

Error refused(std::string why) {
  return {Errc::invalid_argument, fmt::format("the issuer's discovery document is refused: {}", why)};
}

// "" where the member is missing or not a string.
std::string_view text(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  const json::string* found = value == nullptr ? nullptr : value->if_string();
  return found == nullptr ? std::string_view() : std::string_view(found->data(), found->size());
}

std::string endpoint(const json::object& object, std::string_view name, const PlainHosts& plain) {
  const std::string_view url = text(object, name);
  return parse_web_url(url, plain) ? std::string(url) : std::string();
}

bool wants_secret_in_form(const json::object& object) {
  const json::value* value = object.if_contains("token_endpoint_auth_methods_supported");
  const json::array* methods = value == nullptr ? nullptr : value->if_array();
  if (methods == nullptr) return false;
  const auto takes = [&](std::string_view method) {
    return std::ranges::any_of(*methods, [&](const json::value& each) {
      const json::string* text = each.if_string();
      return text != nullptr && std::string_view(text->data(), text->size()) == method;
    });
  };
  return !takes("client_secret_basic") && takes("client_secret_post");
}

}  // namespace

std::string discovery_url(std::string_view issuer) {
  if (issuer.ends_with('/')) issuer.remove_suffix(1);
  return fmt::format("{}/.well-known/openid-configuration", issuer);
}

Result<Discovery> parse_discovery(std::string_view document, std::string_view issuer,
                                  const PlainHosts& plain) {
  const auto parsed = oci::parse_strict_json(document, kLimits);
  if (!parsed) return refused(parsed.error().message);
  const json::object* object = parsed->if_object();
  if (object == nullptr) return refused("it is not a JSON object");
  if (text(*object, "issuer") != issuer)
    return refused(fmt::format("it is of the issuer {} and not of {}", oci::quote(text(*object, "issuer")),
                               oci::quote(issuer)));
  const auto keys = parse_web_url(text(*object, "jwks_uri"), plain);
  if (!keys) return refused(fmt::format("its \"jwks_uri\" cannot be used: {}", keys.error().message));
  const json::value* names_itself = object->if_contains("authorization_response_iss_parameter_supported");
  return Discovery{std::string(issuer),
                   std::string(text(*object, "jwks_uri")),
                   endpoint(*object, "authorization_endpoint", plain),
                   endpoint(*object, "token_endpoint", plain),
                   endpoint(*object, "device_authorization_endpoint", plain),
                   endpoint(*object, "userinfo_endpoint", plain),
                   wants_secret_in_form(*object),
                   names_itself != nullptr && names_itself->is_bool() && names_itself->get_bool()};
}

}  // namespace bulkhead::identity
