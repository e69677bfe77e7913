#include "audit/index.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "audit/crc32c.h"
#include "audit/little_endian.h"

namespace bulkhead::audit {
namespace {

constexpr std::string_view kMagic = "BHJRNIDX";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kBitsPerText = 10;
constexpr int kProbes = 7;
constexpr std::size_t kMinFilterBytes = 8;  // below, the probes of different texts coincide too often

constexpr std::uint64_t kFnvOffset = 0xcbf29ce484222325;
constexpr std::uint64_t kFnvPrime = 0x100000001b3;

std::uint64_t bit_at(std::uint64_t hash, int probe, std::uint64_t bits) {
  const std::uint64_t step = hash >> 32 | 1;
  return (hash + static_cast<std::uint64_t>(probe) * step) % bits;
}

void append_text(std::string& out, std::string_view text) {
  append(out, static_cast<std::uint32_t>(text.size()));
  out += text;
}

bool take_text(Bytes& in, std::string& text) {
  std::uint32_t size = 0;
  if (!take(in, size) || size > in.size()) return false;
  text = as_text(in.first(size));
  in = in.subspan(size);
  return true;
}

bool take_time(Bytes& in, Time& time) {
  std::uint64_t micros = 0;
  if (!take(in, micros)) return false;
  time = from_micros(static_cast<std::int64_t>(micros));
  return true;
}

bool take_frame(Bytes& in, Frame& frame) {
  Summary& summary = frame.summary;
  if (!take(in, frame.offset) || !take(in, frame.size) || !take(in, frame.stored_offset) ||
      !take(in, frame.stored_size) || !take(in, summary.records) || !take_time(in, summary.first) ||
      !take_time(in, summary.last) || !take(in, summary.actions))
    return false;
  for (BloomFilter& filter : summary.texts) {
    std::string bits;
    if (!take_text(in, bits)) return false;
    filter = BloomFilter(std::move(bits));
  }
  return true;
}

}  // namespace

std::uint64_t BloomFilter::hash(std::string_view text) {
  std::uint64_t value = kFnvOffset;
  for (const unsigned char byte : text) value = (value ^ byte) * kFnvPrime;
  // FNV leaves the high bits of short texts alike; the probes take their step from them.
  value ^= value >> 33;
  value *= 0xff51afd7ed558ccd;
  value ^= value >> 33;
  return value;
}

BloomFilter::BloomFilter(const Hashes& hashes) {
  if (hashes.empty()) return;
  bits_.resize(std::max((hashes.size() * kBitsPerText + 7) / 8, kMinFilterBytes));
  const std::uint64_t bits = bits_.size() * 8;
  for (const std::uint64_t value : hashes)
    for (int probe = 0; probe < kProbes; ++probe) {
      const std::uint64_t bit = bit_at(value, probe, bits);
      bits_[bit / 8] = static_cast<char>(bits_[bit / 8] | 1 << bit % 8);
    }
}

bool BloomFilter::may_contain(std::uint64_t hash) const {
  if (bits_.empty()) return false;
  const std::uint64_t bits = bits_.size() * 8;
  for (int probe = 0; probe < kProbes; ++probe) {
    const std::uint64_t bit = bit_at(hash, probe, bits);
    if ((static_cast<unsigned char>(bits_[bit / 8]) & 1 << bit % 8) == 0) return false;
  }
  return true;
}

void SummaryBuilder::add(const EventView& event) {
  summary_.first = summary_.records == 0 ? event.at : std::min(summary_.first, event.at);
  summary_.last = summary_.records == 0 ? event.at : std::max(summary_.last, event.at);
  ++summary_.records;
  summary_.actions |= std::uint64_t{1} << static_cast<unsigned>(event.action) % 64;
  const auto note = [&](IndexedField field, std::string_view text) {
    if (!text.empty()) hashes_[static_cast<std::size_t>(field)].insert(BloomFilter::hash(text));
  };
  note(IndexedField::account, event.account);
  note(IndexedField::repository, event.repository);
  note(IndexedField::digest, event.old_digest);
  note(IndexedField::digest, event.new_digest);
  note(IndexedField::digest, event.target);
  note(IndexedField::address, event.address);
}

Summary SummaryBuilder::take() {
  for (std::size_t field = 0; field < kIndexedFields; ++field) {
    summary_.texts[field] = BloomFilter(hashes_[field]);
    hashes_[field].clear();
  }
  return std::exchange(summary_, {});
}

std::string SegmentIndex::render() const {
  std::string out(kMagic);
  append(out, kVersion);
  append(out, number);
  append(out, static_cast<std::uint32_t>(frames.size()));
  for (const Frame& frame : frames) {
    append(out, frame.offset);
    append(out, frame.size);
    append(out, frame.stored_offset);
    append(out, frame.stored_size);
    append(out, frame.summary.records);
    append(out, static_cast<std::uint64_t>(to_micros(frame.summary.first)));
    append(out, static_cast<std::uint64_t>(to_micros(frame.summary.last)));
    append(out, frame.summary.actions);
    for (const BloomFilter& filter : frame.summary.texts) append_text(out, filter.bits());
  }
  append(out, crc32c(0, as_bytes(out)));
  return out;
}

Result<SegmentIndex> SegmentIndex::parse(Bytes bytes) {
  const Error damaged{Errc::corrupt,
                      "the journal index is damaged; remove it, and queries read the segment without it"};
  if (bytes.size() < kMagic.size() + 2 * sizeof(std::uint32_t)) return damaged;
  Bytes in = bytes.first(bytes.size() - sizeof(std::uint32_t));
  if (as_text(in.first(kMagic.size())) != kMagic ||
      crc32c(0, in) != load<std::uint32_t>(in.data() + in.size()))
    return damaged;
  in = in.subspan(kMagic.size());
  std::uint32_t version = 0;
  if (!take(in, version)) return damaged;
  if (version != kVersion)
    return Error{Errc::unsupported,
                 fmt::format("the journal index has format version {}; this program reads version {}",
                             version, kVersion)};
  SegmentIndex index;
  std::uint32_t count = 0;
  if (!take(in, index.number) || !take(in, count)) return damaged;
  std::uint64_t offset = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    Frame frame;
    if (!take_frame(in, frame) || frame.offset != offset) return damaged;
    offset += frame.size;
    index.frames.push_back(std::move(frame));
  }
  if (!in.empty()) return damaged;
  return index;
}

}  // namespace bulkhead::audit
