#include "identity/federation/login_provider.h"

#include <fmt/format.h>

#include "oci/quote.h"

namespace bulkhead::identity {

std::string_view name(ProviderKind kind) { return kind == ProviderKind::oidc ? "oidc" : "ldap"; }

Result<ProviderKind> parse_provider_kind(std::string_view text) {
  for (const ProviderKind kind : {ProviderKind::oidc, ProviderKind::ldap})
    if (text == name(kind)) return kind;
  return Error{Errc::invalid_argument,
               fmt::format("{} is no kind of log-in provider; it is one of oidc, ldap", oci::quote(text))};
}

}  // namespace bulkhead::identity
