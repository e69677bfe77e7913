#include "audit/event.h"

#include <gtest/gtest.h>

#include "audit/testing/memory_journal.h"
#include "audit/tests/support.h"

namespace bulkhead::audit {
namespace {

TEST(Action, EveryNameParsesBack) {
  for (int value = 0; value < 256; ++value) {
    const auto action = static_cast<Action>(value);
    if (!is_known(action)) {
      EXPECT_EQ(name(action), "unknown");
      continue;
    }
    const auto parsed = parse_action(name(action));
    ASSERT_TRUE(parsed.has_value());
    EXPECT_EQ(*parsed, action);
  }
}

TEST(Action, UnknownNameIsRefusedWithTheKnownOnes) {
  const auto parsed = parse_action("tag_moved");
  ASSERT_FALSE(parsed.has_value());
  EXPECT_EQ(parsed.error().code, Errc::invalid_argument);
  EXPECT_NE(parsed.error().message.find("\"tag_moved\""), std::string::npos);
  EXPECT_NE(parsed.error().message.find("tag_set"), std::string::npos);
}

TEST(EventJson, HasOneOrderOfKeys) {
  const Event event{.at = from_micros(1'769'847'300'123'456),
                    .action = Action::tag_set,
                    .origin = {.account = "alice",
                               .credential = "password",
                               .address = "2001:db8::1",
                               .user_agent = "skopeo/1.9.3",
                               .request_id = "r1"},
                    .repository = "alice/app",
                    .target = "v1",
                    .old_digest = "sha256:0",
                    .new_digest = "sha256:1",
                    .detail = "{\"k\":1}"};
  EXPECT_EQ(
      to_json(event, 12),
      R"({"id":12,"time":"2026-01-31T08:15:00.123456Z","action":"tag_set","account":"alice",)"
      R"("credential":"password","address":"2001:db8::1","user_agent":"skopeo/1.9.3","request_id":"r1",)"
      R"("repository":"alice/app","target":"v1","old_digest":"sha256:0","new_digest":"sha256:1",)"
      R"("detail":"{\"k\":1}"})");
}

TEST(EventJson, LeavesOutEmptyTextsAndNoId) {
  EXPECT_EQ(to_json({.at = from_micros(0),
                     .action = Action::login_failed,
                     .origin = {},
                     .repository = "",
                     .target = "bob",
                     .old_digest = "",
                     .new_digest = "",
                     .detail = ""},
                    0),
            R"({"time":"1970-01-01T00:00:00.000000Z","action":"login_failed","target":"bob"})");
}

TEST(EventJson, IsOneLineOfValidTextWhateverAClientSent) {
  Event event = numbered(1);
  event.origin.user_agent = std::string("a\nb\"\\\0\xff", 7);
  const std::string line = to_json(event, 0);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_NE(line.find(R"("user_agent":"a\u000ab\"\\\u0000)"
                      "\xef\xbf\xbd\""),
            std::string::npos)
      << line;
}

TEST(Event, SurvivesTheWayThroughAView) {
  const Event event = numbered(3);
  EXPECT_EQ(to_event(view(event)), event);
}

TEST(MemoryJournal, KeepsWhatIsAppendedAndObserved) {
  MemoryJournal journal;
  journal.append(numbered(1));
  journal.observe(view(numbered(2)));
  EXPECT_EQ(journal.events(), (std::vector{numbered(1), numbered(2)}));
}

}  // namespace
}  // namespace bulkhead::audit
