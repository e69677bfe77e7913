#include "config/suggest.h"

#include <gtest/gtest.h>

#include <vector>

namespace bulkhead::config {
namespace {

const std::vector<std::string> kNames = {"listen", "data", "http.threads", "http.idle_timeout",
                                         "offload.threads"};

TEST(EditDistance, CountsEachKindOfSlip) {
  EXPECT_EQ(edit_distance("listen", "listen"), 0u);
  EXPECT_EQ(edit_distance("listen", "lisen"), 1u);
  EXPECT_EQ(edit_distance("listen", "liisten"), 1u);
  EXPECT_EQ(edit_distance("listen", "lispen"), 1u);
  EXPECT_EQ(edit_distance("listen", "litsen"), 1u);
  EXPECT_EQ(edit_distance("", "abc"), 3u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
}

TEST(Nearest, FindsWhatWasMeant) {
  EXPECT_EQ(nearest("lisen", kNames, "."), "listen");
  EXPECT_EQ(nearest("htpp.threads", kNames, "."), "http.threads");
}

TEST(Nearest, FindsASettingWhoseGroupWasForgotten) {
  EXPECT_EQ(nearest("idle_timeout", kNames, "."), "http.idle_timeout");
  EXPECT_EQ(nearest("idle_timout", kNames, "."), "http.idle_timeout");
}

TEST(Nearest, DoesNotGuess) {
  EXPECT_EQ(nearest("colour", kNames, "."), std::nullopt);
  EXPECT_EQ(nearest("x", kNames, "."), std::nullopt);
  EXPECT_EQ(nearest("", kNames, "."), std::nullopt);
  EXPECT_EQ(nearest(std::string(100'000, 'l'), kNames, "."), std::nullopt);
}

}  // namespace
}  // namespace bulkhead::config
