// What things count for in a quota (docs/formats/database.md): what they cost, and not their bytes alone.
// Migration 0008 has counted what was there by the same rules. Internal to registry/.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

namespace bulkhead::registry {

// A file takes a block of the disk and an inode, however few bytes it has.
inline constexpr std::uint64_t kLeastCounted = 4096;
// What a manifest refers to is rows of the database: two small ones for each reference, and two of the
// digest.
inline constexpr std::uint64_t kReferenceCounted = 256;

// A blob or a manifest, by its bytes.
constexpr std::uint64_t counted(std::uint64_t size) { return std::max(size, kLeastCounted); }
// The same in statements, of the rows `b` of blobs.
inline constexpr std::string_view kCountedSum =
    "CAST(COALESCE(SUM(CASE WHEN b.size < 4096 THEN 4096 ELSE b.size END), 0) AS BIGINT)";
static_assert(kLeastCounted == 4096, "kCountedSum says so as well");

}  // namespace bulkhead::registry
