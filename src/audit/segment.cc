#include "audit/segment.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <map>
#include <string_view>

#include "audit/crc32c.h"
#include "audit/little_endian.h"
#include "base/file.h"

namespace bulkhead::audit {
namespace {

constexpr std::string_view kMagic = "BHJRNSEG";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kNumberDigits = 20;
constexpr int kListingAttempts = 10;

std::filesystem::path segment_path(const std::filesystem::path& directory, std::uint64_t number,
                                   std::string_view suffix) {
  return directory / fmt::format("{:020}{}", number, suffix);
}

}  // namespace

std::array<std::byte, kSegmentHeaderBytes> SegmentHeader::render() const {
  std::array<std::byte, kSegmentHeaderBytes> out{};
  std::memcpy(out.data(), kMagic.data(), kMagic.size());
  store(out.data() + 8, kVersion);
  store(out.data() + 12, salt);
  store(out.data() + 16, number);
  store(out.data() + 24, static_cast<std::uint64_t>(to_micros(created_at)));
  store(out.data() + 32, crc32c(0, Bytes(out).first(32)));
  return out;
}

Result<SegmentHeader> SegmentHeader::parse(Bytes bytes) {
  if (bytes.size() < kSegmentHeaderBytes || as_text(bytes.first(kMagic.size())) != kMagic)
    return Error{Errc::corrupt, "this is not a journal segment: it does not begin with a segment header"};
  if (load<std::uint32_t>(bytes.data() + 32) != crc32c(0, bytes.first(32)))
    return Error{Errc::corrupt, "the segment header is damaged: its checksum does not match"};
  if (const auto version = load<std::uint32_t>(bytes.data() + 8); version != kVersion)
    return Error{
        Errc::unsupported,
        fmt::format("the segment has format version {}; this program reads version {}", version, kVersion)};
  return SegmentHeader{
      .number = load<std::uint64_t>(bytes.data() + 16),
      .created_at = from_micros(static_cast<std::int64_t>(load<std::uint64_t>(bytes.data() + 24))),
      .salt = load<std::uint32_t>(bytes.data() + 12)};
}

std::uint32_t SegmentHeader::salt_of(Bytes bytes) {
  return bytes.size() < kSegmentHeaderBytes ? 0 : load<std::uint32_t>(bytes.data() + 12);
}

std::filesystem::path raw_path(const std::filesystem::path& directory, std::uint64_t number) {
  return segment_path(directory, number, ".seg");
}
std::filesystem::path sealed_path(const std::filesystem::path& directory, std::uint64_t number) {
  return segment_path(directory, number, ".seg.zst");
}
std::filesystem::path index_path(const std::filesystem::path& directory, std::uint64_t number) {
  return segment_path(directory, number, ".idx");
}

Result<DirectoryListing> list_directory(const std::filesystem::path& directory) {
  std::error_code error;
  std::filesystem::directory_iterator entries(directory, error);
  if (error) return system_error("list", directory, error.value());
  std::map<std::uint64_t, SegmentFiles> segments;
  DirectoryListing listing;
  for (; entries != std::filesystem::directory_iterator(); entries.increment(error)) {
    const std::string file = entries->path().filename().string();
    if (file.size() <= kNumberDigits) continue;
    std::uint64_t number = 0;
    const auto [stop, problem] = std::from_chars(file.data(), file.data() + kNumberDigits, number);
    if (problem != std::errc{} || stop != file.data() + kNumberDigits) continue;
    const std::string_view suffix = std::string_view(file).substr(kNumberDigits);
    if (suffix.ends_with(".tmp")) listing.unfinished.push_back(entries->path());
    if (suffix == ".seg") segments[number].raw = true;
    if (suffix == ".seg.zst") segments[number].sealed = true;
    if (suffix == ".idx") segments[number].index = true;
  }
  if (error) return system_error("list", directory, error.value());
  for (auto& [number, files] : segments) {
    files.number = number;
    listing.segments.push_back(files);
  }
  return listing;
}

Result<DirectoryListing> list_directory_settled(const std::filesystem::path& directory) {
  auto listing = list_directory(directory);
  for (int attempt = 0; listing && attempt < kListingAttempts; ++attempt) {
    auto again = list_directory(directory);
    if (!again || *again == *listing) return again;
    listing = std::move(again);
  }
  return listing;
}

std::uint64_t stored_bytes(const std::filesystem::path& directory, const SegmentFiles& files) {
  std::uint64_t total = 0;
  const auto add = [&](bool present, const std::filesystem::path& path) {
    std::error_code missing;
    const auto size = present ? std::filesystem::file_size(path, missing) : 0;
    if (!missing) total += size;
  };
  add(files.raw, raw_path(directory, files.number));
  add(files.sealed, sealed_path(directory, files.number));
  add(files.index, index_path(directory, files.number));
  return total;
}

Result<std::size_t> read_at(int fd, std::uint64_t offset, std::span<std::byte> buffer,
                            const std::filesystem::path& path) {
  std::size_t done = 0;
  while (done < buffer.size()) {
    const ssize_t count =
        ::pread(fd, buffer.data() + done, buffer.size() - done, static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return system_error("read", path, errno);
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  return done;
}

Result<std::uint64_t> file_size(int fd, const std::filesystem::path& path) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return system_error("read the size of", path, errno);
  return static_cast<std::uint64_t>(status.st_size);
}

}  // namespace bulkhead::audit
