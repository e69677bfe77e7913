// One journal record, to and from bytes; docs/formats/journal.md, "Record". Pure functions, no I/O.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "audit/event.h"
#include "base/bytes.h"

namespace bulkhead::audit {

inline constexpr std::size_t kRecordHeaderBytes = 8;  // length, checksum
inline constexpr std::size_t kMinPayloadBytes = 1 + 1 + 8 + 10;
inline constexpr std::size_t kMaxPayloadBytes = 1 + 1 + 8 + 9 * (2 + kMaxTextBytes) + (2 + kMaxDetailBytes);
inline constexpr std::size_t kMaxRecordBytes = kRecordHeaderBytes + kMaxPayloadBytes;

// Built without allocation. The checksum is that of salt 0; salt() turns it into a segment's own, which may
// become known only after the encoding.
class RecordBuffer {
 public:
  void encode(const EventView& event);
  void salt(std::uint32_t salt);
  Bytes bytes() const { return Bytes(buffer_.data(), size_); }

 private:
  std::array<std::byte, kMaxRecordBytes> buffer_;
  std::size_t size_ = 0;
};

enum class RecordState {
  valid,
  torn,     // the bytes end before the record does
  damaged,  // no record begins here, or its checksum fails
  foreign,  // intact, but of a version or action that this program does not know
};

struct DecodedRecord {
  RecordState state;
  std::size_t size = 0;  // of a valid or foreign one, header included
  EventView event;       // of a valid one; its texts point into the bytes given
};

// What stands at the front of `bytes`, which may be followed by anything.
DecodedRecord decode_record(Bytes bytes, std::uint32_t salt);

}  // namespace bulkhead::audit
