#include "base/error.h"

#include <stdexcept>

namespace bulkhead {

std::string_view name(Errc code) {
  switch (code) {
    case Errc::invalid_argument: return "invalid_argument";
    case Errc::name_invalid: return "name_invalid";
    case Errc::tag_invalid: return "tag_invalid";
    case Errc::digest_invalid: return "digest_invalid";
    case Errc::digest_unsupported: return "digest_unsupported";
    case Errc::manifest_invalid: return "manifest_invalid";
    case Errc::size_invalid: return "size_invalid";
    case Errc::range_invalid: return "range_invalid";
    case Errc::unsupported: return "unsupported";
    case Errc::interrupted: return "interrupted";
    case Errc::name_unknown: return "name_unknown";
    case Errc::blob_unknown: return "blob_unknown";
    case Errc::manifest_unknown: return "manifest_unknown";
    case Errc::manifest_blob_unknown: return "manifest_blob_unknown";
    case Errc::upload_unknown: return "upload_unknown";
    case Errc::not_found: return "not_found";
    case Errc::unauthenticated: return "unauthenticated";
    case Errc::denied: return "denied";
    case Errc::quota_exceeded: return "quota_exceeded";
    case Errc::rate_limited: return "rate_limited";
    case Errc::conflict: return "conflict";
    case Errc::precondition_failed: return "precondition_failed";
    case Errc::immutable: return "immutable";
    case Errc::upload_busy: return "upload_busy";
    case Errc::too_large: return "too_large";
    case Errc::uri_too_long: return "uri_too_long";
    case Errc::no_space: return "no_space";
    case Errc::unavailable: return "unavailable";
    case Errc::timeout: return "timeout";
    case Errc::corrupt: return "corrupt";
    case Errc::internal: return "internal";
  }
  return "internal";
}

void throw_exception_from_error(const Error& error, const boost::source_location& where) {
  throw std::logic_error(std::string(where.file_name()) + ":" + std::to_string(where.line()) +
                         ": value() of a failed result: " + error.message);
}

}  // namespace bulkhead
