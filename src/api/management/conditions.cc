#include "api/management/conditions.h"

#include "base/bytes.h"
#include "crypto/hash.h"
#include "http/conditions.h"

namespace bulkhead::api::management {
namespace {

constexpr std::size_t kTagBytes = 16;

}  // namespace

std::string etag_of(std::string_view representation) {
  const std::string digest = crypto::hash(crypto::HashAlgorithm::sha256, as_bytes(representation));
  return '"' + to_base64url(as_bytes(std::string_view(digest).substr(0, kTagBytes))) + '"';
}

Result<bool> if_match(std::string_view header, std::string_view etag) {
  const auto tags = http::EntityTags::parse(header);
  if (!tags) return tags.error();
  return tags->name_strongly(etag);
}

Result<bool> if_none_match(std::string_view header, std::string_view etag) {
  const auto tags = http::EntityTags::parse(header);
  if (!tags) return tags.error();
  return tags->name_weakly(etag);
}

}  // namespace bulkhead::api::management
