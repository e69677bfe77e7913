#include "base/version.h"

namespace bulkhead {

std::string_view version() { return BULKHEAD_VERSION; }

}  // namespace bulkhead
