// Errors of the management API: problem details (RFC 9457), mapped from Errc in one table, the counterpart of
// errors.h.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "http/response.h"

namespace bulkhead::api {

struct ProblemKind {
  unsigned status;
  std::string_view code;   // "not_found"; what programs act on
  std::string_view title;  // the same for every occurrence
};
ProblemKind problem_kind(Errc code);

// Those that are about HTTP and have no Errc.
inline constexpr ProblemKind kInvalidFields{400, "invalid_fields",
                                            "The request has fields that are not right"};
inline constexpr ProblemKind kProofRequired{401, "proof_required", "A recent proof of who you are is needed"};
inline constexpr ProblemKind kFactorRequired{403, "second_factor_required", "A second factor is needed"};
inline constexpr ProblemKind kMethodNotAllowed{405, "method_not_allowed", "The method does not apply here"};
inline constexpr ProblemKind kPreconditionFailed{412, "precondition_failed",
                                                 "It has changed since it was read"};
inline constexpr ProblemKind kWrongMediaType{415, "unsupported_media_type",
                                             "The body is of another media type"};
inline constexpr ProblemKind kKeyReused{422, "idempotency_key_reused",
                                        "The Idempotency-Key belongs to another request"};
// Of a device's log-in (RFC 8628 section 3.5, RFC 6749 section 5.2).
inline constexpr ProblemKind kAuthorizationPending{400, "authorization_pending",
                                                   "The person has not finished"};
inline constexpr ProblemKind kSlowDown{400, "slow_down", "Asked too often"};
inline constexpr ProblemKind kAccessDenied{400, "access_denied", "The log-in was refused"};
inline constexpr ProblemKind kExpiredToken{400, "expired_token", "The log-in took too long"};
inline constexpr ProblemKind kInvalidGrant{400, "invalid_grant", "There is no such log-in"};
inline constexpr ProblemKind kPreconditionRequired{428, "precondition_required",
                                                   "The change needs an If-Match"};

// A part of the request that is wrong, and how.
struct ProblemPart {
  std::string_view place;  // "pointer", "parameter" or "header"
  std::string name;
  std::string detail;
};

// `instance` is the request's id; `wait` as in Error.
http::Response problem_response(const ProblemKind& kind, std::string_view detail, std::string_view instance,
                                const std::vector<ProblemPart>& parts = {}, std::chrono::seconds wait = {});
// An internal error's message stays inside.
http::Response problem_response(const Error& error, std::string_view instance);

}  // namespace bulkhead::api
