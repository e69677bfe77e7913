// Percent-encoding of all but the unreserved characters (RFC 3986 section 2.3): for a segment of a path, a
// query's value, and a form's as well.
#pragma once

#include <string>
#include <string_view>

namespace bulkhead {

// Grows `out` by three bytes for each of `text` at most: who reserves them leaves no copy of a secret behind.
void append_percent_encoded(std::string& out, std::string_view text);
std::string percent_encode(std::string_view text);

}  // namespace bulkhead
