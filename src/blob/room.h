// How much room the disk of the blobs has, and how much of it pushes leave alone.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace bulkhead::blob {

struct Room {
  std::uint64_t total = 0;  // bytes, as all of these
  std::uint64_t free = 0;   // for this process
  std::uint64_t kept = 0;   // pushes are refused where they would leave less
};

// What pushes leave free of a disk of `total` bytes, where `reserve` is asked for: on a small disk a tenth is
// enough, as the reserve must not be all of it.
std::uint64_t kept_free(std::uint64_t total, std::uint64_t reserve);

// Of the disk that has the blobs of this data directory, which may be another than the directory's own;
// nothing where it cannot be looked at.
std::optional<Room> room_for_blobs(const std::filesystem::path& data, std::uint64_t reserve);

}  // namespace bulkhead::blob
