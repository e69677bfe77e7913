// What the tests of this module share.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "audit/event.h"
#include "audit/journal_reader.h"
#include "audit/record.h"
#include "audit/segment.h"
#include "base/file.h"
#include "base/testing/temporary_directory.h"

namespace bulkhead::audit {

inline auto fields(const Event& event) {
  return std::tie(event.at, event.action, event.origin.account, event.origin.credential, event.origin.address,
                  event.origin.user_agent, event.origin.request_id, event.repository, event.target,
                  event.old_digest, event.new_digest, event.detail);
}
inline bool operator==(const Event& left, const Event& right) { return fields(left) == fields(right); }
inline void PrintTo(const Event& event, std::ostream* out) { *out << to_json(event, 0); }

// A different event for each number, a second apart; about 400 bytes of record.
inline Event numbered(std::uint64_t number) {
  const std::string digest =
      "sha256:" + std::string(56, "0123456789abcdef"[number % 16]) + std::to_string(10'000'000 + number);
  return {
      .at = from_micros(static_cast<std::int64_t>(1'700'000'000 + number) * 1'000'000),
      .action = number % 2 == 0 ? Action::manifest_pulled : Action::blob_pulled,
      .origin = {.account = "account" + std::to_string(number % 7),
                 .credential = "bearer:" + std::to_string(number),
                 .address = "192.0.2." + std::to_string(number % 5),
                 .user_agent = "docker/24.0.7 go/go1.20.10 git-commit/311b9ff kernel/6.1.0-18-amd64 os/linux",
                 .request_id = std::to_string(number)},
      .repository = "library/app" + std::to_string(number % 3),
      .target = "latest",
      .old_digest = "",
      .new_digest = digest,
      .detail = ""};
}

inline std::string encoded(const Event& event, std::uint32_t salt) {
  RecordBuffer record;
  record.encode(view(event));
  record.salt(salt);
  return std::string(as_text(record.bytes()));
}

inline std::string segment_of(const SegmentHeader& header, const std::vector<Event>& events) {
  std::string bytes(as_text(header.render()));
  for (const Event& event : events) bytes += encoded(event, header.salt);
  return bytes;
}

inline void write_file(const std::filesystem::path& path, std::string_view contents) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << contents;
  ASSERT_TRUE(out.flush().good());
}

inline std::string file_contents(const std::filesystem::path& path) {
  auto contents = read_file(path, std::size_t{1} << 30);
  return contents ? *contents : "cannot read: " + contents.error().message;
}

struct ReadBack {
  std::vector<Event> events;
  Position end;
  Damage damage;
};

inline ReadBack read_journal(const std::filesystem::path& directory, const Filter& filter = {},
                             Position begin = {}) {
  ReadBack back;
  auto reader = JournalReader::open(directory);
  EXPECT_TRUE(reader.has_value()) << reader.error().message;
  if (!reader) return back;
  auto end = reader->scan(
      filter, begin,
      [&](const EventView& event, Position) {
        back.events.push_back(to_event(event));
        return true;
      },
      back.damage);
  EXPECT_TRUE(end.has_value()) << end.error().message;
  if (end) back.end = *end;
  return back;
}

inline bool eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (std::chrono::steady_clock::now() < deadline) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return condition();
}

}  // namespace bulkhead::audit
