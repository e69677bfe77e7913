// Strong entity tags and the conditions that requests make with them (RFC 9110 sections 8.8.3 and 13).
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace bulkhead::api::management {

// Of a representation's bytes: equal bytes, equal tag.
std::string etag_of(std::string_view representation);

// Whether a header's list of tags (or "*") names this one. If-Match compares strongly, so that a weak tag
// never matches; If-None-Match weakly. Errc::invalid_argument for what is no such list.
Result<bool> if_match(std::string_view header, std::string_view etag);
Result<bool> if_none_match(std::string_view header, std::string_view etag);

}  // namespace bulkhead::api::management
