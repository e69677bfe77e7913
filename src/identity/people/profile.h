// What people are called and where they are written to: text that others read, and must not be fooled by.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace bulkhead::identity {

// At most 128 characters of UTF-8, none of which controls a terminal, reorders or hides its neighbours, and
// no space at an end; "" for none. Errc::invalid_argument.
Result<std::string> parse_display_name(std::string_view text);
// The same of at most 256 characters: a sentence on what a robot is for.
Result<std::string> parse_description(std::string_view text);

// LOCAL@DOMAIN in at most 254 ASCII characters: RFC 5321's dot-string and host name, without its quoted and
// bracketed forms; "" for none. The domain comes back in lower case. Errc::invalid_argument.
Result<std::string> parse_email(std::string_view text);
// Whether two addresses are one person's: letter case does not count.
bool same_email(std::string_view left, std::string_view right);

}  // namespace bulkhead::identity
