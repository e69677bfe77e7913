#include <algorithm>
#include <map>
#include <mutex>
#include <vector>

#include "blob/errors.h"
#include "blob/layout.h"
#include "blob/store.h"

namespace bulkhead::blob {
namespace {

using Content = std::vector<std::byte>;

struct StagedContent {
  Content bytes;
  Time modified{};
  bool open = true;
};

// Shared with the stages, which may outlive the store.
struct Shelf {
  std::mutex mutex;
  std::map<oci::Digest, std::shared_ptr<const Content>> blobs;
  std::map<std::string, StagedContent, std::less<>> stages;
  SystemClock clock;
};

class MemoryReader final : public Reader {
 public:
  explicit MemoryReader(std::shared_ptr<const Content> content) : content_(std::move(content)) {}

  std::uint64_t size() const override { return content_->size(); }
  Result<std::size_t> read(std::uint64_t offset, std::span<std::byte> into) const override {
    if (offset >= content_->size()) return std::size_t{0};
    const std::size_t start = static_cast<std::size_t>(offset);
    const std::size_t count = std::min(into.size(), content_->size() - start);
    std::copy_n(content_->begin() + static_cast<std::ptrdiff_t>(start), count, into.begin());
    return count;
  }
  int file_descriptor() const override { return -1; }

 private:
  std::shared_ptr<const Content> content_;
};

class MemoryStage final : public Stage {
 public:
  MemoryStage(std::shared_ptr<Shelf> shelf, std::string id, StagedContent& content)
      : shelf_(std::move(shelf)), id_(std::move(id)), content_(&content) {}
  ~MemoryStage() override {
    const std::lock_guard lock(shelf_->mutex);
    if (content_ != nullptr) content_->open = false;
  }

  const std::string& id() const override { return id_; }
  std::uint64_t size() const override {
    const std::lock_guard lock(shelf_->mutex);
    return content_->bytes.size();
  }
  Result<void> append(Bytes bytes) override {
    const std::lock_guard lock(shelf_->mutex);
    content_->bytes.insert(content_->bytes.end(), bytes.begin(), bytes.end());
    content_->modified = shelf_->clock.now();
    return {};
  }
  Result<void> truncate(std::uint64_t size) override {
    const std::lock_guard lock(shelf_->mutex);
    if (size > content_->bytes.size()) return cut_too_long(content_->bytes.size(), size);
    content_->bytes.resize(static_cast<std::size_t>(size));
    content_->modified = shelf_->clock.now();
    return {};
  }

  bool belongs_to(const std::shared_ptr<Shelf>& shelf) const { return shelf_ == shelf; }
  // Takes the content out of the store's stages; nothing but the destructor may be called after it.
  Content take() {
    const std::lock_guard lock(shelf_->mutex);
    Content bytes = std::move(std::exchange(content_, nullptr)->bytes);
    shelf_->stages.erase(id_);
    return bytes;
  }

 private:
  std::shared_ptr<Shelf> shelf_;
  std::string id_;
  StagedContent* content_;  // into shelf_->stages, whose nodes stay where they are
};

class MemoryStore final : public BlobStore {
 public:
  Result<std::unique_ptr<Stage>> stage(std::string_view id, oci::Algorithm) override {
    if (!valid_stage_id(id)) return bad_stage_id(id);
    const std::lock_guard lock(shelf_->mutex);
    const auto [entry, added] = shelf_->stages.try_emplace(std::string(id));
    if (!added) return stage_exists(id);
    entry->second.modified = shelf_->clock.now();
    return std::unique_ptr<Stage>(std::make_unique<MemoryStage>(shelf_, entry->first, entry->second));
  }

  Result<std::unique_ptr<Stage>> open_stage(std::string_view id, oci::Algorithm) override {
    const std::lock_guard lock(shelf_->mutex);
    const auto found = shelf_->stages.find(id);
    if (found == shelf_->stages.end()) return unknown_stage(id);
    if (std::exchange(found->second.open, true)) return stage_busy(id);
    return std::unique_ptr<Stage>(std::make_unique<MemoryStage>(shelf_, found->first, found->second));
  }

  Result<void> commit(std::unique_ptr<Stage> stage, const oci::Digest& digest) override {
    auto* const memory_stage = dynamic_cast<MemoryStage*>(stage.get());
    if (memory_stage == nullptr || !memory_stage->belongs_to(shelf_)) return foreign_stage();
    return keep(digest, memory_stage->take());
  }

  Result<void> discard(std::string_view id) override {
    const std::lock_guard lock(shelf_->mutex);
    const auto found = shelf_->stages.find(id);
    if (found == shelf_->stages.end()) return unknown_stage(id);
    if (found->second.open) return stage_busy(id);
    shelf_->stages.erase(found);
    return {};
  }

  Result<std::vector<StageInfo>> stages() override {
    const std::lock_guard lock(shelf_->mutex);
    std::vector<StageInfo> found;
    for (const auto& [id, content] : shelf_->stages)
      found.push_back({id, content.bytes.size(), content.modified});
    return found;
  }

  Result<void> put(const oci::Digest& digest, Bytes bytes) override {
    return keep(digest, Content(bytes.begin(), bytes.end()));
  }

  Result<std::shared_ptr<const Reader>> open(const oci::Digest& digest) override {
    const std::lock_guard lock(shelf_->mutex);
    const auto found = shelf_->blobs.find(digest);
    if (found == shelf_->blobs.end()) return unknown_blob(digest);
    return std::shared_ptr<const Reader>(std::make_shared<const MemoryReader>(found->second));
  }

  Result<void> remove(const oci::Digest& digest) override {
    const std::lock_guard lock(shelf_->mutex);
    if (shelf_->blobs.erase(digest) == 0) return unknown_blob(digest);
    return {};
  }

  Result<void> walk(const std::function<bool(const oci::Digest&, std::uint64_t)>& each) override {
    std::vector<std::pair<oci::Digest, std::uint64_t>> listed;  // `each` may call the store
    {
      const std::lock_guard lock(shelf_->mutex);
      for (const auto& [digest, content] : shelf_->blobs) listed.emplace_back(digest, content->size());
    }
    for (const auto& [digest, size] : listed)
      if (!each(digest, size)) break;
    return {};
  }

 private:
  Result<void> keep(const oci::Digest& digest, Content content) {
    const auto actual = oci::Digest::of(digest.algorithm(), content);
    if (actual != digest) return digest_mismatch(actual, digest);
    const std::lock_guard lock(shelf_->mutex);
    shelf_->blobs[digest] = std::make_shared<const Content>(std::move(content));
    return {};
  }

  std::shared_ptr<Shelf> shelf_ = std::make_shared<Shelf>();
};

}  // namespace

std::unique_ptr<BlobStore> make_memory_store() { return std::make_unique<MemoryStore>(); }

}  // namespace bulkhead::blob
