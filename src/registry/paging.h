// Where a page begins and how long it may be, as the database takes them. Internal to registry/.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace bulkhead::registry {

// Text that every database accepts and before and after which the same tags and digests stand as before and
// after `last`, which may be any bytes a client sent.
std::string start_after(std::string_view last);

// One more than the limit, which tells whether there is more.
std::int64_t rows_for(std::size_t limit);

}  // namespace bulkhead::registry
