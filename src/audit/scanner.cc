#include "audit/scanner.h"

#include <algorithm>
#include <cstring>

namespace bulkhead::audit {
namespace {

constexpr std::size_t kWindowBytes = std::size_t{256} << 10;
static_assert(kWindowBytes > 2 * kMaxRecordBytes);

}  // namespace

RecordScanner::RecordScanner(Source source, std::uint32_t salt, std::uint64_t begin, std::uint64_t end)
    : source_(std::move(source)),
      window_begin_(begin),
      position_(begin),
      end_(std::max(begin, end)),
      intact_end_(begin),
      salt_(salt) {}

RecordScanner::RecordScanner(Bytes bytes, std::uint32_t salt, std::uint64_t begin)
    : window_(bytes),
      window_begin_(begin),
      position_(begin),
      end_(begin + bytes.size()),
      intact_end_(begin),
      salt_(salt) {}

Result<Bytes> RecordScanner::at(std::uint64_t offset) {
  const std::uint64_t window_end = window_begin_ + window_.size();
  const bool enough = window_end >= end_ || window_end - offset >= kMaxRecordBytes;
  if (source_ && !enough) {
    buffer_.resize(kWindowBytes);
    const std::size_t kept = window_end > offset ? static_cast<std::size_t>(window_end - offset) : 0;
    if (kept > 0) std::memmove(buffer_.data(), buffer_.data() + (offset - window_begin_), kept);
    const auto wanted =
        static_cast<std::size_t>(std::min<std::uint64_t>(kWindowBytes - kept, end_ - (offset + kept)));
    auto filled = source_(offset + kept, std::span(buffer_).subspan(kept, wanted));
    if (!filled) return filled.error();
    window_begin_ = offset;
    window_ = Bytes(buffer_).first(kept + *filled);
    // The file became shorter: the writer took back a record that did not fit on the disk.
    if (*filled < wanted) end_ = window_begin_ + window_.size();
  }
  return window_.subspan(std::min<std::size_t>(offset - window_begin_, window_.size()));
}

Result<std::optional<ScannedRecord>> RecordScanner::next() {
  gap_.reset();
  const std::uint64_t begin = position_;
  bool torn = false;
  for (std::uint64_t offset = begin; offset < end_;) {
    auto bytes = at(offset);
    if (!bytes) return bytes.error();
    const DecodedRecord decoded = decode_record(*bytes, salt_);
    if (offset == begin) torn = decoded.state == RecordState::torn;
    if (decoded.state == RecordState::valid) {
      if (offset > begin) gap_ = Gap{begin, offset, false};
      position_ = intact_end_ = offset + decoded.size;
      return ScannedRecord{offset, position_, decoded.event, bytes->first(decoded.size)};
    }
    offset += decoded.state == RecordState::foreign ? decoded.size : 1;
  }
  if (begin < end_) gap_ = Gap{begin, end_, torn};
  position_ = end_;
  return std::optional<ScannedRecord>{};
}

}  // namespace bulkhead::audit
