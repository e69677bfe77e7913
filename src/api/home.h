// What is at "/": what this is, for whoever typed the registry's name into a browser, or curl.
#pragma once

#include "api/services.h"
#include "http/exchange.h"
#include "http/response.h"

namespace bulkhead::api {

// HTML for who asks for it (RFC 9110 section 12.5.1), plain text for everybody else. Says nothing of what the
// installation holds, nor which version it is.
http::Response home(const http::Exchange& exchange, const Options& options);

}  // namespace bulkhead::api
