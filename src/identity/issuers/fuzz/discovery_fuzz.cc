// What an issuer says of itself decides where requests go. For any bytes: an accepted document is the
// issuer's own, every URL it names is one of https with a plain host, and a URL is taken apart without loss.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "identity/issuers/discovery.h"

using bulkhead::identity::parse_discovery;
using bulkhead::identity::parse_issuer;
using bulkhead::identity::parse_web_url;

namespace {

void require(bool promise) {
  if (!promise) std::abort();
}

void check_url(std::string_view text) {
  const auto url = parse_web_url(text, {});
  if (!url) return;
  require(url->secure && !url->host.empty());
  require(url->host.find_first_of("@\\/?#%") == std::string::npos);
  const std::string port = url->port == 0 ? "" : ":" + std::to_string(url->port);
  require("https://" + url->host + port + url->rest == text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  check_url(input);
  const auto issuer = parse_issuer(input, {});
  require(!issuer || *issuer == input);

  const auto found = parse_discovery(input, "https://ci.example", {});
  if (!found) return 0;
  require(found->issuer == "https://ci.example");
  require(parse_web_url(found->jwks_uri, {}).has_value());
  for (const auto& endpoint :
       {found->authorization_endpoint, found->token_endpoint, found->device_authorization_endpoint})
    require(endpoint.empty() || parse_web_url(endpoint, {}).has_value());
  return 0;
}
