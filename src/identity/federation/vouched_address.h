// The e-mail addresses that log-in providers vouch for: verified for as long as the provider knows the person
// as the account. Internal to identity/federation.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "identity/people/directory.h"

namespace bulkhead::identity {

// The provider vouches no more: for the person with that subject, or for all. The addresses stay, unverified.
Result<void> withdraw_addresses(Change& change, std::int64_t provider_id,
                                std::optional<std::string_view> subject = {});

}  // namespace bulkhead::identity
