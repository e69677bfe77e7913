#include "blob/errors.h"

#include <fmt/format.h>

namespace bulkhead::blob {

Error bad_stage_id(std::string_view id) {
  return {Errc::invalid_argument, fmt::format("an upload id is 1 to 64 of [0-9A-Za-z_-], not \"{}\"", id)};
}

Error unknown_stage(std::string_view id) {
  return {Errc::upload_unknown, fmt::format("there is no upload \"{}\"; start a new one", id)};
}

Error stage_exists(std::string_view id) {
  return {Errc::conflict, fmt::format("upload {} exists already", id)};
}

Error stage_busy(std::string_view id) {
  return {Errc::upload_busy, fmt::format("upload {} is being written by another request", id)};
}

Error foreign_stage() { return {Errc::invalid_argument, "the upload belongs to another store"}; }

Error unknown_blob(const oci::Digest& digest) {
  return {Errc::blob_unknown, fmt::format("blob {} is not stored", digest.render())};
}

Error digest_mismatch(const oci::Digest& actual, const oci::Digest& wanted) {
  return {Errc::digest_invalid, fmt::format("the content is {}, not {}", actual.render(), wanted.render())};
}

Error cut_too_long(std::uint64_t size, std::uint64_t wanted) {
  return {Errc::invalid_argument, fmt::format("cannot cut {} bytes back to {}", size, wanted)};
}

}  // namespace bulkhead::blob
