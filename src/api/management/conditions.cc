#include "api/management/conditions.h"

#include "base/bytes.h"
#include "crypto/hash.h"

namespace bulkhead::api::management {
namespace {

constexpr std::size_t kTagBytes = 16;

void skip_spaces(std::string_view& text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
}

Result<bool> any_of(std::string_view header, std::string_view etag, bool weakly) {
  const Error malformed{Errc::invalid_argument,
                        "a condition is a list of entity tags in quotes, as in \"xyz\", or *"};
  std::string_view rest = header;
  skip_spaces(rest);
  if (rest == "*") return true;
  bool found = false;
  while (true) {
    const bool weak = rest.starts_with("W/");
    if (weak) rest.remove_prefix(2);
    if (!rest.starts_with('"')) return malformed;
    const std::size_t end = rest.find('"', 1);
    if (end == std::string_view::npos) return malformed;
    found = found || (rest.substr(0, end + 1) == etag && (weakly || !weak));
    rest.remove_prefix(end + 1);
    skip_spaces(rest);
    if (rest.empty()) return found;
    if (!rest.starts_with(',')) return malformed;
    rest.remove_prefix(1);
    skip_spaces(rest);
  }
}

}  // namespace

std::string etag_of(std::string_view representation) {
  const std::string digest = crypto::hash(crypto::HashAlgorithm::sha256, as_bytes(representation));
  return '"' + to_base64url(as_bytes(std::string_view(digest).substr(0, kTagBytes))) + '"';
}

Result<bool> if_match(std::string_view header, std::string_view etag) { return any_of(header, etag, false); }
Result<bool> if_none_match(std::string_view header, std::string_view etag) {
  return any_of(header, etag, true);
}

}  // namespace bulkhead::api::management
