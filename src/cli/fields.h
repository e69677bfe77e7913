// One thing shown to people, a line for each of its fields.
#pragma once

#include <boost/json/value.hpp>

namespace bulkhead::cli {

// "system role:  auditor": names without underscores, sizes in units, yes and no, lists with spaces between.
// An envelope of one object is left off.
void print_fields(const boost::json::value& object);

}  // namespace bulkhead::cli
