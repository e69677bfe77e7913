// The small parts that both engines are made of.
#include <gtest/gtest.h>

#include <optional>
#include <thread>

#include "db/parameters.h"
#include "db/pool.h"
#include "db/statement_cache.h"

namespace bulkhead::db {
namespace {

TEST(Utf8, AcceptsTheFirstAndLastOfEveryLength) {
  for (const char* text :
       {"", "a", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
        "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "x\xc3\xa9y"}) {
    EXPECT_TRUE(is_utf8(text)) << text;
  }
}

TEST(Utf8, RefusesWhatIsNotCanonical) {
  for (const char* text :
       {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xc3", "\xe2\x82", "\xf0\x9f\x98", "\xc3("}) {
    EXPECT_FALSE(is_utf8(text)) << testing::PrintToString(text);
  }
}

TEST(Excerpt, ShortensLongStatements) {
  EXPECT_EQ(excerpt("SELECT 1"), "SELECT 1");
  EXPECT_LT(excerpt(std::string(1000, 'x')).size(), 130u);
}

TEST(StatementCache, ForgetsTheLeastRecentlyUsed) {
  StatementCache<int> cache(2);
  EXPECT_FALSE(cache.insert("a", 1));
  EXPECT_FALSE(cache.insert("b", 2));
  ASSERT_NE(cache.find("a"), nullptr);
  EXPECT_EQ(cache.insert("c", 3), 2);
  EXPECT_EQ(cache.size(), 2u);
  EXPECT_EQ(cache.find("b"), nullptr);
  EXPECT_EQ(*cache.find("a"), 1);
  EXPECT_EQ(*cache.find("c"), 3);
}

class PoolTest : public testing::Test {
 protected:
  static auto soon() { return std::chrono::steady_clock::now() + std::chrono::milliseconds(20); }

  int opened_ = 0;
  bool refuse_ = false;
  Pool<int> pool_{2, [this]() -> Result<std::unique_ptr<int>> {
                    if (refuse_) return Error{Errc::internal, "refused"};
                    return std::make_unique<int>(++opened_);
                  }};
};

TEST_F(PoolTest, OpensOnlyWhatIsNeededAndLendsTheMostRecentlyUsed) {
  { auto lease = pool_.acquire(soon()); }
  { auto lease = pool_.acquire(soon()); }
  EXPECT_EQ(opened_, 1);
  { auto both = std::make_pair(pool_.acquire(soon()), pool_.acquire(soon())); }
  EXPECT_EQ(opened_, 2);
}

TEST_F(PoolTest, MoreThanTheLimitIsUnavailableAfterTheWait) {
  auto first = pool_.acquire(soon());
  auto second = pool_.acquire(soon());
  EXPECT_EQ(pool_.acquire(soon()).error().code, Errc::unavailable);
  EXPECT_EQ(opened_, 2);
}

TEST_F(PoolTest, AConnectionThatCannotBeOpenedTakesNoPlace) {
  refuse_ = true;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(pool_.acquire(soon()).error().code, Errc::internal);
  refuse_ = false;
  auto first = pool_.acquire(soon());
  auto second = pool_.acquire(soon());
  EXPECT_TRUE(first.has_value() && second.has_value());
}

TEST_F(PoolTest, WhereNoMoreAreGivenOneThatIsLentIsWaitedFor) {
  std::optional<Pool<int>::Lease> first(*pool_.acquire(soon()));
  refuse_ = true;
  EXPECT_EQ(pool_.acquire(soon()).error().code, Errc::internal) << "it does not come back in time";
  const std::jthread gives_back([&] { first.reset(); });
  auto second = pool_.acquire(std::chrono::steady_clock::now() + std::chrono::seconds(30));
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(**second.operator->(), 1);
}

TEST_F(PoolTest, ClosesWhatIsLentOnceItComesBack) {
  {
    auto lent = pool_.acquire(soon());
    pool_.close_all();
  }
  auto fresh = pool_.acquire(soon());
  EXPECT_EQ(**fresh.operator->(), 2);
}

TEST_F(PoolTest, DiscardingOneDropsTheIdleOnesToo) {
  { auto both = std::make_pair(pool_.acquire(soon()), pool_.acquire(soon())); }
  pool_.acquire(soon())->discard();
  auto fresh = pool_.acquire(soon());
  EXPECT_EQ(**fresh.operator->(), 3);
}

}  // namespace
}  // namespace bulkhead::db
