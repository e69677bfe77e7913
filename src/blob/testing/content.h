// Content for tests, and shorthand for looking at it.
#pragma once

#include <filesystem>
#include <string>

#include "blob/store.h"

namespace bulkhead::blob {

// `size` bytes that look random, the same for the same seed.
std::string make_content(std::size_t size, unsigned seed = 1);

// All of a blob's bytes, read `piece` at a time.
Result<std::string> read_all(const Reader& reader, std::size_t piece = 4096);
Result<std::string> read_all(BlobStore& store, const oci::Digest& digest);

inline oci::Digest sha256_of(std::string_view content) {
  return oci::Digest::of(oci::Algorithm::sha256, as_bytes(content));
}
inline oci::Digest sha512_of(std::string_view content) {
  return oci::Digest::of(oci::Algorithm::sha512, as_bytes(content));
}

// Turns over one bit of a blob of a filesystem store, behind the store's back. Throws when there is no such
// byte.
void rot(const std::filesystem::path& root, const oci::Digest& digest, std::uint64_t offset);

}  // namespace bulkhead::blob
