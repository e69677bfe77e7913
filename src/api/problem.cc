#include "api/problem.h"

#include <fmt/format.h>

#include "api/errors.h"
#include "base/log.h"
#include "base/shown.h"

namespace bulkhead::api {

ProblemKind problem_kind(Errc code) {
  switch (code) {
    case Errc::invalid_argument: return {400, "invalid_argument", "The request is not right"};
    case Errc::name_invalid: return {400, "name_invalid", "The name is not one"};
    case Errc::tag_invalid: return {400, "tag_invalid", "The tag is not one"};
    case Errc::digest_invalid: return {400, "digest_invalid", "The digest is not one"};
    case Errc::digest_unsupported:
      return {400, "digest_unsupported", "The digest's algorithm is not supported"};
    case Errc::manifest_invalid: return {400, "manifest_invalid", "The manifest is not one"};
    case Errc::size_invalid: return {400, "size_invalid", "A size is not what was stated"};
    case Errc::range_invalid: return {416, "range_invalid", "The range is not there"};
    case Errc::unsupported: return {400, "unsupported", "This is not supported"};
    case Errc::interrupted: return {400, "interrupted", "The request broke off"};
    case Errc::name_unknown: return {404, "not_found", "It is not there, or not yours to see"};
    case Errc::blob_unknown: return {404, "not_found", "It is not there, or not yours to see"};
    case Errc::manifest_unknown: return {404, "not_found", "It is not there, or not yours to see"};
    case Errc::manifest_blob_unknown:
      return {400, "manifest_blob_unknown", "The manifest's content is not there"};
    case Errc::upload_unknown: return {404, "not_found", "It is not there, or not yours to see"};
    case Errc::not_found: return {404, "not_found", "It is not there, or not yours to see"};
    case Errc::unauthenticated: return {401, "unauthenticated", "Log in first"};
    case Errc::denied: return {403, "denied", "You may not do this"};
    case Errc::quota_exceeded: return {403, "quota_exceeded", "The quota is used up"};
    case Errc::rate_limited: return {429, "rate_limited", "Too many attempts"};
    case Errc::conflict: return {409, "conflict", "The state does not allow it"};
    case Errc::precondition_failed: return kPreconditionFailed;
    case Errc::immutable: return {409, "immutable", "It is protected from change"};
    case Errc::upload_busy: return {409, "busy", "Another request is working on it"};
    case Errc::too_large: return {413, "too_large", "The request is too large"};
    case Errc::uri_too_long: return {414, "uri_too_long", "The request's target is too long"};
    case Errc::no_space: return {507, "no_space", "The disk is full"};
    case Errc::unavailable: return {503, "unavailable", "Not now; try again in a moment"};
    case Errc::timeout: return {408, "timeout", "The request took too long to arrive"};
    case Errc::corrupt: return {500, "internal", "An internal error"};
    case Errc::internal: return {500, "internal", "An internal error"};
  }
  return {500, "internal", "An internal error"};
}

http::Response problem_response(const ProblemKind& kind, std::string_view detail, std::string_view instance,
                                const std::vector<ProblemPart>& parts, std::chrono::seconds wait) {
  std::string body = fmt::format(
      R"({{"type":"urn:problem-type:bulkhead:{0}","title":{1},"status":{2},"detail":{3},"instance":{4},"code":"{0}")",
      kind.code, json_quote(kind.title), kind.status, json_quote(shown(detail)), json_quote(instance));
  if (!parts.empty()) {
    body += R"(,"errors":[)";
    for (const ProblemPart& part : parts)
      body += fmt::format(R"({}{{"{}":{},"detail":{}}})", &part == &parts.front() ? "" : ",", part.place,
                          json_quote(shown(part.name)), json_quote(shown(part.detail)));
    body += ']';
  }
  body += '}';
  http::Response response;
  response.status = kind.status;
  response.header("Content-Type", "application/problem+json");
  response.header("Cache-Control", "no-store");
  add_retry_after(response, wait);
  response.body = std::move(body);
  return response;
}

http::Response problem_response(const Error& error, std::string_view instance) {
  const ProblemKind kind = problem_kind(error.code);
  const std::string_view instead = said_instead(error, kind.status);
  if (instead.empty()) return problem_response(kind, error.message, instance, {}, error.retry_after);
  http::Response response = problem_response(kind, instead, instance, {}, error.retry_after);
  response.log_note = error.message;
  return response;
}

}  // namespace bulkhead::api
