// RFC 9110 section 13 for what is named by its digest: the entity tag is the digest in quotes.
#include <fmt/format.h>

#include "api/errors.h"
#include "api/handlers.h"
#include "http/conditions.h"

namespace bulkhead::api {
namespace {

std::string etag_of(const oci::Digest& digest) { return '"' + digest.render() + '"'; }

}  // namespace

Result<registry::Condition> condition_of(const http::Request& request) {
  auto conditions = http::Preconditions::of_change(request);
  if (!conditions) return conditions.error();
  if (conditions->empty()) return registry::Condition();
  return registry::Condition([conditions = *std::move(conditions)](const oci::Digest* current) {
    if (current == nullptr)
      return conditions.match_holds(std::nullopt) && conditions.none_match_holds(std::nullopt);
    const std::string etag = etag_of(*current);
    return conditions.match_holds(etag) && conditions.none_match_holds(etag);
  });
}

Result<bool> answered_by_condition(const http::Request& request, const oci::Digest& digest,
                                   http::Response& response) {
  auto conditions = http::Preconditions::of_read(request);
  if (!conditions) return conditions.error();
  if (conditions->empty()) return false;
  const std::string etag = etag_of(digest);
  if (!conditions->match_holds(etag)) {
    response = error_response({Errc::precondition_failed, fmt::format("it is {} now", digest.render())});
    return true;
  }
  if (conditions->none_match_holds(etag)) return false;
  response.status = 304;
  return true;
}

}  // namespace bulkhead::api
