#include "api/management/proof.h"

#include <fmt/format.h>

#include <chrono>

#include "api/problem.h"

namespace bulkhead::api::management {
namespace {

constexpr std::chrono::minutes kProofLifetime{15};

}  // namespace

std::optional<http::Response> lacking_proof(const ManagementCaller& caller, Time now,
                                            std::string_view instance) {
  if (caller.is_operator) return std::nullopt;
  if (caller.proved_at && now - *caller.proved_at < kProofLifetime) return std::nullopt;
  http::Response response = problem_response(
      kProofRequired,
      fmt::format("log in again: this takes a session whose owner proved who they are within {} minutes",
                  kProofLifetime.count()),
      instance);
  response.header(
      "WWW-Authenticate",
      fmt::format("Bearer realm=\"bulkhead\", error=\"insufficient_user_authentication\", max_age={}",
                  std::chrono::duration_cast<std::chrono::seconds>(kProofLifetime).count()));
  return response;
}

}  // namespace bulkhead::api::management
