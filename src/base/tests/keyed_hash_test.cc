#include "base/keyed_hash.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <string>
#include <unordered_set>
#include <vector>

namespace bulkhead {
namespace {

// Vectors of SipHash-1-3 with the key 00 01 … 0f and the message 00 01 …, as Rust's core library holds them.
TEST(KeyedHashTest, IsSipHashOneThree) {
  const KeyedHash hash({0x0706050403020100, 0x0f0e0d0c0b0a0908});
  std::string message;
  EXPECT_EQ(hash(message), 0xabac0158050fc4dcu);
  message += '\0';
  EXPECT_EQ(hash(message), 0xc9f49bf37d57ca93u);
  message += '\1';
  EXPECT_EQ(hash(message), 0x82cb9b024dc7d44du);
}

TEST(KeyedHashTest, ANumberHashesAsItsBytes) {
  const KeyedHash hash;
  const std::uint64_t number = 0x0123456789abcdef;
  std::array<std::byte, 8> bytes{};
  std::memcpy(bytes.data(), &number, sizeof number);
  EXPECT_EQ(hash(number), hash(Bytes(bytes)));
}

TEST(KeyedHashTest, EachHasAKeyOfItsOwnThatACopyKeeps) {
  const KeyedHash one;
  const KeyedHash other;
  const KeyedHash copy = one;
  EXPECT_NE(one("a"), other("a"));
  EXPECT_EQ(one("a"), copy("a"));
}

TEST(KeyedHashTest, LengthCounts) {
  const KeyedHash hash;
  EXPECT_NE(hash(std::string_view("a\0", 2)), hash(std::string_view("a")));
  EXPECT_NE(hash(std::string_view("\0\0\0\0\0\0\0\0", 8)), hash(std::string_view("")));
}

// Numbers that std::hash, which is their value, would put into one bucket of any table of so many.
TEST(KeyedHashTest, ChosenNumbersSpread) {
  std::unordered_set<std::uint64_t, KeyedHash> table;
  table.reserve(10'000);
  const std::uint64_t step = table.bucket_count();
  for (std::uint64_t i = 0; i < 10'000; ++i) table.insert(i * step);
  std::size_t longest = 0;
  for (std::size_t i = 0; i < table.bucket_count(); ++i) longest = std::max(longest, table.bucket_size(i));
  EXPECT_LT(longest, 20u);
}

}  // namespace
}  // namespace bulkhead
