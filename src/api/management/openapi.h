// The OpenAPI 3.1 document, written from the table of operations: the same table, the same bytes.
#pragma once

#include <boost/json/object.hpp>
#include <vector>

#include "api/management/operation.h"

namespace bulkhead::api::management {

boost::json::object render_openapi(const std::vector<const Operation*>& operations);

}  // namespace bulkhead::api::management
