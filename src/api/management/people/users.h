// How accounts are represented.
#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <string_view>

#include "api/management/schema.h"
#include "identity/people/account.h"

namespace bulkhead::api::management {

extern const Schema kUser;

boost::json::object represent(const identity::Account& account);
// "/users/NAME".
std::string user_path(std::string_view name);

}  // namespace bulkhead::api::management
