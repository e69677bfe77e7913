// Logging in from the command line with a log-in provider of the server's.
#pragma once

#include <boost/json/value.hpp>
#include <string>

#include "base/error.h"
#include "cli/api_client.h"

namespace bulkhead::cli {

// "oidc" (in a browser) or "ldap" (with a password). Errc::not_found, naming those that there are.
Result<std::string> login_provider_kind(ApiClient& client, const std::string& provider);

// Shows on standard error where to go and which code to compare, and waits until the person has been there:
// the started session, as POST /sessions gives it. Ends with the process: a request that nobody asks for any
// more runs out by itself.
Result<boost::json::value> log_in_with_browser(ApiClient& client, const std::string& provider);

}  // namespace bulkhead::cli
