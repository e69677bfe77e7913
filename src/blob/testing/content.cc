#include "blob/testing/content.h"

#include <algorithm>
#include <fstream>
#include <random>

#include "blob/layout.h"

namespace bulkhead::blob {

std::string make_content(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::string content(size, '\0');
  std::ranges::generate(content, [&] { return static_cast<char>(random() & 0xff); });
  return content;
}

Result<std::string> read_all(const Reader& reader, std::size_t piece) {
  std::string content;
  std::string buffer(piece, '\0');
  for (;;) {
    auto count = reader.read(content.size(), std::as_writable_bytes(std::span(buffer)));
    if (!count) return count.error();
    content.append(buffer, 0, *count);
    if (*count < piece) return content;
  }
}

Result<std::string> read_all(BlobStore& store, const oci::Digest& digest) {
  auto reader = store.open(digest);
  if (!reader) return reader.error();
  return read_all(**reader);
}

void rot(const std::filesystem::path& root, const oci::Digest& digest, std::uint64_t offset) {
  std::fstream file;
  file.exceptions(std::ios::failbit | std::ios::badbit);
  file.open(Layout(root).blob(digest), std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(static_cast<std::streamoff>(offset));
  const char byte = static_cast<char>(file.get() ^ 1);
  file.seekp(static_cast<std::streamoff>(offset));
  file.put(byte);
}

}  // namespace bulkhead::blob
