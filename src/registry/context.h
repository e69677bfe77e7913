// What every registry operation is told of its caller. Authorization has been decided before: the services
// here act on a repository that the caller could act on when the request began. What changes something asks
// again in its own transaction (access::check_still_may): Errc::denied when the right has gone meanwhile.
#pragma once

#include <functional>

#include "access/decide.h"
#include "audit/event.h"
#include "base/error.h"
#include "oci/digest.h"

namespace bulkhead::registry {

// What the caller has made a change depend on: whether it may be made, given the digest of what is there now
// under the name that is changed, or null when nothing is. Empty: on nothing.
using Condition = std::function<bool(const oci::Digest* current)>;

struct Context {
  access::Principal principal;
  audit::Origin origin;
  // Looked at in the transaction that changes a manifest, a tag or a blob: Errc::precondition_failed.
  Condition condition = {};
};

inline Result<void> check_condition(const Context& context, const oci::Digest* current) {
  if (!context.condition || context.condition(current)) return {};
  return Error{Errc::precondition_failed,
               current != nullptr
                   ? "it is " + current->render() + " now, which the request's condition rules out"
                   : "it is not there, and the request's condition asks for it"};
}

}  // namespace bulkhead::registry
