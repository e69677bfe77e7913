#include "blob/room.h"

#include <algorithm>
#include <system_error>

namespace bulkhead::blob {

std::uint64_t kept_free(std::uint64_t total, std::uint64_t reserve) { return std::min(reserve, total / 10); }

std::optional<Room> room_for_blobs(const std::filesystem::path& data, std::uint64_t reserve) {
  std::error_code error;
  auto space = std::filesystem::space(data / "blobs", error);
  if (error) space = std::filesystem::space(data, error);  // nothing has been stored yet
  if (error) return std::nullopt;
  return Room{space.capacity, space.available, kept_free(space.capacity, reserve)};
}

}  // namespace bulkhead::blob
