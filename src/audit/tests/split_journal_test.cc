#include "audit/split_journal.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "audit/journal_set.h"
#include "audit/tests/support.h"

namespace bulkhead::audit {
namespace {

constexpr SplitLimits kSmall{.accounts = {.segment_bytes = 64 << 10, .total_bytes = 1 << 20}, .refusals = {}};

std::unique_ptr<Journal> open(const TemporaryDirectory& directory, const SplitLimits& limits = kSmall) {
  auto journal = open_split_journal(directory.path(), limits, Log::none());
  EXPECT_TRUE(journal.has_value()) << journal.error().message;
  return journal ? std::move(*journal) : nullptr;
}

Event pulled(std::string_view account, std::uint64_t number) {
  Event event = numbered(number);
  event.action = Action::manifest_pulled;
  event.origin.account = account;
  return event;
}

Event refused(std::uint64_t number) {
  Event event = numbered(number);
  event.action = number % 2 == 0 ? Action::request_denied : Action::login_failed;
  event.origin.address = "192.0." + std::to_string(number % 200) + ".1";
  return event;
}

std::vector<Event> all_in(const TemporaryDirectory& directory) {
  std::vector<Event> events;
  Damage damage;
  const auto set = JournalSet::open(directory.path());
  EXPECT_TRUE(set.has_value());
  const auto read = set->for_each(
      {},
      [&](const Event& event) {
        events.push_back(event);
        return true;
      },
      damage);
  EXPECT_TRUE(read.has_value());
  EXPECT_EQ(damage.places, 0u);
  return events;
}

TEST(SplitJournal, IsReadAsOneInTheOrderOfTime) {
  const TemporaryDirectory directory;
  std::vector<Event> expected;
  {
    const auto journal = open(directory);
    for (std::uint64_t i = 0; i < 90; ++i) {
      Event event = i % 3 == 0 ? pulled("alice", i) : i % 3 == 1 ? pulled("", i) : refused(i);
      journal->append(event);
      expected.push_back(std::move(event));
    }
  }
  EXPECT_EQ(all_in(directory), expected);
  const auto set = JournalSet::open(directory.path());
  ASSERT_TRUE(set.has_value());
  Damage damage;
  std::deque<Event> newest;
  ASSERT_TRUE(set->newest({}, 10, newest, damage).has_value());
  EXPECT_EQ(std::vector<Event>(newest.begin(), newest.end()),
            std::vector<Event>(expected.end() - 10, expected.end()));
  std::vector<JournalSet::Entry> entries;
  const auto ends = set->after({}, {}, 1000, entries, damage);
  ASSERT_TRUE(ends.has_value());
  ASSERT_EQ(entries.size(), expected.size());
  for (std::size_t i = 0; i < entries.size(); ++i) EXPECT_EQ(entries[i].event, expected[i]);
  std::vector<JournalSet::Entry> rest;
  ASSERT_TRUE(set->after({}, *ends, 1000, rest, damage).has_value());
  EXPECT_TRUE(rest.empty());
}

TEST(SplitJournal, WhatOthersAreRefusedAndPullPushesNothingOut) {
  const TemporaryDirectory directory;
  const Event mine = pulled("alice", 1);
  {
    SplitLimits limits = kSmall;
    limits.refusals = {.per_minute = 1'000'000, .in_all = 1'000'000, .shares = 10};
    const auto journal = open(directory, limits);
    journal->append(mine);
    for (std::uint64_t i = 2; i < 12'000; ++i) {
      Event event = i % 2 == 0 ? pulled("", i) : refused(i);
      event.origin.user_agent = std::to_string(i * 7919) + std::to_string(i * 104729);
      journal->append(event);
      // The budget is looked after in the background.
      if (i % 2000 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (journal->removed_segments() == 0 && std::chrono::steady_clock::now() < deadline)
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    EXPECT_GT(journal->removed_segments(), 0u);
  }
  const auto left = all_in(directory);
  EXPECT_EQ(std::ranges::count(left, mine), 1);
  EXPECT_LT(left.size(), 11'000u);
}

TEST(SplitJournal, TheSumOfAFloodIsWrittenAtTheEnd) {
  const TemporaryDirectory directory;
  {
    SplitLimits limits = kSmall;
    limits.refusals = {.per_minute = 10, .in_all = 100, .shares = 10};
    const auto journal = open(directory, limits);
    Event event = refused(2);
    for (int i = 0; i < 50; ++i) journal->append(event);
  }
  const auto events = all_in(directory);
  // One thing asked for by one account: half of its share.
  ASSERT_EQ(events.size(), 6u);
  EXPECT_NE(events.back().detail.find(R"("more":45)"), std::string::npos);
}

TEST(SplitJournal, AJournalOfAnEarlierVersionIsReadOn) {
  const TemporaryDirectory directory;
  Event old = refused(2);
  {
    auto journal = Journal::open(directory.path(), kSmall.accounts, Log::none());
    ASSERT_TRUE(journal.has_value());
    (*journal)->append(old);
  }
  { open(directory)->append(pulled("alice", 3)); }
  EXPECT_EQ(all_in(directory), (std::vector{old, pulled("alice", 3)}));
}

}  // namespace
}  // namespace bulkhead::audit
