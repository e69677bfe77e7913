#include "blob/file_reader.h"

#include <fmt/format.h>

#include <algorithm>

namespace bulkhead::blob {

Result<std::size_t> FileReader::read(std::uint64_t offset, std::span<std::byte> into) const {
  if (offset >= size_) return std::size_t{0};
  const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), size_ - offset));
  auto count = read_at(*calls_, fd_.get(), offset, into.first(wanted), path_);
  if (count && *count < wanted)
    return Error{Errc::corrupt, fmt::format("{} ends at {} and should have {} bytes", path_.string(),
                                            offset + *count, size_)};
  return count;
}

}  // namespace bulkhead::blob
