// How many files this process may have open, and what of it is kept for what.
#pragma once

#include <cstddef>

namespace bulkhead {

// Raises the limit of open files (RLIMIT_NOFILE) as far as it goes.
void raise_open_files();
// As it is now.
std::size_t open_files();
// Of `wanted` files that are kept open to save opening them again, as many as leave enough for the rest.
std::size_t may_keep_open(std::size_t wanted);

}  // namespace bulkhead
