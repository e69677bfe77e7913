// Segments: their names in the journal directory and the header each begins with; docs/formats/journal.md,
// "Segment".
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/error.h"

namespace bulkhead::audit {

inline constexpr std::size_t kSegmentHeaderBytes = 36;

struct SegmentHeader {
  std::uint64_t number = 0;
  Time created_at{};
  // Mixed into each record's checksum: after damage the reader looks for the next record byte by byte, and
  // bytes that a client placed inside a text must not pass for one.
  std::uint32_t salt = 0;

  std::array<std::byte, kSegmentHeaderBytes> render() const;
  // Errc::corrupt when it is not a header or is damaged, Errc::unsupported for a newer version.
  static Result<SegmentHeader> parse(Bytes bytes);
  // The salt where it stands, even when the rest of the header is damaged: the records may not be.
  static std::uint32_t salt_of(Bytes bytes);
};

std::filesystem::path raw_path(const std::filesystem::path& directory, std::uint64_t number);
std::filesystem::path sealed_path(const std::filesystem::path& directory, std::uint64_t number);
std::filesystem::path index_path(const std::filesystem::path& directory, std::uint64_t number);

struct SegmentFiles {
  std::uint64_t number = 0;
  bool raw = false;
  bool sealed = false;
  bool index = false;

  friend bool operator==(const SegmentFiles&, const SegmentFiles&) = default;
};

struct DirectoryListing {
  std::vector<SegmentFiles> segments;             // by number
  std::vector<std::filesystem::path> unfinished;  // *.tmp

  friend bool operator==(const DirectoryListing&, const DirectoryListing&) = default;
};

// Names that are not the journal's are ignored. A missing directory is Errc::not_found.
Result<DirectoryListing> list_directory(const std::filesystem::path& directory);

// For readers beside a running writer: a single pass over a directory may miss a file that is being replaced,
// so this lists until two passes agree.
Result<DirectoryListing> list_directory_settled(const std::filesystem::path& directory);

// The number of bytes that these files take.
std::uint64_t stored_bytes(const std::filesystem::path& directory, const SegmentFiles& files);

// pread(2) of as many bytes as there are, up to the buffer's size.
Result<std::size_t> read_at(int fd, std::uint64_t offset, std::span<std::byte> buffer,
                            const std::filesystem::path& path);
Result<std::uint64_t> file_size(int fd, const std::filesystem::path& path);

}  // namespace bulkhead::audit
