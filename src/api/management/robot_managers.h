// Who looks after a robot: makes and ends its tokens, stops and deletes it.
#pragma once

#include <cstdint>

#include "api/management/operation.h"

namespace bulkhead::api::management {

// Whether the caller does: an owner of the organization that the robot belongs to, or who owns its repository
// at this moment; with a credential that reaches there and that the organization's policy lets in.
// Errc::not_found for what is no robot. Blocking.
Result<bool> manages_robot(const Call& call, std::int64_t robot_id);

}  // namespace bulkhead::api::management
