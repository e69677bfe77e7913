// Networks in requests and representations.
#pragma once

#include <boost/json/array.hpp>

#include "api/management/operation.h"
#include "identity/secrets/networks.h"

namespace bulkhead::api::management {

// The body's field "networks"; anywhere when it is absent.
Result<identity::Networks> read_networks(const Call& call);
boost::json::array represent_networks(const identity::Networks& networks);

}  // namespace bulkhead::api::management
