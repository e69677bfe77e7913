// How organizations are represented.
#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <string_view>

#include "api/management/schema.h"
#include "identity/people/organizations.h"

namespace bulkhead::api::management {

extern const Schema kOrganization;

boost::json::object represent(const identity::Organization& organization);
// "/organizations/NAME".
std::string organization_path(std::string_view name);

}  // namespace bulkhead::api::management
