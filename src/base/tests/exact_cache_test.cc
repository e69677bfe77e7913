#include "base/exact_cache.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <string_view>
#include <thread>

namespace bulkhead {
namespace {

struct TextHash {
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};
using Texts = ExactCache<std::string, int, TextHash>;
using Numbers = ExactCache<int, int>;

void put(Numbers& cache, int key, int value) { cache.put(cache.begin(), key, value); }

TEST(ExactCache, FindsWhatWasPutByAnotherTypeOfKey) {
  Texts cache(100);
  cache.put(cache.begin(), "alice", 1);
  EXPECT_EQ(cache.find(std::string_view("alice")), 1);
  EXPECT_EQ(cache.find(std::string_view("bob")), std::nullopt);
}

TEST(ExactCache, ReplacesTheValueOfAKey) {
  Numbers cache(100);
  put(cache, 1, 10);
  put(cache, 1, 11);
  EXPECT_EQ(cache.find(1), 11);
}

TEST(ExactCache, ForgetsOneKeyOnly) {
  Numbers cache(100);
  put(cache, 1, 10);
  put(cache, 2, 20);
  cache.forget(1);
  EXPECT_EQ(cache.find(1), std::nullopt);
  EXPECT_EQ(cache.find(2), 20);
}

TEST(ExactCache, ForgetsAllKeysAtOnce) {
  Numbers cache(100);
  for (int key = 0; key < 50; ++key) put(cache, key, key);
  cache.forget_all();
  for (int key = 0; key < 50; ++key) EXPECT_EQ(cache.find(key), std::nullopt) << key;
  put(cache, 49, 70);
  EXPECT_EQ(cache.find(49), 70);
  for (int key = 0; key < 49; ++key)
    EXPECT_EQ(cache.find(key), std::nullopt) << key << " came back with its neighbour";
}

TEST(ExactCache, DoesNotKeepALoadThatForgettingAllOvertook) {
  Numbers cache(100);
  const auto ticket = cache.begin();
  cache.forget_all();
  cache.put(ticket, 1, 10);
  EXPECT_EQ(cache.find(1), std::nullopt);
  put(cache, 1, 11);
  EXPECT_EQ(cache.find(1), 11);
}

TEST(ExactCache, ForgetsAllWithoutCapacity) {
  Numbers cache(0);
  cache.forget_all();
  put(cache, 1, 10);
  EXPECT_EQ(cache.find(1), std::nullopt);
}

TEST(ExactCache, ForgetsOneKeyAfterAll) {
  Numbers cache(100);
  put(cache, 1, 10);
  cache.forget_all();
  cache.forget(1);
  EXPECT_EQ(cache.find(1), std::nullopt);
  put(cache, 1, 11);
  cache.forget(1);
  EXPECT_EQ(cache.find(1), std::nullopt);
}

TEST(ExactCache, DoesNotKeepALoadThatAChangeOvertook) {
  Numbers cache(100);
  const auto ticket = cache.begin();
  cache.forget(1);
  cache.put(ticket, 1, 10);
  EXPECT_EQ(cache.find(1), std::nullopt);
}

TEST(ExactCache, KeepsALoadThatBeganAfterTheChange) {
  Numbers cache(100);
  cache.forget(1);
  put(cache, 1, 10);
  EXPECT_EQ(cache.find(1), 10);
}

TEST(ExactCache, KeepsNothingWithoutCapacity) {
  Numbers cache(0);
  put(cache, 1, 10);
  cache.forget(1);
  EXPECT_EQ(cache.find(1), std::nullopt);
}

TEST(ExactCache, HoldsAtMostItsCapacity) {
  for (const std::size_t capacity : {1u, 3u, 8u, 9u, 100u, 1000u}) {
    Numbers cache(capacity);
    for (int key = 0; key < 5000; ++key) put(cache, key, key);
    std::size_t kept = 0;
    for (int key = 0; key < 5000; ++key) kept += cache.find(key).has_value();
    EXPECT_LE(kept, capacity);
    EXPECT_GE(kept, capacity / 8 * 8 == 0 ? capacity : capacity / 8 * 8 / 2) << "of " << capacity;
  }
}

TEST(ExactCache, KeepsWhatIsInUseThroughASweepOfOthers) {
  Numbers cache(8);
  put(cache, -1, 1);
  for (int key = 0; key < 1000; ++key) {
    ASSERT_EQ(cache.find(-1), 1) << "after " << key;
    put(cache, key, key);
  }
}

// A stand-in for a database row: one thread changes it and forgets it, by name or with all others; the value
// found after that is never an older one.
void expect_no_stale_value(void (*forget)(Numbers&, int version)) {
  Numbers cache(8);
  std::atomic<int> stored{0};
  std::atomic<int> finished{0};
  std::atomic<bool> stop{false};
  std::atomic<bool> stale{false};
  const auto read = [&] {
    while (!stop) {
      const int at_least = finished;
      auto value = cache.find(7);
      if (!value) {
        const auto ticket = cache.begin();
        value = stored.load();
        cache.put(ticket, 7, *value);
      }
      if (*value < at_least) stale = true;
    }
  };
  std::thread first(read);
  std::thread second(read);
  for (int version = 1; version <= 20'000; ++version) {
    stored = version;
    forget(cache, version);
    finished = version;
  }
  stop = true;
  first.join();
  second.join();
  EXPECT_FALSE(stale);
}

TEST(ExactCache, NeverServesAValueOlderThanTheLastFinishedChange) {
  expect_no_stale_value([](Numbers& cache, int) { cache.forget(7); });
}

TEST(ExactCache, NeverServesAValueOlderThanTheLastTimeThatAllWasForgotten) {
  expect_no_stale_value([](Numbers& cache, int) { cache.forget_all(); });
  expect_no_stale_value([](Numbers& cache, int version) {
    if (version % 2 == 0)
      cache.forget(7);
    else
      cache.forget_all();
  });
}

}  // namespace
}  // namespace bulkhead
