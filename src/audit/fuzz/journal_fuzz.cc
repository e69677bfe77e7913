// A raw segment of any bytes. Whatever the reader finds lies within the input, in order, and says the same
// again when it is encoded; reading in windows finds what reading in memory finds.
#include <algorithm>
#include <cstdlib>
#include <cstring>

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

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes segment = std::as_bytes(std::span(data, size));
  if (segment.size() < kSegmentHeaderBytes) {
    require(!SegmentHeader::parse(segment));
    return 0;
  }
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
