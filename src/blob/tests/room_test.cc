#include "blob/room.h"

#include <gtest/gtest.h>

namespace bulkhead::blob {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;

TEST(Room, ASmallDiskKeepsATenthAndNotAllOfIt) {
  EXPECT_EQ(kept_free(60 * kMiB, 256 * kMiB), 6 * kMiB);
  EXPECT_EQ(kept_free(100'000 * kMiB, 256 * kMiB), 256 * kMiB);
  EXPECT_EQ(kept_free(100'000 * kMiB, 0), 0u);
}

TEST(Room, IsThatOfTheDiskThatHasTheDirectory) {
  const auto room = room_for_blobs("/", kMiB);
  ASSERT_TRUE(room);
  EXPECT_GE(room->total, room->free);
  EXPECT_GT(room->total, 0u);
  EXPECT_FALSE(room_for_blobs("/no/such/directory", kMiB));
}

}  // namespace
}  // namespace bulkhead::blob
