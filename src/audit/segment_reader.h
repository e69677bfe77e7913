// One segment, raw or sealed, as blocks of records: a raw segment is one block, a sealed one has a block for
// each of its frames. Memory is bounded by a frame.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "audit/index.h"
#include "audit/scanner.h"
#include "base/file.h"

namespace bulkhead::audit {

// Movable only while no scanner of it is in use. Not synchronised.
class SegmentReader {
 public:
  // Works beside a running writer: a segment that is sealed meanwhile is opened in the form it then has.
  // Nothing when it is gone. A damaged header or index is stepped over as far as possible.
  static Result<std::optional<SegmentReader>> open(const std::filesystem::path& directory,
                                                   std::uint64_t number);

  bool sealed() const { return sealed_; }
  std::size_t blocks() const { return blocks_.size(); }
  std::uint64_t block_begin(std::size_t block) const { return blocks_[block].offset; }
  std::uint64_t block_end(std::size_t block) const { return blocks_[block].offset + blocks_[block].size; }
  // Where records may begin, and where the segment ended when it was opened.
  std::uint64_t begin() const;
  std::uint64_t end() const { return end_; }
  // Known of sealed segments with an intact index.
  const Summary* summary(std::size_t block) const { return summarised_ ? &blocks_[block].summary : nullptr; }
  // Why the header or the end of a sealed file could not be read; "" when they could.
  const std::string& damage() const { return damage_; }

  // The block's records from `from` on. The scanner is valid until the next call and as long as the reader.
  // Errc::corrupt when a frame does not decompress.
  Result<RecordScanner> scan(std::size_t block, std::uint64_t from);

 private:
  // A block of a raw segment may be larger than a frame.
  struct Block {
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
    std::uint64_t stored_offset = 0;
    std::uint32_t stored_size = 0;
    Summary summary;
  };

  SegmentReader(FileDescriptor file, std::filesystem::path path)
      : file_(std::move(file)), path_(std::move(path)) {}
  Result<void> open_raw();
  Result<void> open_sealed(const std::filesystem::path& index);
  Result<void> find_frames();
  void read_header(Bytes bytes);
  Result<void> decompress(const Block& block);

  FileDescriptor file_;
  std::filesystem::path path_;
  bool sealed_ = false;
  bool summarised_ = false;
  std::uint32_t salt_ = 0;
  std::uint64_t end_ = 0;
  std::vector<Block> blocks_;
  std::vector<std::byte> frame_;
  std::string damage_;
};

}  // namespace bulkhead::audit
