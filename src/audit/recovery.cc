#include "audit/recovery.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "audit/scanner.h"
#include "audit/segment.h"
#include "base/file.h"

namespace bulkhead::audit {
namespace {

Result<void> remove_file(const std::filesystem::path& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return system_error("remove", path, errno);
  return {};
}

// What a sealing that was interrupted left.
Result<void> remove_leftovers(const std::filesystem::path& directory, DirectoryListing& listing) {
  for (const auto& path : listing.unfinished)
    if (auto removed = remove_file(path); !removed) return removed;
  for (SegmentFiles& files : listing.segments) {
    if (files.sealed && files.raw) {
      if (auto removed = remove_file(raw_path(directory, files.number)); !removed) return removed;
      files.raw = false;
    }
    if (files.index && !files.sealed) {
      if (auto removed = remove_file(index_path(directory, files.number)); !removed) return removed;
      files.index = false;
    }
  }
  std::erase_if(listing.segments, [](const SegmentFiles& files) { return !files.raw && !files.sealed; });
  return {};
}

// Nothing when it is not even a header: a crash right after its creation.
Result<std::optional<Recovered::Open>> recover_last(const std::filesystem::path& path, Log& log) {
  auto file = open_file(path, O_RDWR);
  if (!file) return file.error();
  auto size = file_size(file->get(), path);
  if (!size) return size.error();
  if (*size < kSegmentHeaderBytes) return std::optional<Recovered::Open>{};
  std::array<std::byte, kSegmentHeaderBytes> bytes{};
  if (auto count = read_at(file->get(), 0, bytes, path); !count) return count.error();
  const auto header = SegmentHeader::parse(bytes);
  if (!header) return header.error();

  RecordScanner scanner(
      [&](std::uint64_t offset, std::span<std::byte> buffer) {
        return read_at(file->get(), offset, buffer, path);
      },
      header->salt, kSegmentHeaderBytes, *size);
  for (;;) {
    auto record = scanner.next();
    if (!record) return record.error();
    if (const auto& gap = scanner.gap(); *record && gap)
      log.error("the journal holds bytes that cannot be read",
                {{"file", path.string()}, {"offset", gap->begin}, {"bytes", gap->end - gap->begin}});
    if (!*record) break;
  }
  if (const std::uint64_t intact = scanner.intact_end(); intact < *size) {
    log.warning("cut the journal's torn end, left by a crash",
                {{"file", path.string()}, {"offset", intact}, {"bytes", *size - intact}});
    if (::ftruncate(file->get(), static_cast<off_t>(intact)) != 0) return system_error("cut", path, errno);
    if (auto synced = sync_file(file->get(), path); !synced) return synced.error();
  }
  return Recovered::Open{header->number, scanner.intact_end(), header->salt};
}

}  // namespace

Result<Recovered> recover(const std::filesystem::path& directory, Log& log) {
  auto listing = list_directory(directory);
  if (!listing) return listing.error();
  if (auto removed = remove_leftovers(directory, *listing); !removed) return removed.error();

  Recovered recovered;
  for (const SegmentFiles& files : listing->segments) {
    recovered.last_number = files.number;
    if (files.raw) recovered.unsealed.push_back(files.number);
  }
  if (recovered.unsealed.empty() || recovered.unsealed.back() != recovered.last_number) return recovered;

  const auto path = raw_path(directory, recovered.last_number);
  auto open = recover_last(path, log);
  if (!open) {
    // Unreadable, or of a newer program: it stays as it is, and appending begins in a new segment.
    if (open.error().code != Errc::corrupt && open.error().code != Errc::unsupported) return open.error();
    log.error("cannot go on in the journal's last segment",
              {{"file", path.string()}, {"why", open.error().message}});
    return recovered;
  }
  recovered.unsealed.pop_back();
  recovered.open = *open;
  if (recovered.open) return recovered;
  if (auto removed = remove_file(path); !removed) return removed.error();
  --recovered.last_number;
  return recovered;
}

}  // namespace bulkhead::audit
