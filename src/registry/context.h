// What every registry operation is told of its caller. Authorization has been decided before: the services
// here act on a repository that the caller may act on.
#pragma once

#include "access/decide.h"
#include "audit/event.h"

namespace bulkhead::registry {

struct Context {
  access::Principal principal;
  audit::Origin origin;
};

}  // namespace bulkhead::registry
