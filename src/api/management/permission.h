// Whether a caller may call an operation: one function over the table of operations. What the caller may not
// know of is refused in the words in which its absence is told.
#pragma once

#include "access/decide.h"
#include "api/management/operation.h"
#include "base/error.h"

namespace bulkhead::api::management {

// Errc::not_found when the caller may not know whether it is there, Errc::denied when the caller knows it but
// may not do this, Errc::name_unknown for a repository that is not there and could be seen. Sets what of
// `call` the path names. Blocking.
Result<void> permit(const Operation& operation, Call& call);

// What a caller without the permission is told of a thing, and what is told of a thing that is not there.
Error not_visible();

// Whom the caller has to be able to see, to name them: nobody in particular for who reads the directory.
access::Namer namer_of(const Call& call);

// Whether the caller goes away from where the path leads. No policy keeps anybody in.
bool leaves(const Operation& operation, const Call& call);

// A namespace as a path has it: "/" is the installation's own.
std::string namespace_name(std::string_view text);

}  // namespace bulkhead::api::management
