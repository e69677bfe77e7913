#include "audit/outbox.h"

#include <gtest/gtest.h>

#include "audit/stored_events.h"
#include "audit/tests/support.h"
#include "db/testing/empty_database.h"

namespace bulkhead::audit {
namespace {

using db::testing::Engine;

class Outbox : public testing::TestWithParam<Engine> {
 protected:
  std::vector<StoredEvent> stored() {
    auto events = read_events(*database_, select_events({}, EventOrder::by_id, {}, 100));
    EXPECT_TRUE(events.has_value()) << events.error().message;
    return events ? *events : std::vector<StoredEvent>{};
  }
  Event written(const Event& event) {
    auto done = database_->write([&](db::Session& session) { return record(session, event); });
    EXPECT_TRUE(done.has_value()) << done.error().message;
    const auto events = stored();
    return events.empty() ? Event{} : events.back().second;
  }

  db::testing::EmptyDatabase empty_{GetParam()};
  std::unique_ptr<db::Database> database_ = db::testing::open_or_throw(empty_);
};

TEST_P(Outbox, KeepsEveryField) {
  const Event event{.at = from_micros(1'700'000'000'123'456),
                    .action = Action::tag_set,
                    .origin = {.account = "alice",
                               .credential = "bearer:7",
                               .address = "2001:db8::1",
                               .user_agent = "skopeo/1.9.3 \xc3\xa9 \xf0\x9f\x90\xb3",
                               .request_id = "r1"},
                    .repository = "alice/app",
                    .target = "v1",
                    .old_digest = "sha256:0",
                    .new_digest = "sha256:1",
                    .detail = R"({"role":"reader"})"};
  EXPECT_EQ(written(event), event);
  EXPECT_GT(stored().front().first, 0);
}

TEST_P(Outbox, GoesWithTheTransactionThatItBelongsTo) {
  auto done = database_->write([&](db::Session& session) -> Result<void> {
    if (auto recorded = record(session, numbered(1)); !recorded) return recorded;
    return Error{Errc::quota_exceeded, "the change failed"};
  });
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().code, Errc::quota_exceeded);
  EXPECT_TRUE(stored().empty());
}

TEST_P(Outbox, MakesTextsThatNoDatabaseTakesFitRatherThanFailTheChange) {
  Event event = numbered(1);
  event.origin.user_agent = std::string("a\0b\xff\xc3(\xed\xa0\x80", 9);
  EXPECT_EQ(written(event).origin.user_agent,
            "a\xef\xbf\xbd"
            "b\xef\xbf\xbd\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
}

TEST_P(Outbox, CutsWhatIsTooLongAndMarksTheCut) {
  Event event = numbered(1);
  event.origin.user_agent = std::string(kMaxTextBytes, 'x');
  event.target = std::string(kMaxTextBytes + 1, 'y');
  event.detail = std::string(kMaxDetailBytes - 1, 'z') + "\xc3\xa9";
  const Event back = written(event);
  EXPECT_EQ(back.origin.user_agent, event.origin.user_agent);
  EXPECT_EQ(back.target, std::string(kMaxTextBytes - 3, 'y') + "…");
  EXPECT_EQ(back.detail, std::string(kMaxDetailBytes - 3, 'z') + "…");
}

INSTANTIATE_TEST_SUITE_P(Engines, Outbox, testing::Values(Engine::sqlite, Engine::postgres),
                         [](const auto& instance) { return db::testing::name(instance.param); });

}  // namespace
}  // namespace bulkhead::audit
