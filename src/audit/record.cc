#include "audit/record.h"

#include <cstring>

#include "audit/crc32c.h"
#include "audit/little_endian.h"

namespace bulkhead::audit {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::string_view kCut = "…";

// Lengths take one byte below 128 and two above; the limits on texts keep them within 14 bits.
static_assert(kMaxDetailBytes < 1 << 14);

std::byte* put_text(std::byte* out, std::string_view text, std::size_t limit) {
  std::string_view mark;
  if (text.size() > limit) {
    std::size_t kept = limit - kCut.size();
    while (kept > 0 && (static_cast<unsigned char>(text[kept]) & 0xc0) == 0x80) --kept;
    text = text.substr(0, kept);
    mark = kCut;
  }
  const std::size_t size = text.size() + mark.size();
  if (size < 0x80) {
    *out++ = static_cast<std::byte>(size);
  } else {
    *out++ = static_cast<std::byte>((size & 0x7f) | 0x80);
    *out++ = static_cast<std::byte>(size >> 7);
  }
  // A default-made view has no data, and memcpy wants a pointer even for nothing.
  if (!text.empty()) std::memcpy(out, text.data(), text.size());
  if (!mark.empty()) std::memcpy(out + text.size(), mark.data(), mark.size());
  return out + size;
}

bool take_text(Bytes& in, std::string_view& text, std::size_t limit) {
  std::uint8_t low = 0;
  if (!take(in, low)) return false;
  std::size_t size = low;
  if ((low & 0x80) != 0) {
    std::uint8_t high = 0;
    if (!take(in, high) || high == 0 || (high & 0x80) != 0) return false;
    size = static_cast<std::size_t>(low & 0x7f) | static_cast<std::size_t>(high) << 7;
  }
  if (size > limit || size > in.size()) return false;
  text = as_text(in.first(size));
  in = in.subspan(size);
  return true;
}

std::uint32_t checksum(Bytes record) {
  return crc32c(crc32c(0, record.first(4)), record.subspan(kRecordHeaderBytes));
}

bool decode_payload(Bytes payload, EventView& event) {
  std::uint8_t version = 0;
  std::uint8_t action = 0;
  std::uint64_t at = 0;
  if (!take(payload, version) || version != kVersion || !take(payload, action) || !take(payload, at))
    return false;
  event.at = from_micros(static_cast<std::int64_t>(at));
  event.action = static_cast<Action>(action);
  for (std::string_view* text :
       {&event.account, &event.credential, &event.address, &event.user_agent, &event.request_id,
        &event.repository, &event.target, &event.old_digest, &event.new_digest})
    if (!take_text(payload, *text, kMaxTextBytes)) return false;
  return take_text(payload, event.detail, kMaxDetailBytes) && payload.empty() && is_known(event.action);
}

}  // namespace

void RecordBuffer::encode(const EventView& event) {
  std::byte* out = buffer_.data() + kRecordHeaderBytes;
  *out++ = static_cast<std::byte>(kVersion);
  *out++ = static_cast<std::byte>(event.action);
  store(out, static_cast<std::uint64_t>(to_micros(event.at)));
  out += sizeof(std::uint64_t);
  for (const std::string_view text :
       {event.account, event.credential, event.address, event.user_agent, event.request_id, event.repository,
        event.target, event.old_digest, event.new_digest})
    out = put_text(out, text, kMaxTextBytes);
  out = put_text(out, event.detail, kMaxDetailBytes);
  size_ = static_cast<std::size_t>(out - buffer_.data());
  store(buffer_.data(), static_cast<std::uint32_t>(size_ - kRecordHeaderBytes));
  store(buffer_.data() + 4, checksum(bytes()));
}

void RecordBuffer::salt(std::uint32_t salt) {
  store(buffer_.data() + 4, load<std::uint32_t>(buffer_.data() + 4) ^ salt);
}

DecodedRecord decode_record(Bytes bytes, std::uint32_t salt) {
  if (bytes.size() < kRecordHeaderBytes) return {RecordState::torn, 0, {}};
  const std::size_t length = load<std::uint32_t>(bytes.data());
  if (length < kMinPayloadBytes || length > kMaxPayloadBytes) return {RecordState::damaged, 0, {}};
  const std::size_t size = kRecordHeaderBytes + length;
  if (size > bytes.size()) return {RecordState::torn, 0, {}};
  const Bytes record = bytes.first(size);
  if ((checksum(record) ^ salt) != load<std::uint32_t>(bytes.data() + 4))
    return {RecordState::damaged, 0, {}};
  DecodedRecord decoded{RecordState::valid, size, {}};
  if (!decode_payload(record.subspan(kRecordHeaderBytes), decoded.event))
    decoded = {RecordState::foreign, size, {}};
  return decoded;
}

}  // namespace bulkhead::audit
