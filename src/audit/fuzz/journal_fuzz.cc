// A raw segment of any bytes. Whatever the reader finds lies within the input, in order, and says the same
// again when it is encoded; reading in windows finds what reading in memory finds.
#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "audit/crc32c.h"
#include "audit/little_endian.h"
#include "audit/scanner.h"
#include "audit/segment.h"

namespace {

using namespace bulkhead;
using namespace bulkhead::audit;

void require(bool condition) {
  if (!condition) std::abort();
}

struct Found {
  std::uint64_t offset;
  std::uint64_t end;
  friend bool operator==(const Found&, const Found&) = default;
};

std::vector<Found> drain(RecordScanner scanner, Bytes segment, std::uint32_t salt) {
  std::vector<Found> found;
  std::uint64_t position = kSegmentHeaderBytes;
  for (;;) {
    const auto record = scanner.next();
    require(record.has_value());
    if (const auto& gap = scanner.gap()) {
      require(gap->begin == position && gap->end > gap->begin && gap->end <= segment.size());
      position = gap->end;
    }
    if (!*record) break;
    require((*record)->offset == position && (*record)->end > position && (*record)->end <= segment.size());
    position = (*record)->end;
    RecordBuffer again;
    again.encode((*record)->event);
    again.salt(salt);
    const Bytes original = segment.subspan((*record)->offset, (*record)->end - (*record)->offset);
    require(std::ranges::equal(again.bytes(), original));
    found.push_back({(*record)->offset, (*record)->end});
  }
  require(position == std::max<std::uint64_t>(segment.size(), kSegmentHeaderBytes));
  require(scanner.intact_end() <= position);
  return found;
}

// The payload behind a checksum that holds, which random bytes do not have.
void check_payload(Bytes payload) {
  std::string record;
  append(record, static_cast<std::uint32_t>(payload.size()));
  append(record, crc32c(crc32c(0, as_bytes(record)), payload));
  record += as_text(payload);
  const DecodedRecord decoded = decode_record(as_bytes(record), 0);
  require(decoded.state != RecordState::torn);
  if (decoded.state != RecordState::valid) return;
  RecordBuffer again;
  again.encode(decoded.event);
  require(as_text(again.bytes()) == record);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes segment = std::as_bytes(std::span(data, size));
  if (segment.size() < kSegmentHeaderBytes) {
    require(!SegmentHeader::parse(segment));
    return 0;
  }
  check_payload(segment.subspan(kSegmentHeaderBytes));
  check_payload(segment.subspan(std::min(kSegmentHeaderBytes + kRecordHeaderBytes, segment.size())));
  const auto header = SegmentHeader::parse(segment);
  const std::uint32_t salt = SegmentHeader::salt_of(segment);
  if (header) {
    require(std::ranges::equal(header->render(), segment.first(kSegmentHeaderBytes)));
  } else {
    require(header.error().code == Errc::corrupt || header.error().code == Errc::unsupported);
  }
  const auto in_memory =
      drain(RecordScanner(segment.subspan(kSegmentHeaderBytes), salt, kSegmentHeaderBytes), segment, salt);
  const auto in_windows =
      drain(RecordScanner(
                [segment](std::uint64_t offset, std::span<std::byte> buffer) -> Result<std::size_t> {
                  const Bytes rest = segment.subspan(std::min<std::size_t>(offset, segment.size()));
                  const std::size_t count = std::min(rest.size(), buffer.size());
                  if (count > 0) std::memcpy(buffer.data(), rest.data(), count);
                  return count;
                },
                salt, kSegmentHeaderBytes, segment.size()),
            segment, salt);
  require(in_memory == in_windows);
  return 0;
}
