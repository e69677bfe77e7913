#include "blob/staged_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <future>
#include <vector>

#include "blob/errors.h"
#include "blob/layout.h"

namespace bulkhead::blob {
namespace {

constexpr std::size_t kReadSize = 1u << 20;

}  // namespace

StagedFile::StagedFile(std::shared_ptr<SystemCalls> calls, std::shared_ptr<async::OffloadPool> hashing,
                       std::filesystem::path path, FileDescriptor fd, std::uint64_t size,
                       oci::Algorithm algorithm)
    : calls_(std::move(calls)),
      hashing_(std::move(hashing)),
      path_(std::move(path)),
      fd_(std::move(fd)),
      size_(size),
      algorithm_(algorithm),
      hasher_(hash_algorithm(algorithm)),
      written_back_(size) {}

void StagedFile::hash_with(oci::Algorithm algorithm) {
  if (algorithm == algorithm_) return;
  algorithm_ = algorithm;
  restart_hash();
}

void StagedFile::restart_hash() {
  hasher_ = crypto::Hasher(hash_algorithm(algorithm_));
  hashed_ = 0;
}

Result<void> StagedFile::append(Bytes bytes) {
  if (broken_) return *broken_;
  if (auto done = hashed_ == size_ ? write_and_hash(bytes) : write(bytes); !done) return done;
  size_ += bytes.size();
  return start_writeback();
}

Result<void> StagedFile::write(Bytes bytes) {
  const auto directly = write_directly(bytes);
  auto written = directly ? write_at(*calls_, fd_.get(), size_ + *directly, bytes.subspan(*directly), path_)
                          : Result<void>(directly.error());
  // Part of it may be there. It must go, or the next process would take it for acknowledged bytes.
  if (!written && calls_->ftruncate(fd_.get(), size_) != 0) return fail(written.error());
  return written;
}

Result<std::size_t> StagedFile::write_directly(Bytes bytes) {
  const bool aligned =
      size_ % kDirectAlignment == 0 && reinterpret_cast<std::uintptr_t>(bytes.data()) % kDirectAlignment == 0;
  if (!may_be_direct_ || !aligned || bytes.size() < kLeastDirect) return 0u;
  if (!direct_.valid()) {
    direct_ = FileDescriptor(calls_->open(path_, O_WRONLY | O_DIRECT | O_NOFOLLOW, 0));
    may_be_direct_ = direct_.valid();
    if (!may_be_direct_) return 0u;
  }
  const Bytes whole = bytes.first(bytes.size() - bytes.size() % kDirectAlignment);
  std::size_t done = 0;
  while (done < whole.size()) {
    const ssize_t count = calls_->pwrite(direct_.get(), whole.subspan(done), size_ + done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EINVAL) may_be_direct_ = false;
    if (count < 0 && errno != EINVAL) return io_error("write", path_, errno);
    if (count <= 0) break;
    done += static_cast<std::size_t>(count);
    // What stopped short, such as at the end of the disk, is told by the other way of writing.
    if (done % kDirectAlignment != 0) break;
  }
  return done;
}

Result<void> StagedFile::write_and_hash(Bytes bytes) {
  // Shared with the other thread, which may still be leaving it when this one has gone on.
  const auto hashed = std::make_shared<std::promise<void>>();
  const bool aside = bytes.size() >= kHashedAside && hashing_->submit([hashed, bytes, &hasher = hasher_] {
    hasher.update(bytes);
    hashed->set_value();
  });
  auto written = write(bytes);
  if (aside)
    hashed->get_future().wait();
  else if (written)
    hasher_.update(bytes);
  if (written)
    hashed_ += bytes.size();
  else
    restart_hash();
  return written;
}

Result<void> StagedFile::start_writeback() {
  if (size_ - written_back_ < kWritebackWindow) return {};
  if (calls_->start_writeback(fd_.get(), written_back_, size_ - written_back_) != 0) {
    // A file system that does not know the call still has the final sync.
    const int reason = errno;
    if (reason == EIO || reason == ENOSPC || reason == EDQUOT)
      return fail(io_error("write back", path_, reason));
  }
  written_back_ = size_;
  return {};
}

Result<void> StagedFile::truncate(std::uint64_t size) {
  if (broken_) return *broken_;
  if (size > size_) return cut_too_long(size_, size);
  if (calls_->ftruncate(fd_.get(), size) != 0) return io_error("cut", path_, errno);
  size_ = size;
  written_back_ = std::min(written_back_, size);
  if (hashed_ > size) restart_hash();
  return {};
}

Result<void> StagedFile::sync() {
  if (broken_) return *broken_;
  if (calls_->fdatasync(fd_.get()) != 0) return fail(io_error("sync", path_, errno));
  return {};
}

Result<oci::Digest> StagedFile::digest(oci::Algorithm algorithm) {
  if (broken_) return *broken_;
  if (algorithm != algorithm_) {
    crypto::Hasher other(hash_algorithm(algorithm));
    if (auto read = hash_file(other, 0); !read) return read.error();
    return oci::Digest::from_hash(algorithm, as_bytes(other.current()));
  }
  if (hashed_ < size_) {
    if (auto read = hash_file(hasher_, hashed_); !read) {
      restart_hash();
      return read.error();
    }
    hashed_ = size_;
  }
  return oci::Digest::from_hash(algorithm_, as_bytes(hasher_.current()));
}

Result<void> StagedFile::hash_file(crypto::Hasher& hasher, std::uint64_t from) const {
  std::vector<std::byte> buffer(static_cast<std::size_t>(std::min<std::uint64_t>(kReadSize, size_ - from)));
  while (from < size_) {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), size_ - from));
    auto count = read_at(*calls_, fd_.get(), from, std::span(buffer).first(wanted), path_);
    if (!count) return count.error();
    if (*count < wanted)
      return Error{Errc::corrupt, fmt::format("{} ends at {} and should have {} bytes", path_.string(),
                                              from + *count, size_)};
    hasher.update(std::span(buffer).first(wanted));
    from += wanted;
  }
  return {};
}

bool StagedFile::intact() const {
  struct stat status {};
  return ::fstat(fd_.get(), &status) == 0 && status.st_nlink > 0 &&
         static_cast<std::uint64_t>(status.st_size) == size_;
}

Error StagedFile::fail(Error error) {
  broken_ = error;
  return error;
}

}  // namespace bulkhead::blob
