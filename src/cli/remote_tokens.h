// The token commands as clients of the management API. Internal to remote_commands.cc.
#pragma once

#include <boost/json/fwd.hpp>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "cli/api_client.h"

namespace bulkhead::cli {

Result<boost::json::value> remote_token_create(ApiClient& client, const boost::json::object& command);
Result<boost::json::value> remote_token_list(ApiClient& client, const boost::json::object& command);
Result<boost::json::value> remote_token_revoke(ApiClient& client, const boost::json::object& command);
Result<boost::json::value> remote_token_rotate(ApiClient& client, const boost::json::object& command);

// "alice/app:pull,push alice/:pull *:pull" as the API has scopes. Errc::invalid_argument.
Result<boost::json::array> api_scopes(std::string_view text);
// And back, one text each.
boost::json::array scope_texts(const boost::json::array& scopes);

}  // namespace bulkhead::cli
