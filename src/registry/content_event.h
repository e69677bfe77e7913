// The evidence of a change to what a repository holds. Internal to registry/.
#pragma once

#include <string>

#include "access/facts.h"
#include "audit/event.h"
#include "registry/context.h"

namespace bulkhead::registry {

// `target` is the digest or the tag that the change is about; the caller fills in the digests before and
// after.
audit::Event content_event(audit::Action action, const access::Repository& repository, std::string target,
                           const Context& context, Time now);

}  // namespace bulkhead::registry
