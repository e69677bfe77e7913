// What every registry operation is told of its caller. Authorization has been decided before: the services
// here act on a repository that the caller could act on when the request began. What changes something asks
// again in its own transaction (access::check_still_may): Errc::denied when the right has gone meanwhile.
#pragma once

#include "access/decide.h"
#include "audit/event.h"

namespace bulkhead::registry {

struct Context {
  access::Principal principal;
  audit::Origin origin;
};

}  // namespace bulkhead::registry
