// The only place where errors become HTTP: one table from Errc to status and OCI error code
// (distribution-spec 1.1, "Error Codes"), and their JSON.
#pragma once

#include <chrono>
#include <string_view>

#include "base/error.h"
#include "http/response.h"

namespace bulkhead::api {

struct WireError {
  unsigned status;
  std::string_view code;
};
WireError wire_error(Errc code);

// What is said in Retry-After where nobody knows how long it takes: a server that has too much to do.
inline constexpr std::chrono::seconds kUnknownWait{5};
// Retry-After (RFC 9110 section 10.2.3) of a 429 or 503; others have none. `wait` as in Error.
void add_retry_after(http::Response& response, std::chrono::seconds wait);

// What an answer of this status says instead of the error's own sentence where that is about the inside of
// the machine, and for the log; "" when the sentence is for the client.
std::string_view said_instead(const Error& error, unsigned status);

http::Response error_response(unsigned status, std::string_view code, std::string_view message,
                              std::chrono::seconds wait = {});
http::Response error_response(const Error& error);
// For what the protocol layer refuses before it knows a route.
http::Response refusal_response(unsigned status, std::string_view message);

http::Response json_response(unsigned status, std::string body);

}  // namespace bulkhead::api
