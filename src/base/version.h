// Which version of the program this is.
#pragma once

#include <string_view>

namespace bulkhead {

std::string_view version();

}  // namespace bulkhead
