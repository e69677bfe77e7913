// The sealed file is the raw segment's bytes, cut into frames at record boundaries, so `zstd -d` gives the
// raw segment back. The first frame is the header alone: a reader needs its salt whichever frame it wants.
// The index is in place before the sealed file appears, and the raw file goes last.
#include "audit/seal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "audit/index.h"
#include "audit/scanner.h"
#include "audit/segment.h"
#include "base/file.h"

namespace bulkhead::audit {
namespace {

constexpr int kCompressionLevel = 3;

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};

class FrameWriter {
 public:
  FrameWriter(FileDescriptor file, std::filesystem::path path, std::uint64_t number)
      : file_(std::move(file)),
        path_(std::move(path)),
        context_(ZSTD_createCCtx()),
        stored_(ZSTD_compressBound(kMaxFrameBytes)) {
    index_.number = number;
    ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, kCompressionLevel);
    ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_checksumFlag, 1);
  }

  // `bytes` follow what was added before; they stay in one frame.
  Result<void> add(Bytes bytes, const EventView* event) {
    if (pending_.size() + bytes.size() > kMaxFrameBytes)
      if (auto flushed = flush(); !flushed) return flushed;
    pending_ += as_text(bytes);
    if (event != nullptr) summary_.add(*event);
    return {};
  }

  Result<void> flush() {
    if (pending_.empty()) return {};
    const std::size_t size =
        ZSTD_compress2(context_.get(), stored_.data(), stored_.size(), pending_.data(), pending_.size());
    if (ZSTD_isError(size) != 0)
      return Error{Errc::internal,
                   fmt::format("cannot compress {}: {}", path_.string(), ZSTD_getErrorName(size))};
    if (auto written = write_all(file_.get(), Bytes(stored_).first(size), path_); !written) return written;
    index_.frames.push_back(Frame{.offset = raw_bytes_,
                                  .size = static_cast<std::uint32_t>(pending_.size()),
                                  .stored_offset = stored_bytes_,
                                  .stored_size = static_cast<std::uint32_t>(size),
                                  .summary = summary_.take()});
    raw_bytes_ += pending_.size();
    stored_bytes_ += size;
    pending_.clear();
    return {};
  }

  Result<void> sync() { return sync_file(file_.get(), path_); }
  const SegmentIndex& index() const { return index_; }
  std::uint64_t raw_bytes() const { return raw_bytes_; }
  std::uint64_t stored_bytes() const { return stored_bytes_; }
  std::size_t frames() const { return index_.frames.size(); }

 private:
  FileDescriptor file_;
  std::filesystem::path path_;
  std::unique_ptr<ZSTD_CCtx, FreeContext> context_;
  std::vector<std::byte> stored_;
  std::string pending_;
  SummaryBuilder summary_;
  SegmentIndex index_;
  std::uint64_t raw_bytes_ = 0;
  std::uint64_t stored_bytes_ = 0;
};

Result<void> move_into_place(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return system_error("rename", from, errno);
  return {};
}

Result<void> write_synced(const std::filesystem::path& path, Bytes bytes) {
  auto file = open_file(path, O_WRONLY | O_CREAT | O_TRUNC);
  if (!file) return file.error();
  if (auto written = write_all(file->get(), bytes, path); !written) return written;
  return sync_file(file->get(), path);
}

// The damaged bytes as they are, in frames of their own or beside records.
Result<void> copy_gap(int fd, const std::filesystem::path& path, const Gap& gap, FrameWriter& out) {
  std::vector<std::byte> buffer(kMaxFrameBytes);
  for (std::uint64_t offset = gap.begin; offset < gap.end;) {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), gap.end - offset));
    auto count = read_at(fd, offset, std::span(buffer).first(wanted), path);
    if (!count) return count.error();
    if (*count == 0)
      return Error{Errc::corrupt, fmt::format("{} became shorter while it was sealed", path.string())};
    if (auto added = out.add(Bytes(buffer).first(*count), nullptr); !added) return added;
    offset += *count;
  }
  return {};
}

// False when `keep_going` ended it.
Result<bool> write_frames(int fd, const std::filesystem::path& path, FrameWriter& out, Sealed& outcome,
                          const std::function<bool()>& keep_going) {
  auto size = file_size(fd, path);
  if (!size) return size.error();
  std::array<std::byte, kSegmentHeaderBytes> bytes{};
  if (auto count = read_at(fd, 0, bytes, path); !count) return count.error();
  auto header = SegmentHeader::parse(bytes);
  if (!header) return header.error();
  if (auto added = out.add(bytes, nullptr); !added) return added.error();
  if (auto flushed = out.flush(); !flushed) return flushed.error();

  RecordScanner scanner(
      [&](std::uint64_t offset, std::span<std::byte> buffer) { return read_at(fd, offset, buffer, path); },
      header->salt, kSegmentHeaderBytes, *size);
  for (;;) {
    auto record = scanner.next();
    if (!record) return record.error();
    if (!*record) break;
    if (const auto& gap = scanner.gap(); gap) {
      if (auto copied = copy_gap(fd, path, *gap, out); !copied) return copied.error();
      outcome.damaged_bytes += gap->end - gap->begin;
    }
    const std::size_t frames = out.frames();
    if (auto added = out.add((*record)->bytes, &(*record)->event); !added) return added.error();
    ++outcome.records;
    if (out.frames() != frames && !keep_going()) return false;
  }
  if (auto flushed = out.flush(); !flushed) return flushed.error();
  outcome.cut_bytes = *size - std::max<std::uint64_t>(scanner.intact_end(), kSegmentHeaderBytes);
  return true;
}

}  // namespace

Result<std::optional<Sealed>> seal_segment(const std::filesystem::path& directory, std::uint64_t number,
                                           const std::function<bool()>& keep_going) {
  const auto raw = raw_path(directory, number);
  const auto sealed = sealed_path(directory, number);
  const auto index = index_path(directory, number);
  const std::filesystem::path sealed_next = sealed.string() + ".tmp";
  const std::filesystem::path index_next = index.string() + ".tmp";

  auto in = open_file(raw, O_RDONLY);
  if (!in) return in.error();
  auto out = open_file(sealed_next, O_WRONLY | O_CREAT | O_TRUNC);
  if (!out) return out.error();

  Sealed outcome;
  FrameWriter frames(std::move(*out), sealed_next, number);
  const auto build = [&]() -> Result<bool> {
    auto finished = write_frames(in->get(), raw, frames, outcome, keep_going);
    if (!finished || !*finished) return finished;
    if (auto synced = frames.sync(); !synced) return synced.error();
    if (auto written = write_synced(index_next, as_bytes(frames.index().render())); !written)
      return written.error();
    if (auto moved = move_into_place(index_next, index); !moved) return moved.error();
    if (auto moved = move_into_place(sealed_next, sealed); !moved) return moved.error();
    if (auto synced = sync_directory(directory); !synced) return synced.error();
    return true;
  };
  const auto built = build();
  if (!built || !*built) {
    ::unlink(sealed_next.c_str());
    ::unlink(index_next.c_str());
    if (!built) return built.error();
    return std::optional<Sealed>{};
  }
  if (::unlink(raw.c_str()) != 0) return system_error("remove", raw, errno);
  outcome.raw_bytes = frames.raw_bytes();
  outcome.stored_bytes = frames.stored_bytes();
  return outcome;
}

}  // namespace bulkhead::audit
