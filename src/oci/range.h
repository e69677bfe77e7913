// Byte ranges of requests: `Range` on reads (RFC 9110 section 14.2) and `Content-Range` on chunked
// uploads (OCI distribution-spec 1.1, "Pushing a blob in chunks": <start>-<end>, inclusive, no unit).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace bulkhead::oci {

struct ByteRange {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

enum class RangeOutcome { whole, partial, unsatisfiable };
struct ResolvedRanges {
  RangeOutcome outcome = RangeOutcome::whole;
  std::vector<ByteRange> ranges;  // of a partial one, in the order of the request; at least one
};

// More ranges than these in one request: the whole.
inline constexpr std::size_t kMaxRanges = 1024;

// A malformed or other-unit header is ignored (RFC 9110 allows it): `whole`. So is "-500" of an empty blob,
// which is satisfiable but has no Content-Range to be answered with, and so are several ranges that overlap,
// which would make more of the blob than it is (section 14.2 and 17.15), or are more than kMaxRanges. One
// range of "500-0", "-0" or a start past the end is unsatisfiable; among several, those whose start is past
// the end are left out. Numbers past 2^64 - 1 count as that.
ResolvedRanges resolve_ranges(std::string_view header, std::uint64_t size);

// "0-1023" (also accepted: "bytes 0-1023/*" and "bytes=0-1023"). Errc::range_invalid when malformed, when the
// end is before the start or not before the total, and when the end is past 2^63 - 2, where no file can
// reach.
Result<ByteRange> parse_content_range(std::string_view header);

}  // namespace bulkhead::oci
