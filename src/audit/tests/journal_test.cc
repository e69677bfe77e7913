#include "audit/journal.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <map>

#include "audit/tests/support.h"

namespace bulkhead::audit {
namespace {

constexpr JournalLimits kSmall{.segment_bytes = 64 << 10, .total_bytes = 1 << 30};

std::unique_ptr<Journal> open_journal(const std::filesystem::path& directory,
                                      const JournalLimits& limits = kSmall) {
  auto journal = Journal::open(directory, limits, Log::none());
  EXPECT_TRUE(journal.has_value()) << journal.error().message;
  return journal ? std::move(*journal) : nullptr;
}

std::size_t count_files(const std::filesystem::path& directory, std::string_view suffix) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory))
    if (entry.path().string().ends_with(suffix)) ++count;
  return count;
}

TEST(Journal, ReadsBackWhatWasAppendedAndObserved) {
  TemporaryDirectory directory;
  const auto journal = open_journal(directory.path());
  journal->append(numbered(1));
  journal->observe(view(numbered(2)));
  const ReadBack back = read_journal(directory.path());
  EXPECT_EQ(back.events, (std::vector{numbered(1), numbered(2)}));
  EXPECT_EQ(journal->failed_appends(), 0u);
}

TEST(Journal, GoesOnInTheSameSegmentAfterARestart) {
  TemporaryDirectory directory;
  for (std::uint64_t i = 0; i < 3; ++i) open_journal(directory.path())->append(numbered(i));
  EXPECT_EQ(count_files(directory.path(), ".seg"), 1u);
  EXPECT_EQ(read_journal(directory.path()).events, (std::vector{numbered(0), numbered(1), numbered(2)}));
}

TEST(Journal, BelongsToOneProcessAtATime) {
  TemporaryDirectory directory;
  const auto journal = open_journal(directory.path());
  const auto second = Journal::open(directory.path(), kSmall, Log::none());
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, Errc::conflict);
}

TEST(Journal, RefusesLimitsThatCannotHold) {
  TemporaryDirectory directory;
  for (const JournalLimits& limits :
       {JournalLimits{.segment_bytes = (64 << 10) - 1, .total_bytes = 1 << 30},
        JournalLimits{.segment_bytes = 1 << 20, .total_bytes = (2 << 20) - 1}}) {
    const auto journal = Journal::open(directory.path(), limits, Log::none());
    ASSERT_FALSE(journal.has_value());
    EXPECT_EQ(journal.error().code, Errc::invalid_argument);
  }
}

TEST(Journal, SealsFullSegmentsAndKeepsEveryRecordInOrder) {
  TemporaryDirectory directory;
  const auto journal = open_journal(directory.path());
  std::vector<Event> events;
  for (std::uint64_t i = 0; i < 1500; ++i) journal->append(events.emplace_back(numbered(i)));
  EXPECT_EQ(read_journal(directory.path()).events, events);
  EXPECT_TRUE(eventually([&] { return count_files(directory.path(), ".seg") == 1; }));
  EXPECT_GE(count_files(directory.path(), ".seg.zst"), 4u);
  EXPECT_EQ(count_files(directory.path(), ".idx"), count_files(directory.path(), ".seg.zst"));
  EXPECT_EQ(count_files(directory.path(), ".tmp"), 0u);
  EXPECT_EQ(read_journal(directory.path()).events, events);
  for (const auto& entry : std::filesystem::directory_iterator(directory.path()))
    if (entry.path().extension() == ".seg") {
      EXPECT_LE(entry.file_size(), kSmall.segment_bytes);
    }
}

TEST(Journal, SealsAfterARestartWhatWasNotSealedBefore) {
  TemporaryDirectory directory;
  for (std::uint64_t number = 1; number <= 3; ++number)
    write_file(raw_path(directory.path(), number),
               segment_of({.number = number, .created_at = {}, .salt = 1}, {numbered(number)}));
  const auto journal = open_journal(directory.path());
  EXPECT_TRUE(eventually([&] { return count_files(directory.path(), ".seg") == 1; }));
  EXPECT_EQ(read_journal(directory.path()).events, (std::vector{numbered(1), numbered(2), numbered(3)}));
}

TEST(Journal, CutsARecordTornAtAnyByteAndGoesOnBehindTheLastWholeOne) {
  const SegmentHeader header{.number = 1, .created_at = {}, .salt = 11};
  const std::string whole = segment_of(header, {numbered(1), numbered(2)});
  const std::string last = encoded(numbered(3), header.salt);
  for (std::size_t size = 0; size < last.size(); ++size) {
    TemporaryDirectory directory;
    write_file(raw_path(directory.path(), 1), whole + last.substr(0, size));
    open_journal(directory.path())->append(numbered(4));
    const ReadBack back = read_journal(directory.path());
    EXPECT_EQ(back.events, (std::vector{numbered(1), numbered(2), numbered(4)})) << size;
    EXPECT_EQ(back.damage.places, 0u);
  }
}

TEST(Journal, SurvivesASegmentTornInItsHeaderAtAnyByte) {
  const SegmentHeader header{.number = 2, .created_at = {}, .salt = 11};
  const std::string first = segment_of({.number = 1, .created_at = {}, .salt = 5}, {numbered(1)});
  for (std::size_t size = 0; size <= kSegmentHeaderBytes; ++size) {
    TemporaryDirectory directory;
    write_file(raw_path(directory.path(), 1), first);
    write_file(raw_path(directory.path(), 2), segment_of(header, {}).substr(0, size));
    EXPECT_EQ(read_journal(directory.path()).events, std::vector{numbered(1)});
    open_journal(directory.path())->append(numbered(2));
    const ReadBack back = read_journal(directory.path());
    EXPECT_EQ(back.events, (std::vector{numbered(1), numbered(2)})) << size;
    EXPECT_EQ(back.damage.places, 0u);
    EXPECT_EQ(back.end.segment, 2u);
  }
}

TEST(Journal, CutsTheZerosThatAPowerCutLeavesBehindTheLastRecord) {
  TemporaryDirectory directory;
  const std::string whole = segment_of({.number = 1, .created_at = {}, .salt = 11}, {numbered(1)});
  write_file(raw_path(directory.path(), 1), whole + std::string(5000, '\0'));
  open_journal(directory.path());
  EXPECT_EQ(file_contents(raw_path(directory.path(), 1)), whole);
}

TEST(Journal, BeginsANewSegmentBehindOneWhoseHeaderIsDamaged) {
  TemporaryDirectory directory;
  std::string damaged = segment_of({.number = 1, .created_at = {}, .salt = 11}, {numbered(1)});
  damaged[0] = 'x';
  write_file(raw_path(directory.path(), 1), damaged);
  open_journal(directory.path())->append(numbered(2));
  EXPECT_EQ(file_contents(raw_path(directory.path(), 1)), damaged);
  const ReadBack back = read_journal(directory.path());
  EXPECT_EQ(back.events, (std::vector{numbered(1), numbered(2)}));
  EXPECT_EQ(back.damage.places, 1u);
}

TEST(Journal, ReportsACorruptRecordAndDoesNotDeliverIt) {
  const SegmentHeader header{.number = 1, .created_at = {}, .salt = 11};
  const std::string first = encoded(numbered(1), header.salt);
  const std::string second = encoded(numbered(2), header.salt);
  for (const std::size_t at : {first.size() / 2, first.size() + second.size() / 2}) {
    TemporaryDirectory directory;
    std::string bytes = segment_of(header, {numbered(1), numbered(2)});
    char& byte = bytes[kSegmentHeaderBytes + at];
    byte = static_cast<char>(byte ^ 1);
    write_file(raw_path(directory.path(), 1), bytes);
    const ReadBack back = read_journal(directory.path());
    EXPECT_EQ(back.events, std::vector{at < first.size() ? numbered(2) : numbered(1)});
    EXPECT_EQ(back.damage.places, 1u);
    EXPECT_NE(back.damage.first.find("segment 1"), std::string::npos);
  }
}

TEST(Journal, RemovesTheOldestSegmentsPastItsBudgetAndCountsThem) {
  TemporaryDirectory directory;
  const JournalLimits limits{.segment_bytes = 64 << 10, .total_bytes = 256 << 10};
  const auto journal = open_journal(directory.path(), limits);
  std::uint64_t appended = 0;
  // Random user agents do not compress, so the sealed segments stay large.
  while (journal->removed_segments() < 3 && appended < 100'000) {
    Event event = numbered(appended++);
    for (int i = 0; i < 500; ++i) event.origin.user_agent.push_back(static_cast<char>(::rand()));
    journal->append(event);
    if (appended % 100 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  ASSERT_GE(journal->removed_segments(), 3u);
  EXPECT_EQ(journal->failed_appends(), 0u);
  EXPECT_TRUE(eventually([&] {
    std::uint64_t total = 0;
    std::error_code vanished;
    for (const auto& entry : std::filesystem::directory_iterator(directory.path())) {
      const auto size = entry.file_size(vanished);
      if (!vanished) total += size;
    }
    return total <= limits.total_bytes;
  }));
  const ReadBack back = read_journal(directory.path());
  ASSERT_FALSE(back.events.empty());
  EXPECT_GT(back.events.front().at, numbered(0).at);
  EXPECT_EQ(back.events.back().at, numbered(appended - 1).at);
  for (std::size_t i = 1; i < back.events.size(); ++i)
    EXPECT_EQ(back.events[i].at - back.events[i - 1].at, std::chrono::seconds(1));
}

TEST(Journal, TwoThreadsLoseNothing) {
  constexpr std::uint64_t kEach = 100'000;
  TemporaryDirectory directory;
  const auto journal = open_journal(directory.path(), {.segment_bytes = 4 << 20, .total_bytes = 1 << 30});
  const auto append = [&](const char* account) {
    EventView event;
    event.action = Action::blob_pulled;
    event.account = account;
    event.user_agent = "docker/24.0.7";
    for (std::uint64_t i = 0; i < kEach; ++i) {
      event.at = from_micros(static_cast<std::int64_t>(i));
      journal->observe(event);
    }
  };
  std::thread left(append, "left");
  std::thread right(append, "right");
  left.join();
  right.join();
  EXPECT_EQ(journal->failed_appends(), 0u);

  std::map<std::string, std::int64_t> next;
  auto reader = JournalReader::open(directory.path());
  Damage damage;
  auto end = reader->scan(
      {}, {},
      [&](const EventView& event, Position) {
        return to_micros(event.at) == next[std::string(event.account)]++;
      },
      damage);
  ASSERT_TRUE(end.has_value());
  EXPECT_EQ(next["left"], static_cast<std::int64_t>(kEach));
  EXPECT_EQ(next["right"], static_cast<std::int64_t>(kEach));
  EXPECT_EQ(damage.places, 0u);
}

TEST(Journal, AKilledProcessLosesNothingThatItAcknowledged) {
  TemporaryDirectory directory;
  int acknowledged[2];
  ASSERT_EQ(::pipe(acknowledged), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto journal = Journal::open(directory.path(), kSmall, Log::none());
    if (!journal) ::_exit(1);
    for (std::uint64_t i = 0;; ++i) {
      (*journal)->append(numbered(i));
      if (::write(acknowledged[1], &i, sizeof i) != sizeof i) ::_exit(1);
    }
  }
  ::close(acknowledged[1]);
  std::uint64_t last = 0;
  // Far enough that segments have been closed and sealing is under way.
  while (last < 3000)
    ASSERT_EQ(::read(acknowledged[0], &last, sizeof last), static_cast<ssize_t>(sizeof last));
  ASSERT_EQ(::kill(child, SIGKILL), 0);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  while (::read(acknowledged[0], &last, sizeof last) == static_cast<ssize_t>(sizeof last)) {
  }
  ::close(acknowledged[0]);

  const auto check = [&] {
    const ReadBack back = read_journal(directory.path());
    ASSERT_GE(back.events.size(), last + 1);
    for (std::uint64_t i = 0; i < back.events.size(); ++i) ASSERT_EQ(back.events[i], numbered(i));
    EXPECT_EQ(back.damage.places, 0u);
  };
  check();
  const auto journal = open_journal(directory.path());
  check();
  EXPECT_TRUE(eventually([&] { return count_files(directory.path(), ".seg") == 1; }));
  EXPECT_EQ(count_files(directory.path(), ".tmp"), 0u);
  check();
}

// RLIMIT_FSIZE stands for a full disk: the write that crosses it is short, the next one fails.
TEST(Journal, AFullDiskIsCountedAndLeavesNoPartOfARecord) {
  TemporaryDirectory directory;
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    auto journal = Journal::open(directory.path(), kSmall, Log::none());
    if (!journal) ::_exit(1);
    for (std::uint64_t i = 0; i < 10; ++i) (*journal)->append(numbered(i));
    const auto path = raw_path(directory.path(), 1);
    const std::uint64_t size = std::filesystem::file_size(path);
    const rlimit full{size + 100, RLIM_INFINITY};
    if (::setrlimit(RLIMIT_FSIZE, &full) != 0) ::_exit(2);
    for (std::uint64_t i = 10; i < 15; ++i) (*journal)->append(numbered(i));
    if ((*journal)->failed_appends() != 5) ::_exit(3);
    if (std::filesystem::file_size(path) != size) ::_exit(4);
    const rlimit free{RLIM_INFINITY, RLIM_INFINITY};
    if (::setrlimit(RLIMIT_FSIZE, &free) != 0) ::_exit(5);
    for (std::uint64_t i = 15; i < 20; ++i) (*journal)->append(numbered(i));
    ::_exit((*journal)->failed_appends() == 5 ? 0 : 6);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  ASSERT_EQ(WEXITSTATUS(status), 0);
  const ReadBack back = read_journal(directory.path());
  ASSERT_EQ(back.events.size(), 15u);
  EXPECT_EQ(back.events[9], numbered(9));
  EXPECT_EQ(back.events[10], numbered(15));
  EXPECT_EQ(back.damage.places, 0u);
}

// Where no new segment can be made, the full one goes on.
TEST(Journal, KeepsAppendingWhenItCannotBeginANewSegment) {
  TemporaryDirectory directory;
  const auto journal = open_journal(directory.path());
  // A directory in the place of the next segment.
  std::filesystem::create_directory(raw_path(directory.path(), 2));
  std::vector<Event> events;
  for (std::uint64_t i = 0; i < 300; ++i) journal->append(events.emplace_back(numbered(i)));
  EXPECT_EQ(journal->failed_appends(), 0u);
  std::filesystem::remove(raw_path(directory.path(), 2));
  EXPECT_EQ(read_journal(directory.path()).events, events);
  for (std::uint64_t i = 300; i < 600; ++i) journal->append(events.emplace_back(numbered(i)));
  const ReadBack back = read_journal(directory.path());
  EXPECT_EQ(back.events, events);
  EXPECT_GE(back.end.segment, 2u);
}

}  // namespace
}  // namespace bulkhead::audit
