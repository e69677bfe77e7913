// What the management API says of fields, in the words of whoever typed a command.
#pragma once

#include <boost/json/fwd.hpp>
#include <string>

namespace bulkhead::cli {

// Of the parts of a problem (RFC 9457's "errors" with their pointers): "--lifetime must be between 1m and
// 365d; the name must not be empty". "" where it names no field of the body.
std::string in_flags(const boost::json::array& parts);

}  // namespace bulkhead::cli
