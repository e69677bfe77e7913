// A recent proof of who the caller is (RFC 9470), which whatever makes credentials or gives power asks for: a
// stolen token, or a session left open, makes nobody powerful.
#pragma once

#include <optional>
#include <string_view>

#include "api/management/caller.h"
#include "http/response.h"

namespace bulkhead::api::management {

// The challenge for a caller whose proof is missing or old. Operators need none.
std::optional<http::Response> lacking_proof(const ManagementCaller& caller, Time now,
                                            std::string_view instance);

}  // namespace bulkhead::api::management
