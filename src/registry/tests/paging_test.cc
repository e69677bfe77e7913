#include "registry/paging.h"

#include <gtest/gtest.h>

#include <limits>

namespace bulkhead::registry {
namespace {

TEST(Paging, AsciiStaysAsItIs) {
  EXPECT_EQ(start_after(""), "");
  EXPECT_EQ(start_after("v1.0_a-b"), "v1.0_a-b");
  EXPECT_EQ(start_after("sha256:00"), "sha256:00");
}

TEST(Paging, StrangeBytesKeepTheirPlaceInTheOrder) {
  using namespace std::string_view_literals;
  // Above every name that begins with "v", and below "w".
  EXPECT_GT(start_after("v\xff"), "vzzz");
  EXPECT_LT(start_after("v\xff"), "w");
  EXPECT_GT(start_after("v\xc3\xa9z"), "vzzz");
  // Above "v", and below every longer name that begins with it.
  EXPECT_GE(start_after("v\0z"sv), "v");
  EXPECT_LT(start_after("v\0z"sv), "v-");
}

TEST(Paging, ReadsOneRowMoreThanThePageHasWithoutOverflow) {
  EXPECT_EQ(rows_for(10), 11);
  EXPECT_GT(rows_for(std::numeric_limits<std::size_t>::max()), 0);
}

}  // namespace
}  // namespace bulkhead::registry
