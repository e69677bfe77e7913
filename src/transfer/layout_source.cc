#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "base/file.h"
#include "base/shown.h"
#include "transfer/layout.h"

namespace bulkhead::transfer {
namespace {

constexpr std::size_t kPieceBytes = std::size_t{256} << 10;

}  // namespace

Result<std::vector<std::string>> LayoutSource::tags(const oci::RepositoryName&) {
  std::vector<std::string> out;
  for (const LayoutEntry& entry : layout_.entries())
    if (!entry.tag.empty()) out.push_back(entry.tag);
  return out;
}

Result<std::vector<oci::Digest>> LayoutSource::untagged(const oci::RepositoryName&) {
  std::vector<oci::Digest> out;
  for (const LayoutEntry& entry : layout_.entries())
    if (entry.tag.empty()) out.push_back(entry.descriptor.digest);
  return out;
}

Result<std::optional<oci::Digest>> LayoutSource::digest_of(const oci::RepositoryName&, const oci::Tag& tag) {
  const auto& entries = layout_.entries();
  const auto found = std::ranges::find(entries, tag.render(), &LayoutEntry::tag);
  if (found == entries.end())
    return Error{Errc::not_found, fmt::format("{} has no {}", layout_.directory().string(), tag.render())};
  return std::optional(found->descriptor.digest);
}

Result<Document> LayoutSource::manifest(const oci::RepositoryName& repository,
                                        const oci::Reference& reference) {
  const auto* named = std::get_if<oci::Digest>(&reference);
  std::optional<oci::Digest> digest = named != nullptr ? std::optional(*named) : std::nullopt;
  if (!digest) {
    auto found = digest_of(repository, std::get<oci::Tag>(reference));
    if (!found) return found.error();
    digest = *found;
  }
  auto bytes = read_file(layout_.blob(*digest), kManifestBytes);
  if (!bytes) return bytes.error();
  if (const auto is = oci::Digest::of(digest->algorithm(), as_bytes(*bytes)); is != *digest)
    return Error{Errc::corrupt, fmt::format("{} is not what its name says, but {}",
                                            layout_.blob(*digest).string(), is.render())};
  const auto& entries = layout_.entries();
  const auto entry = std::ranges::find_if(
      entries, [&](const LayoutEntry& each) { return each.descriptor.digest == *digest; });
  std::string type = entry == entries.end() ? "" : entry->descriptor.media_type;
  // A child's is known to its parent, and to itself.
  if (type.empty())
    if (const auto manifest = oci::parse_manifest(as_bytes(*bytes), "")) type = manifest->media_type;
  return Document{*std::move(bytes), std::move(type), *digest};
}

Result<void> LayoutSource::blob(const oci::RepositoryName&, const oci::Descriptor& blob, const Take& take) {
  const auto path = layout_.blob(blob.digest);
  const auto file = open_file(path, O_RDONLY);
  if (!file) return file.error();
  std::vector<char> piece(kPieceBytes);
  for (;;) {
    const auto count = ::read(file->get(), piece.data(), piece.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return system_error("read", path, errno);
    if (count == 0) return {};
    if (auto taken = take({piece.data(), static_cast<std::size_t>(count)}); !taken) return taken.error();
  }
}

// Those that index.json lists are copied with it.
Result<std::optional<std::vector<oci::Descriptor>>> LayoutSource::referrers(const oci::RepositoryName&,
                                                                            const oci::Digest&) {
  return std::optional<std::vector<oci::Descriptor>>();
}

}  // namespace bulkhead::transfer
