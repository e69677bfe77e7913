// Claims that are accepted mean the same when they are written again.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "access/claims.h"

using namespace bulkhead::access;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto claims = parse_claims(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!claims) return 0;
  const std::string rendered = render_claims(*claims);
  const auto again = parse_claims(rendered);
  if (!again || again->account_id != claims->account_id || again->account != claims->account ||
      again->issuer != claims->issuer || again->audience != claims->audience ||
      again->credential_version != claims->credential_version || again->token_id != claims->token_id ||
      again->issued_at != claims->issued_at || again->not_before != claims->not_before ||
      again->expires_at != claims->expires_at || render_claims(*again) != rendered)
    std::abort();
  return 0;
}
