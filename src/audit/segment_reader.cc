#include "audit/segment_reader.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <zstd.h>

#include <algorithm>

#include "audit/seal.h"
#include "audit/segment.h"

namespace bulkhead::audit {
namespace {

constexpr int kOpenAttempts = 3;

Error damaged_frame(const std::filesystem::path& path, std::uint64_t offset, std::string_view why) {
  return {Errc::corrupt, fmt::format("{}: the frame at byte {} is damaged: {}", path.string(), offset, why)};
}

}  // namespace

Result<std::optional<SegmentReader>> SegmentReader::open(const std::filesystem::path& directory,
                                                         std::uint64_t number) {
  for (int attempt = 0; attempt < kOpenAttempts; ++attempt) {
    for (const bool sealed : {true, false}) {
      const auto path = sealed ? sealed_path(directory, number) : raw_path(directory, number);
      auto file = open_file(path, O_RDONLY);
      if (!file && file.error().code == Errc::not_found) continue;
      if (!file) return file.error();
      SegmentReader reader(std::move(*file), path);
      reader.sealed_ = sealed;
      auto opened = sealed ? reader.open_sealed(index_path(directory, number)) : reader.open_raw();
      if (!opened) return opened.error();
      return std::optional<SegmentReader>(std::move(reader));
    }
  }
  return std::optional<SegmentReader>{};
}

std::uint64_t SegmentReader::begin() const { return kSegmentHeaderBytes; }

void SegmentReader::read_header(Bytes bytes) {
  if (const auto header = SegmentHeader::parse(bytes); !header)
    damage_ = fmt::format("{}: {}", path_.string(), header.error().message);
  salt_ = SegmentHeader::salt_of(bytes);
}

Result<void> SegmentReader::open_raw() {
  auto size = file_size(file_.get(), path_);
  if (!size) return size.error();
  end_ = *size;
  blocks_.push_back(Block{.offset = 0, .size = end_, .stored_offset = 0, .stored_size = 0, .summary = {}});
  std::array<std::byte, kSegmentHeaderBytes> bytes{};
  auto count = read_at(file_.get(), 0, bytes, path_);
  if (!count) return count.error();
  // A shorter one was created a moment ago, or the process died then.
  if (*count == bytes.size()) read_header(bytes);
  return {};
}

Result<void> SegmentReader::open_sealed(const std::filesystem::path& index) {
  if (auto contents = read_file(index, kMaxIndexBytes); contents) {
    if (auto parsed = SegmentIndex::parse(as_bytes(*contents)); parsed) {
      for (Frame& frame : parsed->frames)
        blocks_.push_back(Block{frame.offset, frame.size, frame.stored_offset, frame.stored_size,
                                std::move(frame.summary)});
      summarised_ = true;
    }
  }
  if (!summarised_)
    if (auto found = find_frames(); !found) return found;
  if (!blocks_.empty()) end_ = blocks_.back().offset + blocks_.back().size;
  if (blocks_.empty()) {
    damage_ = fmt::format("{}: it holds no frame that can be read", path_.string());
  } else if (auto header = decompress(blocks_.front()); header) {
    read_header(frame_);
  } else {
    damage_ = header.error().message;
  }
  return {};
}

// Without an index: each frame tells its own sizes.
Result<void> SegmentReader::find_frames() {
  std::vector<std::byte> buffer(ZSTD_compressBound(kMaxFrameBytes));
  std::uint64_t stored = 0;
  std::uint64_t offset = 0;
  for (;;) {
    auto count = read_at(file_.get(), stored, buffer, path_);
    if (!count) return count.error();
    if (*count == 0) return {};
    const std::size_t stored_size = ZSTD_findFrameCompressedSize(buffer.data(), *count);
    const unsigned long long size = ZSTD_getFrameContentSize(buffer.data(), *count);
    if (ZSTD_isError(stored_size) != 0 || size > kMaxFrameBytes) {
      damage_ = damaged_frame(path_, stored, "without an index, what follows cannot be read").message;
      return {};
    }
    blocks_.push_back(Block{offset, size, stored, static_cast<std::uint32_t>(stored_size), {}});
    stored += stored_size;
    offset += size;
  }
}

Result<void> SegmentReader::decompress(const Block& block) {
  if (block.size > kMaxFrameBytes || block.stored_size > ZSTD_compressBound(kMaxFrameBytes))
    return damaged_frame(path_, block.stored_offset, "its size is not possible");
  std::vector<std::byte> stored(block.stored_size);
  auto count = read_at(file_.get(), block.stored_offset, stored, path_);
  if (!count) return count.error();
  frame_.resize(static_cast<std::size_t>(block.size));
  const std::size_t size = ZSTD_decompress(frame_.data(), frame_.size(), stored.data(), *count);
  if (ZSTD_isError(size) != 0) return damaged_frame(path_, block.stored_offset, ZSTD_getErrorName(size));
  if (size != block.size)
    return damaged_frame(path_, block.stored_offset, "its size is not what the index says");
  return {};
}

Result<RecordScanner> SegmentReader::scan(std::size_t block, std::uint64_t from) {
  const Block& wanted = blocks_[block];
  const std::uint64_t end = wanted.offset + wanted.size;
  from = std::clamp(std::max(from, begin()), wanted.offset, std::max(end, wanted.offset));
  if (!sealed_)
    return RecordScanner(
        [this](std::uint64_t offset, std::span<std::byte> buffer) {
          return read_at(file_.get(), offset, buffer, path_);
        },
        salt_, from, end);
  if (auto decompressed = decompress(wanted); !decompressed) return decompressed.error();
  return RecordScanner(Bytes(frame_).subspan(static_cast<std::size_t>(from - wanted.offset)), salt_, from);
}

}  // namespace bulkhead::audit
