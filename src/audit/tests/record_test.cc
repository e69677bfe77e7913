#include "audit/record.h"

#include <gtest/gtest.h>

#include "audit/crc32c.h"
#include "audit/little_endian.h"
#include "audit/tests/support.h"

namespace bulkhead::audit {
namespace {

constexpr std::uint32_t kSalt = 0x5eed5a17;

std::string all_bytes() {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes.push_back(static_cast<char>(i));
  return bytes;
}

// A record around a payload that the encoder would not write.
std::string with_checksum(const std::string& payload) {
  std::string record;
  append(record, static_cast<std::uint32_t>(payload.size()));
  append(record, crc32c(crc32c(0, as_bytes(record)), as_bytes(payload)) ^ kSalt);
  return record + payload;
}

TEST(Record, CarriesEveryFieldAndEveryByte) {
  const std::string odd = all_bytes();
  const Event event{.at = from_micros(-1),
                    .action = Action::login_failed,
                    .origin = {.account = odd + "1",
                               .credential = odd + "2",
                               .address = odd + "3",
                               .user_agent = odd + "4",
                               .request_id = odd + "5"},
                    .repository = odd + "6",
                    .target = odd + "7",
                    .old_digest = odd + "8",
                    .new_digest = odd + "9",
                    .detail = odd + "10"};
  const std::string bytes = encoded(event, kSalt);
  const std::string followed = bytes + "what follows";
  const DecodedRecord decoded = decode_record(as_bytes(followed), kSalt);
  ASSERT_EQ(decoded.state, RecordState::valid);
  EXPECT_EQ(decoded.size, bytes.size());
  EXPECT_EQ(to_event(decoded.event), event);
}

TEST(Record, CarriesEmptyAndLongestTexts) {
  Event event;
  event.action = Action::blob_pulled;
  EXPECT_EQ(encoded(event, kSalt).size(), kRecordHeaderBytes + kMinPayloadBytes);
  EXPECT_EQ(to_event(decode_record(as_bytes(encoded(event, kSalt)), kSalt).event), event);

  for (std::string* text :
       {&event.origin.account, &event.origin.credential, &event.origin.address, &event.origin.user_agent,
        &event.origin.request_id, &event.repository, &event.target, &event.old_digest, &event.new_digest})
    *text = std::string(kMaxTextBytes, 'x');
  event.detail = std::string(kMaxDetailBytes, 'y');
  const std::string bytes = encoded(event, kSalt);
  EXPECT_EQ(bytes.size(), kMaxRecordBytes);
  EXPECT_EQ(to_event(decode_record(as_bytes(bytes), kSalt).event), event);
}

TEST(Record, CutsWhatIsTooLongAndMarksTheCut) {
  Event event = numbered(1);
  event.origin.user_agent = std::string(kMaxTextBytes + 1, 'x');
  event.detail = std::string(kMaxDetailBytes - 4, 'y') + "ééé";
  const std::string bytes = encoded(event, kSalt);
  const DecodedRecord decoded = decode_record(as_bytes(bytes), kSalt);
  ASSERT_EQ(decoded.state, RecordState::valid);
  EXPECT_EQ(decoded.event.user_agent, std::string(kMaxTextBytes - 3, 'x') + "…");
  EXPECT_EQ(decoded.event.detail, std::string(kMaxDetailBytes - 4, 'y') + "…");
  EXPECT_EQ(decoded.event.request_id, "1");
}

TEST(Record, NeverReadsAFlippedBitAsARecord) {
  const std::string bytes = encoded(numbered(1), kSalt);
  for (std::size_t i = 0; i < bytes.size() * 8; ++i) {
    std::string flipped = bytes;
    flipped[i / 8] = static_cast<char>(flipped[i / 8] ^ 1 << i % 8);
    EXPECT_NE(decode_record(as_bytes(flipped), kSalt).state, RecordState::valid) << "bit " << i;
  }
}

TEST(Record, IsTornAtEveryShorterLength) {
  const std::string bytes = encoded(numbered(1), kSalt);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_EQ(decode_record(as_bytes(bytes).first(size), kSalt).state, RecordState::torn) << size;
}

TEST(Record, BelongsToItsSegmentAlone) {
  EXPECT_EQ(decode_record(as_bytes(encoded(numbered(1), kSalt)), kSalt + 1).state, RecordState::damaged);
}

TEST(Record, IsNotMadeOfZeros) {
  EXPECT_EQ(decode_record(as_bytes(std::string(100, '\0')), 0).state, RecordState::damaged);
}

TEST(Record, OfANewerVersionOrActionIsForeign) {
  std::string payload = encoded(numbered(1), kSalt).substr(kRecordHeaderBytes);
  ASSERT_EQ(decode_record(as_bytes(with_checksum(payload)), kSalt).state, RecordState::valid);
  std::string newer = payload;
  newer[0] = 2;
  EXPECT_EQ(decode_record(as_bytes(with_checksum(newer)), kSalt).state, RecordState::foreign);
  newer = payload;
  newer[1] = static_cast<char>(200);
  EXPECT_EQ(decode_record(as_bytes(with_checksum(newer)), kSalt).state, RecordState::foreign);
  EXPECT_EQ(decode_record(as_bytes(with_checksum(newer)), kSalt).size, payload.size() + kRecordHeaderBytes);
}

TEST(Record, WithBytesLeftOverOrALengthSpelledLongIsForeign) {
  const Event event{.at = {},
                    .action = Action::blob_pulled,
                    .origin = {},
                    .repository = "",
                    .target = "",
                    .old_digest = "",
                    .new_digest = "",
                    .detail = ""};
  const std::string payload = encoded(event, kSalt).substr(kRecordHeaderBytes);
  EXPECT_EQ(decode_record(as_bytes(with_checksum(payload + '\0')), kSalt).state, RecordState::foreign);
  std::string long_zero = payload;
  long_zero.replace(10, 1, std::string("\x80\0", 2));
  EXPECT_EQ(decode_record(as_bytes(with_checksum(long_zero)), kSalt).state, RecordState::foreign);
}

}  // namespace
}  // namespace bulkhead::audit
