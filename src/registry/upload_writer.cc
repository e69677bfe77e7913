#include "registry/upload_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "registry/counted.h"

namespace bulkhead::registry {
namespace {

// Of a quota, a tenth.
constexpr std::uint64_t kLargePart = 10;

}  // namespace

UploadWriter::UploadWriter(const Shared& shared, const UploadTable::Session& session,
                           std::shared_ptr<UploadTurn> turn, const access::Repository& repository,
                           const UploadRoom::View& view, std::optional<std::uint64_t> again)
    : shared_(shared),
      name_(session.name),
      turn_(std::move(turn)),
      repository_(repository),
      view_(view),
      again_(again),
      size_(session.size),
      counted_(session.counted) {
  // What the file system has kept may differ from what was last heard of it.
  const std::uint64_t actual = turn_->stage->size();
  if (actual > size_) shared_.room.add(repository_.namespace_id, actual - size_);
  if (actual < size_) shared_.room.give(repository_.namespace_id, counted_ - std::min(counted_, actual));
  counted_ = actual > size_ ? counted_ + (actual - size_) : std::min(counted_, actual);
  size_ = actual;
  note();
}

UploadWriter::~UploadWriter() {
  {
    const std::lock_guard at_work(turn_->mutex);
    if (counted_again_ > 0) {
      // What was beside the quota does not stay, where another request could go on with it.
      if (!over_ && !turn_->taken) static_cast<void>(drop());
      shared_.room.give_again(repository_.namespace_id, counted_again_);
    }
    turn_->stage.reset();  // before the session's next holder opens it
  }
  shared_.table.release(name_.id, turn_.get());
}

Result<void> UploadWriter::check_held() const {
  if (turn_->taken)
    return Error{Errc::upload_busy,
                 "another request has taken this upload over, after a silence of this one"};
  if (turn_->stage == nullptr)
    return Error{Errc::upload_unknown, "there is no such upload; begin again with a POST"};
  return {};
}

bool UploadWriter::take(std::uint64_t bytes) {
  const std::int64_t at = repository_.namespace_id;
  if (shared_.room.take(at, view_, bytes)) {
    counted_ += bytes;
    return true;
  }
  // The blob that is there, and nothing longer under its name.
  if (!again_ || size_ + bytes > *again_ || !shared_.room.take_again(at, view_, *again_, bytes)) return false;
  counted_again_ += bytes;
  return true;
}

void UploadWriter::give(std::uint64_t bytes) {
  const std::uint64_t beside = std::min(bytes, counted_again_);
  if (beside > 0) shared_.room.give_again(repository_.namespace_id, beside);
  counted_again_ -= beside;
  if (bytes > beside) shared_.room.give(repository_.namespace_id, bytes - beside);
  counted_ -= bytes - beside;
}

void UploadWriter::note() { shared_.table.note(name_.id, turn_.get(), size_, counted_); }

Result<void> UploadWriter::drop() {
  turn_->stage.reset();
  over_ = true;
  size_ = 0;
  shared_.table.end(name_.id, turn_.get());
  return shared_.store.discard(name_.render());
}

Result<void> UploadWriter::no_room() {
  if (auto dropped = drop(); !dropped) return dropped;
  const std::uint64_t left = shared_.room.left(repository_.namespace_id, view_);
  const std::uint64_t others = shared_.room.staged(repository_.namespace_id);
  std::string message = fmt::format(
      "the namespace of {} has room for {} bytes more, with what is being uploaded to it; "
      "the upload has been dropped",
      repository_.name.render(), left);
  if (others > 0 && view_.quota && others >= *view_.quota / kLargePart)
    message += fmt::format(
        "; {} bytes of the quota are in other uploads, which `bulkhead repo uploads {}` shows "
        "and cancels for those to that repository",
        others, repository_.name.render());
  return Error{Errc::quota_exceeded, std::move(message)};
}

Result<void> UploadWriter::expect(std::uint64_t bytes) {
  const std::lock_guard at_work(turn_->mutex);
  if (auto held = check_held(); !held) return held;
  const std::uint64_t most = shared_.limits.blob_bytes;
  if (most != 0 && (bytes > most || size_ > most - bytes))
    return Error{Errc::too_large, fmt::format("a blob may have at most {} bytes", most)};
  if (bytes <= shared_.room.left(repository_.namespace_id, view_)) return {};
  if (again_ && size_ + bytes <= *again_) return {};
  return no_room();
}

Result<void> UploadWriter::append(Bytes bytes) {
  const std::lock_guard at_work(turn_->mutex);
  if (auto held = check_held(); !held) return held;
  const std::uint64_t most = shared_.limits.blob_bytes;
  if (most != 0 && size_ + bytes.size() > most)
    return Error{Errc::too_large, fmt::format("a blob may have at most {} bytes", most)};
  if (!take(bytes.size())) return no_room();
  auto appended = turn_->stage->append(bytes);
  const std::uint64_t now = turn_->stage->size();
  give(bytes.size() - (now - size_));
  size_ = now;
  note();
  return appended;
}

Result<void> UploadWriter::truncate(std::uint64_t size) {
  const std::lock_guard at_work(turn_->mutex);
  if (auto held = check_held(); !held) return held;
  auto cut = turn_->stage->truncate(size);
  const std::uint64_t now = turn_->stage->size();
  if (now < size_) give(size_ - now);
  size_ = now;
  note();
  return cut;
}

Result<void> UploadWriter::finish(const oci::Digest& digest, const Context& context) {
  const std::lock_guard at_work(turn_->mutex);
  if (auto held = check_held(); !held) return held;
  const std::uint64_t size = size_;
  // Other uploads may have taken the room since this one began, and the right to push may have gone.
  auto reserved = shared_.blobs.reserve(repository_, digest, size, context);
  if (!reserved && (reserved.error().code == Errc::quota_exceeded || reserved.error().code == Errc::denied)) {
    if (auto dropped = drop(); !dropped) return dropped;
  }
  if (!reserved) return reserved.error();
  // From here on the database counts it.
  if (*reserved != 0) shared_.room.landed(repository_.namespace_id, counted(size));
  auto committed = shared_.store.commit(std::move(turn_->stage), digest);
  // Content that is not what it should be is gone; after anything else the client may try this step again.
  if (committed || committed.error().code == Errc::digest_invalid) {
    over_ = true;
    size_ = 0;
    shared_.table.end(name_.id, turn_.get());
  }
  if (!committed) {
    // What cannot be given back now is when it runs out.
    static_cast<void>(shared_.blobs.cancel(*reserved));
    return committed;
  }
  // When one of these fails, the stored bytes belong to no repository: garbage collection finds them.
  if (!is_unborn(repository_)) return shared_.blobs.link(repository_, digest, size, context, *reserved);
  const auto made = shared_.make(repository_.name, context);
  if (!made) {
    static_cast<void>(shared_.blobs.cancel(*reserved));
    return made.error();
  }
  return shared_.blobs.link(**made, digest, size, context, *reserved);
}

}  // namespace bulkhead::registry
