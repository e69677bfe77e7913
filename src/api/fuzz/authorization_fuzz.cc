// The Authorization header comes from anybody. For any value: what parse_authorization() gives is made of the
// header's own bytes; what parse_basic() accepts encodes back to the credential that was sent.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "api/caller.h"
#include "base/bytes.h"

namespace api = bulkhead::api;

namespace {

void require(bool promise) {
  if (!promise) std::abort();
}

void check_basic(std::string_view encoded) {
  // The same sentence for all: it repeats nothing of a credential.
  static const bulkhead::Error malformed = api::parse_basic("").error();
  const auto basic = api::parse_basic(encoded);
  if (!basic) {
    require(basic.error() == malformed);
    return;
  }
  require(!basic->name.empty() && basic->name.find(':') == std::string::npos);
  require(bulkhead::to_base64(bulkhead::as_bytes(basic->name + ":" + basic->password.reveal())) == encoded);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view header(reinterpret_cast<const char*>(data), size);
  check_basic(header);
  const auto authorization = api::parse_authorization(header);
  if (!authorization) return 0;
  require(!authorization->scheme.empty() && !authorization->value.empty());
  require(
      std::ranges::none_of(authorization->scheme, [](char c) { return c == ' ' || (c >= 'A' && c <= 'Z'); }));
  require(authorization->value.front() != ' ' && authorization->value.back() != ' ');
  require(authorization->value.data() > header.data() &&
          authorization->value.data() + authorization->value.size() <= header.data() + header.size());
  check_basic(authorization->value);
  return 0;
}
