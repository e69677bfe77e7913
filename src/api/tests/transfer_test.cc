#include "api/transfer.h"

#include <gtest/gtest.h>

#include <vector>

namespace bulkhead::api {
namespace {

constexpr std::uint64_t kTotal = 64 << 20;

TEST(TransferMemory, GivesTwoBuffersAndTakesThemBack) {
  TransferMemory memory(kTotal);
  {
    const auto lease = memory.lease(std::nullopt);
    EXPECT_EQ(lease->size(), TransferMemory::kLargest);
    EXPECT_EQ(memory.used(), 2 * TransferMemory::kLargest);
    const auto first = lease->buffer(false);
    const auto second = lease->buffer(true);
    EXPECT_EQ(first.size(), lease->size());
    EXPECT_EQ(second.size(), lease->size());
    EXPECT_LE(first.data() + first.size(), second.data());
    for (const std::byte* start : {first.data(), second.data()})
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(start) % TransferMemory::kAlignment, 0u);
    first.back() = std::byte{1};
    second.back() = std::byte{2};
  }
  EXPECT_EQ(memory.used(), 0u);
}

TEST(TransferMemory, TakesNoMoreThanTheBodyNeeds) {
  TransferMemory memory(kTotal);
  EXPECT_EQ(memory.lease(0)->size(), 1u);
  EXPECT_EQ(memory.lease(1)->size(), 1u);
  {
    const auto odd = memory.lease(1000);
    EXPECT_EQ(odd->size(), 1000u);
    EXPECT_GE(odd->buffer(true).data(), odd->buffer(false).data() + 1000);
  }
  EXPECT_EQ(memory.lease(1ull << 40)->size(), TransferMemory::kLargest);
}

TEST(TransferMemory, BuffersShrinkAsTransfersMultiplySoThatTheSumStaysNearTheTotal) {
  TransferMemory memory(kTotal);
  std::vector<std::unique_ptr<TransferMemory::Lease>> leases;
  for (int i = 0; i < 1000; ++i) {
    leases.push_back(memory.lease(std::nullopt));
    EXPECT_GE(leases.back()->size(), TransferMemory::kSmallest);
    if (i > 0) {
      EXPECT_LE(leases[i]->size(), leases[i - 1]->size());
    }
    EXPECT_LE(memory.used(), kTotal + leases.size() * 2 * TransferMemory::kSmallest);
    if (leases.size() == 200) {
      EXPECT_LE(memory.used(), kTotal + (4u << 20)) << "200 uploads at once";
    }
  }
  EXPECT_EQ(leases.back()->size(), TransferMemory::kSmallest);
  leases.clear();
  EXPECT_EQ(memory.used(), 0u);
  EXPECT_EQ(memory.lease(std::nullopt)->size(), TransferMemory::kLargest);
}

TEST(TransferMemory, TheSmallestBufferIsGivenEvenWithoutMemory) {
  TransferMemory none(0);
  EXPECT_EQ(none.lease(std::nullopt)->size(), TransferMemory::kSmallest);
  EXPECT_EQ(none.lease(100)->size(), 100u);
}

}  // namespace
}  // namespace bulkhead::api
