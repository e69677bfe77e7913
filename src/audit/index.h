// The index of a sealed segment: which of its frames cannot hold what a query looks for;
// docs/formats/journal.md, "Index". Derived data: without it a query reads every frame. Pure functions, no
// I/O.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "audit/event.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/keyed_hash.h"

namespace bulkhead::audit {

// A set of texts that answers "perhaps" or "certainly not"; about one in a hundred answers "perhaps" is
// wrong.
class BloomFilter {
 public:
  // Of texts that strangers choose: what is stored is fixed by the format, the table in memory is keyed.
  using Hashes = std::unordered_set<std::uint64_t, KeyedHash>;

  BloomFilter() = default;
  explicit BloomFilter(const Hashes& hashes);
  // Bits as bits() gave them.
  explicit BloomFilter(std::string bits) : bits_(std::move(bits)) {}

  static std::uint64_t hash(std::string_view text);
  bool may_contain(std::uint64_t hash) const;
  const std::string& bits() const { return bits_; }

 private:
  std::string bits_;  // empty: holds nothing
};

enum class IndexedField : std::uint8_t { account, repository, digest, address };
inline constexpr std::size_t kIndexedFields = 4;

// What is known of a run of records.
struct Summary {
  std::uint32_t records = 0;
  Time first{};  // the earliest and the latest time in it; records need not be in order
  Time last{};
  std::uint64_t actions = 0;  // bit (action mod 64)
  std::array<BloomFilter, kIndexedFields> texts;
};

class SummaryBuilder {
 public:
  void add(const EventView& event);
  Summary take();  // and begins anew

 private:
  Summary summary_;
  std::array<BloomFilter::Hashes, kIndexedFields> hashes_;
};

// One independently compressed run of whole records.
struct Frame {
  std::uint64_t offset = 0;  // of its bytes in the segment, before compression
  std::uint32_t size = 0;
  std::uint64_t stored_offset = 0;  // of the compressed bytes in the sealed file
  std::uint32_t stored_size = 0;
  Summary summary;
};

inline constexpr std::size_t kMaxIndexBytes = std::size_t{256} << 20;

struct SegmentIndex {
  std::uint64_t number = 0;
  std::vector<Frame> frames;  // gapless, in order

  std::string render() const;
  static Result<SegmentIndex> parse(Bytes bytes);  // Errc::corrupt, Errc::unsupported
};

}  // namespace bulkhead::audit
