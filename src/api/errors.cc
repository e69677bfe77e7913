#include "api/errors.h"

#include <fmt/format.h>

#include <string>

#include "base/log.h"

namespace bulkhead::api {

WireError wire_error(Errc code) {
  switch (code) {
    case Errc::invalid_argument: return {400, "BAD_REQUEST"};
    case Errc::name_invalid: return {400, "NAME_INVALID"};
    case Errc::tag_invalid: return {400, "MANIFEST_INVALID"};
    case Errc::digest_invalid: return {400, "DIGEST_INVALID"};
    case Errc::digest_unsupported: return {400, "UNSUPPORTED"};
    case Errc::manifest_invalid: return {400, "MANIFEST_INVALID"};
    case Errc::size_invalid: return {400, "SIZE_INVALID"};
    case Errc::range_invalid: return {416, "RANGE_INVALID"};
    case Errc::unsupported: return {405, "UNSUPPORTED"};
    case Errc::interrupted: return {400, "BAD_REQUEST"};
    case Errc::name_unknown: return {404, "NAME_UNKNOWN"};
    case Errc::blob_unknown: return {404, "BLOB_UNKNOWN"};
    case Errc::manifest_unknown: return {404, "MANIFEST_UNKNOWN"};
    case Errc::manifest_blob_unknown: return {400, "MANIFEST_BLOB_UNKNOWN"};
    case Errc::upload_unknown: return {404, "BLOB_UPLOAD_UNKNOWN"};
    case Errc::not_found: return {404, "NOT_FOUND"};
    case Errc::unauthenticated: return {401, "UNAUTHORIZED"};
    case Errc::denied: return {403, "DENIED"};
    case Errc::quota_exceeded: return {403, "DENIED"};
    case Errc::rate_limited: return {429, "TOOMANYREQUESTS"};
    case Errc::conflict: return {409, "CONFLICT"};
    case Errc::precondition_failed: return {412, "PRECONDITION_FAILED"};
    case Errc::immutable: return {409, "DENIED"};
    case Errc::upload_busy: return {409, "BLOB_UPLOAD_INVALID"};
    case Errc::too_large: return {413, "SIZE_INVALID"};
    case Errc::uri_too_long: return {414, "SIZE_INVALID"};
    case Errc::no_space: return {507, "INSUFFICIENT_STORAGE"};
    case Errc::unavailable: return {503, "UNAVAILABLE"};
    case Errc::timeout: return {408, "TIMEOUT"};
    case Errc::corrupt: return {500, "INTERNAL"};
    case Errc::internal: return {500, "INTERNAL"};
  }
  return {500, "INTERNAL"};
}

std::string_view said_instead(const Error& error, unsigned status) {
  if (status == 503 && error.inside)
    return "something that this server needs does not answer now; try again in a moment";
  if (status == 507)
    return "the server's disk is full, or nearly: pushes are refused until there is room; pulls and "
           "deletions "
           "go on";
  if (status == 500 || error.inside)
    return "an internal error; the server's log has it under this request's id";
  return {};
}

http::Response json_response(unsigned status, std::string body) {
  http::Response response;
  response.status = status;
  response.header("Content-Type", "application/json");
  response.body = std::move(body);
  return response;
}

void add_retry_after(http::Response& response, std::chrono::seconds wait) {
  if (response.status != 429 && response.status != 503) return;
  response.header("Retry-After",
                  std::to_string((wait > std::chrono::seconds::zero() ? wait : kUnknownWait).count()));
}

http::Response error_response(unsigned status, std::string_view code, std::string_view message,
                              std::chrono::seconds wait) {
  http::Response response = json_response(
      status, fmt::format(R"({{"errors":[{{"code":"{}","message":{}}}]}})", code, json_quote(message)));
  add_retry_after(response, wait);
  return response;
}

http::Response error_response(const Error& error) {
  const WireError wire = wire_error(error.code);
  const std::string_view instead = said_instead(error, wire.status);
  if (instead.empty()) return error_response(wire.status, wire.code, error.message, error.retry_after);
  http::Response response = error_response(wire.status, wire.code, instead, error.retry_after);
  response.log_note = error.message;
  return response;
}

http::Response refusal_response(unsigned status, std::string_view message) {
  std::string_view code = "BAD_REQUEST";
  if (status >= 500) code = "INTERNAL";
  if (status == 405 || status == 505) code = "UNSUPPORTED";
  if (status == 408) code = "TIMEOUT";
  if (status == 413 || status == 414 || status == 431) code = "SIZE_INVALID";
  http::Response response = error_response(status, code, message);
  // RFC 9110 section 15.5.6.
  if (status == 405) response.header("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE");
  return response;
}

}  // namespace bulkhead::api
