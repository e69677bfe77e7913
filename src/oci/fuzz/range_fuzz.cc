// Range and Content-Range: whatever the header, what comes out lies inside the blob, and nothing wraps.
#include <cstdlib>
#include <initializer_list>
#include <limits>

#include "oci/range.h"

namespace {

using namespace bulkhead::oci;

void require(bool condition) {
  if (!condition) std::abort();
}

constexpr auto kMaxSize = std::numeric_limits<std::uint64_t>::max();

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view header(reinterpret_cast<const char*>(data), size);
  for (const std::uint64_t blob_size : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{2048}, kMaxSize}) {
    const auto [outcome, ranges] = resolve_ranges(header, blob_size);
    require((outcome == RangeOutcome::partial) == !ranges.empty());
    require(ranges.size() <= kMaxRanges);
    std::uint64_t left = blob_size;
    for (const ByteRange& range : ranges) {
      require(range.length > 0);
      require(range.offset < blob_size && range.length <= blob_size - range.offset);
      // Together they are no more than the blob.
      require(range.length <= left);
      left -= range.length;
    }
  }
  if (const auto range = parse_content_range(header)) {
    require(range->length > 0);
    require(range->offset + range->length >= range->offset);
    require(range->offset + range->length <= kMaxSize / 2);
  }
  return 0;
}
