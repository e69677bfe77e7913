#include "audit/query.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <set>

#include "audit/journal.h"
#include "audit/outbox.h"
#include "audit/seal.h"
#include "audit/tests/support.h"
#include "db/testing/empty_database.h"

namespace bulkhead::audit {
namespace {

using db::testing::Engine;
using Entry = std::pair<std::int64_t, Event>;

constexpr std::uint64_t kEvents = 900;

// Every third event is a change in the database, the others are in the journal, over a sealed and an open
// segment.
class Query : public testing::TestWithParam<Engine> {
 protected:
  void fill() {
    std::vector<Event> early;
    std::vector<Event> late;
    std::vector<Event> changes;
    for (std::uint64_t i = 0; i < kEvents; ++i) {
      Event event = numbered(i);
      if (i % 3 == 0) {
        event.action = i % 2 == 0 ? Action::tag_set : Action::blob_pushed;
        event.target = i % 9 == 0 ? event.new_digest : "v1";
        event.old_digest = i >= 30 ? numbered(i - 30).new_digest : "";
        changes.push_back(event);
      } else {
        (i < kEvents / 2 ? early : late).push_back(event);
      }
      all_.push_back(std::move(event));
    }
    write_file(raw_path(journal(), 1), segment_of({.number = 1, .created_at = {}, .salt = 4}, early));
    write_file(raw_path(journal(), 2), segment_of({.number = 2, .created_at = {}, .salt = 5}, late));
    ASSERT_TRUE(seal_segment(journal(), 1, [] { return true; }).has_value());
    write(changes);
  }

  void write(const std::vector<Event>& changes) {
    auto done = database_->write([&](db::Session& session) -> Result<void> {
      for (const Event& event : changes)
        if (auto recorded = record(session, event); !recorded) return recorded;
      return {};
    });
    ASSERT_TRUE(done.has_value()) << done.error().message;
  }

  const std::filesystem::path& journal() const { return temporary_.path(); }

  Page newest_page(const Filter& filter, std::size_t limit) {
    auto page = newest(*database_, journal(), filter, limit);
    EXPECT_TRUE(page.has_value()) << page.error().message;
    return page ? *page : Page{};
  }
  Page next_page(const Filter& filter, const Cursor& cursor, std::size_t limit) {
    auto page = after(*database_, journal(), filter, cursor, limit);
    EXPECT_TRUE(page.has_value()) << page.error().message;
    return page ? *page : Page{};
  }
  std::vector<Event> streamed(const Filter& filter) {
    std::vector<Event> events;
    auto done = for_each(*database_, journal(), filter, [&](std::int64_t id, const Event& event) {
      EXPECT_EQ(id != 0, is_change(event.action));
      events.push_back(event);
      return true;
    });
    EXPECT_TRUE(done.has_value()) << done.error().message;
    return events;
  }
  static std::vector<Event> only_events(const Page& page) {
    std::vector<Event> events;
    for (const Entry& entry : page.events) events.push_back(entry.second);
    return events;
  }

  // What a filter should find, by a rule written out in the test; through every way of asking.
  void expect(const Filter& filter, const std::function<bool(const Event&)>& rule) {
    fill();
    std::vector<Event> expected;
    std::size_t changes = 0;
    for (const Event& event : all_)
      if (rule(event)) {
        expected.push_back(event);
        changes += is_change(event.action) ? 1 : 0;
      }
    ASSERT_FALSE(expected.empty());
    if (!filter.action) {
      EXPECT_GT(changes, 0u);
    }

    EXPECT_EQ(streamed(filter), expected);

    const std::size_t count = std::min<std::size_t>(25, expected.size());
    EXPECT_EQ(only_events(newest_page(filter, 25)),
              std::vector<Event>(expected.end() - static_cast<std::ptrdiff_t>(count), expected.end()));

    std::vector<Event> paged;
    Cursor cursor;
    for (Page page = next_page(filter, cursor, 97); !page.events.empty();
         page = next_page(filter, page.next, 97)) {
      EXPECT_LE(page.events.size(), 97u);
      const auto events = only_events(page);
      paged.insert(paged.end(), events.begin(), events.end());
      cursor = page.next;
    }
    EXPECT_EQ(paged, expected);
  }

  TemporaryDirectory temporary_;
  db::testing::EmptyDatabase empty_{GetParam()};
  std::unique_ptr<db::Database> database_ = db::testing::open_or_throw(empty_);
  std::vector<Event> all_;
};

TEST_P(Query, MergesBothSourcesByTime) {
  expect({}, [](const Event&) { return true; });
}

TEST_P(Query, FiltersByAccount) {
  Filter filter;
  filter.account = "account3";
  expect(filter, [](const Event& event) { return event.origin.account == "account3"; });
}

TEST_P(Query, FiltersByRepository) {
  Filter filter;
  filter.repository = "library/app0";
  expect(filter, [](const Event& event) { return event.repository == "library/app0"; });
}

TEST_P(Query, FiltersByAddress) {
  Filter filter;
  filter.address = "192.0.2.4";
  expect(filter, [](const Event& event) { return event.origin.address == "192.0.2.4"; });
}

TEST_P(Query, FiltersByDigestAsOldNewOrTarget) {
  Filter filter;
  filter.digest = numbered(360).new_digest;
  expect(filter, [&](const Event& event) {
    return event.new_digest == filter.digest || event.old_digest == filter.digest ||
           event.target == filter.digest;
  });
}

TEST_P(Query, FiltersByTheBeginningOfADigest) {
  Filter filter;
  filter.digest = numbered(360).new_digest.substr(0, 19);
  filter.digest_begins = true;
  expect(filter, [&](const Event& event) {
    return event.new_digest.starts_with(filter.digest) || event.old_digest.starts_with(filter.digest) ||
           event.target.starts_with(filter.digest);
  });
}

TEST_P(Query, FiltersByNamespace) {
  Filter filter;
  filter.repository_begins = "library/";
  expect(filter, [](const Event& event) { return event.repository.starts_with("library/"); });
}

TEST_P(Query, FiltersByRequest) {
  Filter filter;
  filter.request_id = numbered(360).origin.request_id;
  expect(filter, [&](const Event& event) { return event.origin.request_id == filter.request_id; });
}

TEST_P(Query, FiltersByAction) {
  Filter filter;
  filter.action = Action::blob_pulled;
  expect(filter, [](const Event& event) { return event.action == Action::blob_pulled; });
}

TEST_P(Query, FiltersByActionInTheDatabase) {
  Filter filter;
  filter.action = Action::tag_set;
  expect(filter, [](const Event& event) { return event.action == Action::tag_set; });
}

TEST_P(Query, FiltersByTimeWithTheStartIncludedAndTheEndNot) {
  Filter filter;
  filter.since = numbered(100).at;
  filter.until = numbered(700).at;
  expect(filter,
         [](const Event& event) { return event.at >= numbered(100).at && event.at < numbered(700).at; });
}

TEST_P(Query, FiltersTogether) {
  Filter filter;
  filter.account = "account1";
  filter.repository = "library/app0";
  filter.address = "192.0.2.0";
  filter.since = numbered(100).at;
  expect(filter, [](const Event& event) {
    return event.origin.account == "account1" && event.repository == "library/app0" &&
           event.origin.address == "192.0.2.0" && event.at >= numbered(100).at;
  });
}

TEST_P(Query, StreamingStopsWhenAsked) {
  fill();
  std::size_t count = 0;
  auto done = for_each(*database_, journal(), {}, [&](std::int64_t, const Event&) { return ++count < 10; });
  EXPECT_TRUE(done.has_value());
  EXPECT_EQ(count, 10u);
}

TEST_P(Query, StreamsEventsOfOneInstantOverPagesOnce) {
  std::vector<Event> changes;
  for (int i = 0; i < 1300; ++i) {
    changes.push_back(numbered(0));
    changes.back().action = Action::tag_set;
    changes.back().origin.request_id = std::to_string(i);
  }
  write(changes);
  EXPECT_EQ(streamed({}), changes);
  Filter filter;
  filter.repository = changes.front().repository;
  EXPECT_EQ(streamed(filter), changes);
}

TEST_P(Query, NewestWorksOnAnEmptyInstallationAndItsCursorSeesTheFirstEvent) {
  const Page page = newest_page({}, 10);
  EXPECT_TRUE(page.events.empty());
  auto opened = Journal::open(journal(), {}, Log::none());
  ASSERT_TRUE(opened.has_value());
  (*opened)->append(numbered(1));
  Event change = numbered(2);
  change.action = Action::tag_set;
  write({change});
  EXPECT_EQ(only_events(next_page({}, page.next, 10)), (std::vector{numbered(1), change}));
}

TEST_P(Query, NewestHandsOverToAfterWithoutAGap) {
  fill();
  const Page page = newest_page({}, 5);
  EXPECT_EQ(only_events(page), std::vector<Event>(all_.end() - 5, all_.end()));
  EXPECT_TRUE(next_page({}, page.next, 10).events.empty());
  auto opened = Journal::open(journal(), {}, Log::none());
  ASSERT_TRUE(opened.has_value());
  (*opened)->append(numbered(kEvents + 1));
  Event change = numbered(kEvents);
  change.action = Action::tag_set;
  write({change});
  const Page next = next_page({}, page.next, 10);
  EXPECT_EQ(only_events(next), (std::vector{change, numbered(kEvents + 1)}));
  EXPECT_TRUE(next_page({}, next.next, 10).events.empty());
}

TEST_P(Query, ACursorMovesPastWhatDoesNotMatch) {
  fill();
  Filter filter;
  filter.account = "nobody";
  const Page page = next_page(filter, {}, 10);
  EXPECT_TRUE(page.events.empty());
  EXPECT_EQ(page.next, newest_page({}, 1).next);
}

TEST_P(Query, LimitsThePage) {
  fill();
  EXPECT_EQ(newest_page({}, 0).events.size(), 1u);
  EXPECT_EQ(next_page({}, {}, 0).events.size(), 1u);
  const std::string columns =
      "at, action, account, credential, repository, target, old_digest, new_digest, address, user_agent, "
      "request_id, "
      "detail";
  auto doubled = database_->write([&](db::Session& session) -> Result<void> {
    for (int i = 0; i < 6; ++i)
      if (auto done =
              session.execute("INSERT INTO events (" + columns + ") SELECT " + columns + " FROM events");
          !done)
        return done.error();
    return {};
  });
  ASSERT_TRUE(doubled.has_value()) << doubled.error().message;
  EXPECT_EQ(newest_page({}, kMaxPageEvents * 2).events.size(), kMaxPageEvents);
  EXPECT_EQ(next_page({}, {}, kMaxPageEvents * 2).events.size(), kMaxPageEvents);
}

TEST_P(Query, DamageIsReportedAndTheRestDelivered) {
  fill();
  std::string bytes = file_contents(raw_path(journal(), 2));
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  write_file(raw_path(journal(), 2), bytes);
  std::size_t count = 0;
  auto done = for_each(*database_, journal(), {}, [&](std::int64_t, const Event&) { return ++count > 0; });
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().code, Errc::corrupt);
  EXPECT_EQ(count, kEvents - 1);
  EXPECT_EQ(newest_page({}, kEvents).damaged_places, 1u);
  const Page page = next_page({}, {}, kEvents);
  EXPECT_EQ(page.damaged_places, 1u);
  EXPECT_NE(page.damage.find("segment 2"), std::string::npos);
}

TEST_P(Query, FollowsWritersOfBothSourcesWithNothingLostOrDoubled) {
  constexpr std::uint64_t kEach = 300;
  constexpr std::uint64_t kWriters = 4;
  auto opened = Journal::open(journal(), {.segment_bytes = 64 << 10, .total_bytes = 1 << 30}, Log::none());
  ASSERT_TRUE(opened.has_value());
  std::vector<std::thread> threads;
  for (std::uint64_t writer = 0; writer < kWriters; ++writer)
    threads.emplace_back([&, writer] {
      for (std::uint64_t i = 0; i < kEach; ++i) {
        Event event = numbered(i);
        event.origin.account = "writer" + std::to_string(writer);
        (*opened)->append(event);
        event.action = Action::tag_set;
        write({event});
      }
    });
  std::multiset<std::string> seen;
  Cursor cursor;
  const bool complete = eventually([&] {
    const Page page = next_page({}, cursor, 50);
    for (const auto& [id, event] : page.events) seen.insert(to_json(event, 0));
    const auto parsed = Cursor::parse(page.next.render());
    EXPECT_TRUE(parsed.has_value() && *parsed == page.next);
    cursor = page.next;
    return seen.size() >= 2 * kWriters * kEach || HasFailure();
  });
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(complete);
  EXPECT_TRUE(next_page({}, cursor, 50).events.empty());
  EXPECT_EQ(seen.size(), 2 * kWriters * kEach);
  EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()).size(), seen.size());
}

class QueryOnPostgres : public Query {};

// A transaction takes its id first and commits last. SQLite has one writer, and ids commit in order.
TEST_P(QueryOnPostgres, AfterHoldsBackWhatALowerIdMayStillPrecede) {
  Event slow = numbered(1);
  Event quick = numbered(2);
  slow.action = quick.action = Action::tag_set;
  std::atomic<bool> recorded = false;
  std::thread slow_writer([&, this] {
    auto done = database_->write([&](db::Session& session) -> Result<void> {
      auto written = record(session, slow);
      recorded = true;
      std::this_thread::sleep_for(std::chrono::milliseconds(500));
      return written;
    });
    EXPECT_TRUE(done.has_value());
  });
  EXPECT_TRUE(eventually([&] { return recorded.load(); }));
  write({quick});
  const Page page = next_page({}, {}, 10);
  const Page rest = next_page({}, page.next, 10);
  slow_writer.join();
  std::vector<Event> events = only_events(page);
  for (const Event& event : only_events(rest)) events.push_back(event);
  EXPECT_EQ(events, (std::vector{slow, quick}));
}

// Held for longer than after() waits: it answers with what is settled, and newest() says why it cannot.
TEST_P(QueryOnPostgres, ATransactionThatStaysOpenHoldsEventsBackButNotTheJournal) {
  auto opened = Journal::open(journal(), {}, Log::none());
  ASSERT_TRUE(opened.has_value());
  (*opened)->append(numbered(5));
  Event slow = numbered(1);
  Event quick = numbered(2);
  slow.action = quick.action = Action::tag_set;
  std::atomic<bool> recorded = false;
  std::atomic<bool> finish = false;
  std::thread slow_writer([&, this] {
    auto done = database_->write([&](db::Session& session) -> Result<void> {
      auto written = record(session, slow);
      recorded = true;
      while (!finish) std::this_thread::sleep_for(std::chrono::milliseconds(5));
      return written;
    });
    EXPECT_TRUE(done.has_value());
  });
  EXPECT_TRUE(eventually([&] { return recorded.load(); }));
  write({quick});
  const Page page = next_page({}, {}, 10);
  EXPECT_EQ(only_events(page), std::vector{numbered(5)});
  const auto refused = newest(*database_, journal(), {}, 10);
  finish = true;
  slow_writer.join();
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::unavailable);
  EXPECT_EQ(only_events(next_page({}, page.next, 10)), (std::vector{slow, quick}));
}

TEST(Cursor, ReadsBackAndRefusesAnythingElse) {
  Cursor cursor{.event_id = 12, .journals = {{{3, 456}}}};
  EXPECT_EQ(cursor.render(), "12-3-456");
  EXPECT_EQ(*Cursor::parse("12-3-456"), cursor);
  cursor.journals[2] = {7, 89};
  EXPECT_EQ(cursor.render(), "12-3-456-0-0-7-89");
  EXPECT_EQ(*Cursor::parse(cursor.render()), cursor);
  for (const char* text :
       {"", "12", "12-3", "12-3-", "12-3-4-5", "12-3-4-5-6", "12-1-1-2-2-3", "12-1-1-2-2-3-3-4-4", "-1-3-4",
        "12-3-4x", " 12-3-4", "12-3--4", "99999999999999999999-1-1"}) {
    const auto parsed = Cursor::parse(text);
    ASSERT_FALSE(parsed.has_value()) << text;
    EXPECT_EQ(parsed.error().code, Errc::invalid_argument);
  }
}

INSTANTIATE_TEST_SUITE_P(Engines, Query, testing::Values(Engine::sqlite, Engine::postgres),
                         [](const auto& instance) { return db::testing::name(instance.param); });

INSTANTIATE_TEST_SUITE_P(Engines, QueryOnPostgres, testing::Values(Engine::postgres),
                         [](const auto& instance) { return db::testing::name(instance.param); });

}  // namespace
}  // namespace bulkhead::audit
