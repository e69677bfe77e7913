#include "audit/stored_events.h"

#include <gtest/gtest.h>

#include "db/testing/empty_database.h"

namespace bulkhead::audit {
namespace {

using db::testing::Engine;

// The plan that SQLite makes without statistics.
TEST(StoredEvents, EveryFilterWalksAnIndex) {
  db::testing::EmptyDatabase empty(Engine::sqlite);
  const auto database = db::testing::open_or_throw(empty);
  const auto plan = [&](const Filter& filter, EventOrder order, const EventRange& range) {
    Statement statement = select_events(filter, order, range, 10);
    std::string text;
    auto done = database->read([&](db::Session& session) -> Result<void> {
      auto rows = session.query("EXPLAIN QUERY PLAN " + statement.sql,
                                std::span<const db::Value>(statement.parameters));
      if (!rows) return rows.error();
      for (const db::Row& row : *rows) text += row.text(3) + "\n";
      return {};
    });
    EXPECT_TRUE(done.has_value()) << done.error().message;
    return text;
  };
  const auto uses = [](const std::string& text, std::string_view index) {
    return text.find(index) != std::string::npos && text.find("SCAN events\n") == std::string::npos;
  };
  Filter account;
  account.account = "a";
  Filter repository;
  repository.repository = "r";
  Filter address;
  address.address = "a";
  Filter digest;
  digest.digest = "sha256:0";
  Filter time;
  time.since = from_micros(1);
  time.until = from_micros(2);
  for (const EventOrder order : {EventOrder::by_id, EventOrder::by_id_desc}) {
    EXPECT_PRED2(uses, plan(account, order, {}), "events_by_account");
    EXPECT_PRED2(uses, plan(repository, order, {}), "events_by_repository");
    EXPECT_PRED2(uses, plan(address, order, {}), "events_by_address");
    for (const char* index : {"events_by_new_digest", "events_by_old_digest", "events_by_target"})
      EXPECT_PRED2(uses, plan(digest, order, {}), index);
    EXPECT_PRED2(uses, plan({}, order, {.after_id = 5}), "PRIMARY KEY");
  }
  EXPECT_PRED2(uses, plan(time, EventOrder::by_time, {}), "events_by_time");
  EXPECT_PRED2(uses, plan(time, EventOrder::by_time, {.after_id = 5, .after_time = from_micros(1)}),
               "events_by_time");
}

}  // namespace
}  // namespace bulkhead::audit
