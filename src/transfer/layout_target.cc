#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>

#include "base/file.h"
#include "transfer/layout.h"

namespace bulkhead::transfer {
namespace {

// Under another name until it is whole.
class FileWriter final : public BlobWriter {
 public:
  FileWriter(FileDescriptor file, std::filesystem::path partial, std::filesystem::path path)
      : file_(std::move(file)), partial_(std::move(partial)), path_(std::move(path)) {}
  ~FileWriter() override {
    if (!finished_) ::unlink(partial_.c_str());
  }

  Result<void> append(std::string_view piece) override {
    return write_all(file_.get(), as_bytes(piece), partial_);
  }
  Result<void> finish() override {
    if (auto synced = sync_file(file_.get(), partial_); !synced) return synced.error();
    if (::rename(partial_.c_str(), path_.c_str()) != 0) return system_error("rename", partial_, errno);
    finished_ = true;
    return {};
  }

 private:
  FileDescriptor file_;
  std::filesystem::path partial_;
  std::filesystem::path path_;
  bool finished_ = false;
};

}  // namespace

Result<std::optional<oci::Digest>> LayoutTarget::digest_of(const oci::RepositoryName&, const oci::Tag& tag) {
  const std::lock_guard lock(mutex_);
  const auto& entries = layout_.entries();
  const auto found = std::ranges::find(entries, tag.render(), &LayoutEntry::tag);
  return found == entries.end() ? std::nullopt : std::optional(found->descriptor.digest);
}

Result<std::optional<Document>> LayoutTarget::manifest(const oci::RepositoryName&,
                                                       const oci::Digest& digest) {
  {
    // One that is there and not listed may have been written before what it names was.
    const std::lock_guard lock(mutex_);
    const auto& entries = layout_.entries();
    if (std::ranges::none_of(entries, [&](const auto& each) { return each.descriptor.digest == digest; }))
      return std::optional<Document>();
  }
  auto bytes = read_file(layout_.blob(digest), kManifestBytes);
  if (!bytes && bytes.error().code == Errc::not_found) return std::optional<Document>();
  if (!bytes) return bytes.error();
  if (oci::Digest::of(digest.algorithm(), as_bytes(*bytes)) != digest) return std::optional<Document>();
  const auto manifest = oci::parse_manifest(as_bytes(*bytes), "");
  if (!manifest) return std::optional<Document>();
  return std::optional(Document{*std::move(bytes), manifest->media_type, digest});
}

Result<bool> LayoutTarget::has_blob(const oci::RepositoryName&, const oci::Descriptor& blob) {
  std::error_code failed;
  const auto size = std::filesystem::file_size(layout_.blob(blob.digest), failed);
  return !failed && size == blob.size;
}

Result<bool> LayoutTarget::mount(const oci::RepositoryName&, const oci::Descriptor&,
                                 const oci::RepositoryName&) {
  return true;  // all are in one folder
}

Result<std::unique_ptr<BlobWriter>> LayoutTarget::write(const oci::RepositoryName&,
                                                        const oci::Descriptor& blob) {
  const auto path = layout_.blob(blob.digest);
  auto partial = path;
  partial += ".partial";
  auto file = open_file(partial, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0644);
  if (!file) return file.error();
  return std::unique_ptr<BlobWriter>(
      std::make_unique<FileWriter>(*std::move(file), std::move(partial), path));
}

Result<void> LayoutTarget::put(const oci::RepositoryName&, const Document& document,
                               const std::optional<oci::Tag>& tag) {
  const std::lock_guard lock(mutex_);
  if (auto wrote = replace_file(layout_.blob(document.digest), as_bytes(document.bytes), 0644); !wrote)
    return wrote.error();
  const auto manifest = oci::parse_manifest(as_bytes(document.bytes), document.media_type);
  if (!manifest) return manifest.error();
  // An index's children are found through it.
  if (!tag && !manifest->subject) return {};
  layout_.add(
      {{document.media_type.substr(0, document.media_type.find(';')), document.digest, document.bytes.size()},
       manifest->subject ? manifest->artifact_type : "",
       tag ? tag->render() : ""});
  return {};
}

Result<void> LayoutTarget::save() {
  const std::lock_guard lock(mutex_);
  return layout_.save();
}

}  // namespace bulkhead::transfer
