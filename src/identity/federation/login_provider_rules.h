// What a log-in provider may be made of. Internal to identity/.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/secret.h"
#include "identity/federation/login_provider.h"
#include "identity/issuers/web_url.h"

namespace bulkhead::identity {

inline constexpr std::size_t kMostAdmittedGroups = 100;
inline constexpr std::size_t kMostScopes = 20;
inline constexpr std::size_t kLongestScope = 128;  // bytes, as are all of these
inline constexpr std::size_t kLongestClientId = 255;
inline constexpr std::size_t kLongestClaimPath = 256;
inline constexpr std::size_t kLongestLdapSetting = 1024;
inline constexpr std::size_t kLongestGroup = 512;
inline constexpr std::size_t kLongestProviderSecret = 4096;

// Everything but the secret. Errc::name_invalid, Errc::invalid_argument.
Result<void> check_provider(const LoginProvider& provider, const PlainHosts& plain);

// Whether the provider can work with that secret, "" for none. Errc::invalid_argument, which does not repeat
// it.
Result<void> check_provider_secret(const LoginProvider& provider, const Secret<>& secret);

// Whether the secret of the one is sent to the same server, no less protected, and as the same account there,
// by the other.
bool same_addressee(const LoginProvider& one, const LoginProvider& other);

// A group as a provider names it. Errc::invalid_argument.
Result<void> check_group(std::string_view group);

}  // namespace bulkhead::identity
