// Blobs as files. The order of the steps in commit() is the point of this file: the bytes are durable before
// they get the name that says what they are, and the name is durable before the caller hears of it.
#include "blob/filesystem_store.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/file.h"
#include "base/open_files.h"
#include "blob/errors.h"
#include "blob/fan_out.h"
#include "blob/file_reader.h"
#include "blob/file_stage.h"
#include "blob/layout.h"
#include "blob/stage_table.h"

namespace bulkhead::blob {
namespace {

constexpr std::string_view kPutPrefix = "put-";
constexpr const char* kNobody = "no.such.file";
constexpr std::size_t kPutRandom = 24;
// More would not hash faster: an upload keeps at most one busy, and while these are, uploads hash for
// themselves.
constexpr std::size_t kHashingThreads = 4;

// Creates a missing directory and its parents, each durable in the one above.
Result<void> create_path(SystemCalls& calls, const std::filesystem::path& directory) {
  std::error_code ignored;
  if (std::filesystem::is_directory(directory, ignored)) return {};
  if (auto above = create_path(calls, directory.parent_path()); !above) return above;
  if (calls.mkdir(directory, 0700) != 0 && errno != EEXIST)
    return io_error("create directory", directory, errno);
  return sync_entries(calls, directory.parent_path());
}

// Creates the directory and makes its entry in the parent durable, also when an earlier process created it.
Result<void> ensure_directory(SystemCalls& calls, const std::filesystem::path& directory) {
  if (calls.mkdir(directory, 0700) != 0 && errno != EEXIST)
    return io_error("create directory", directory, errno);
  return sync_entries(calls, directory.parent_path());
}

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

// Calls `each` with the name and status of every regular file, until it returns false. A missing directory is
// empty. The result is whether the walk went to the end.
Result<bool> for_each_file(const std::filesystem::path& directory,
                           const std::function<bool(std::string_view, const struct stat&)>& each) {
  const std::unique_ptr<DIR, CloseDirectory> entries(::opendir(directory.c_str()));
  if (!entries) {
    if (errno == ENOENT) return true;
    return io_error("list", directory, errno);
  }
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(entries.get());
    if (entry == nullptr) {
      if (errno != 0) return io_error("list", directory, errno);
      return true;
    }
    struct stat status {};
    if (::fstatat(::dirfd(entries.get()), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno == ENOENT) continue;  // removed while we looked
      return io_error("look at", directory / entry->d_name, errno);
    }
    if (!S_ISREG(status.st_mode)) continue;
    if (!each(entry->d_name, status)) return false;
  }
}

class FilesystemStore final : public BlobStore {
 public:
  FilesystemStore(std::shared_ptr<SystemCalls> calls, Layout layout, std::size_t parked)
      : calls_(std::move(calls)),
        layout_(std::move(layout)),
        fan_out_(calls_, layout_),
        table_(std::make_shared<StageTable>(parked)),
        hashing_(std::make_shared<async::OffloadPool>("hash", kHashingThreads, kHashingThreads)) {}

  Result<void> prepare();

  Result<std::unique_ptr<Stage>> stage(std::string_view id, oci::Algorithm algorithm) override;
  Result<std::unique_ptr<Stage>> open_stage(std::string_view id, oci::Algorithm algorithm) override;
  Result<void> commit(std::unique_ptr<Stage> stage, const oci::Digest& digest) override;
  Result<void> discard(std::string_view id) override;
  Result<std::vector<StageInfo>> stages() override;
  Result<void> put(const oci::Digest& digest, Bytes bytes) override;
  Result<std::shared_ptr<const Reader>> open(const oci::Digest& digest) override;
  Result<void> remove(const oci::Digest& digest) override;
  Result<void> walk(const std::function<bool(const oci::Digest&, std::uint64_t)>& each) override;

 private:
  Result<void> check_rename(const std::filesystem::path& blobs);
  Result<void> take_over_stages();
  Result<std::unique_ptr<FileStage>> create_stage(std::string_view id, oci::Algorithm algorithm);
  Result<std::unique_ptr<FileStage>> resume_stage(StageLease lease, oci::Algorithm algorithm);
  Result<void> commit_file(FileStage& stage, const oci::Digest& digest);

  std::shared_ptr<SystemCalls> calls_;
  Layout layout_;
  FanOut fan_out_;
  std::shared_ptr<StageTable> table_;
  std::shared_ptr<async::OffloadPool> hashing_;
};

Result<void> FilesystemStore::prepare() {
  if (auto created = create_path(*calls_, layout_.root()); !created) return created;
  for (const auto& directory : {layout_.blobs(), layout_.staging(), layout_.blobs(oci::Algorithm::sha256),
                                layout_.blobs(oci::Algorithm::sha512)})
    if (auto ensured = ensure_directory(*calls_, directory); !ensured) return ensured;
  for (const auto algorithm : {oci::Algorithm::sha256, oci::Algorithm::sha512})
    if (auto reaches = check_rename(layout_.blobs(algorithm)); !reaches) return reaches;
  return take_over_stages();
}

// Tried with a name that is not there: the kernel looks at the mounts first. One file system that is mounted
// twice is as bad as two.
Result<void> FilesystemStore::check_rename(const std::filesystem::path& blobs) {
  if (::rename((layout_.staging() / kNobody).c_str(), (blobs / kNobody).c_str()) == 0 || errno != EXDEV)
    return {};
  return Error{Errc::invalid_argument,
               fmt::format("{} and {} are mounted apart, and files cannot move from one to the other: mount "
                           "{} as a whole",
                           layout_.staging().string(), blobs.string(), layout_.blobs().string())};
}

// Uploads that an earlier version has left go on where they are looked for now.
Result<void> FilesystemStore::take_over_stages() {
  const auto taken = for_each_file(layout_.old_staging(), [&](std::string_view name, const struct stat&) {
    if (!valid_stage_id(name)) return true;
    const auto from = layout_.old_staging() / name;
    // On another file system they are given up: clients begin such uploads anew.
    if (calls_->rename(from, layout_.stage(name)) != 0) calls_->unlink(from);
    return true;
  });
  if (!taken) return taken.error();
  ::rmdir(layout_.old_staging().c_str());
  return {};
}

Result<std::unique_ptr<FileStage>> FilesystemStore::create_stage(std::string_view id,
                                                                 oci::Algorithm algorithm) {
  auto lease = StageLease::take(table_, id);
  if (!lease) return stage_exists(id);
  auto path = layout_.stage(id);
  FileDescriptor fd(calls_->open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
  if (!fd.valid()) {
    if (errno == EEXIST) return stage_exists(id);
    return io_error("create", path, errno);
  }
  table_->unpark(lease->id());  // of a file that someone removed
  StagedFile file(calls_, hashing_, path, std::move(fd), 0, algorithm);
  return std::make_unique<FileStage>(std::move(*lease), calls_, std::move(path), std::move(file));
}

Result<std::unique_ptr<FileStage>> FilesystemStore::resume_stage(StageLease lease, oci::Algorithm algorithm) {
  auto path = layout_.stage(lease.id());
  if (auto parked = table_->unpark(lease.id()); parked && parked->intact()) {
    parked->hash_with(algorithm);
    return std::make_unique<FileStage>(std::move(lease), calls_, std::move(path), std::move(*parked));
  }
  FileDescriptor fd(calls_->open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK, 0));
  if (!fd.valid()) {
    if (errno == ENOENT) return unknown_stage(lease.id());
    return io_error("open", path, errno);
  }
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return io_error("look at", path, errno);
  if (!S_ISREG(status.st_mode)) return Error{Errc::corrupt, fmt::format("{} is not a file", path.string())};
  // An earlier process may have failed to write pages that now look clean. Dropped, they are read from the
  // disk.
  ::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_DONTNEED);
  StagedFile file(calls_, hashing_, path, std::move(fd), static_cast<std::uint64_t>(status.st_size),
                  algorithm);
  return std::make_unique<FileStage>(std::move(lease), calls_, std::move(path), std::move(file));
}

Result<std::unique_ptr<Stage>> FilesystemStore::stage(std::string_view id, oci::Algorithm algorithm) {
  if (!valid_stage_id(id)) return bad_stage_id(id);
  auto created = create_stage(id, algorithm);
  if (!created) return created.error();
  return std::unique_ptr<Stage>(std::move(*created));
}

Result<std::unique_ptr<Stage>> FilesystemStore::open_stage(std::string_view id, oci::Algorithm algorithm) {
  if (!valid_stage_id(id)) return unknown_stage(id);
  auto lease = StageLease::take(table_, id);
  if (!lease) return stage_busy(id);
  auto resumed = resume_stage(std::move(*lease), algorithm);
  if (!resumed) return resumed.error();
  return std::unique_ptr<Stage>(std::move(*resumed));
}

Result<void> FilesystemStore::commit(std::unique_ptr<Stage> stage, const oci::Digest& digest) {
  auto* const file_stage = dynamic_cast<FileStage*>(stage.get());
  if (file_stage == nullptr || !file_stage->belongs_to(*table_)) return foreign_stage();
  return commit_file(*file_stage, digest);
}

Result<void> FilesystemStore::commit_file(FileStage& stage, const oci::Digest& digest) {
  auto content = stage.file().digest(digest.algorithm());
  if (!content) return content.error();
  if (*content != digest) {
    stage.set_fate(FileStage::Fate::removed);
    return digest_mismatch(*content, digest);
  }
  if (auto synced = stage.file().sync(); !synced) return synced;
  if (auto ensured = fan_out_.ensure(digest); !ensured) return ensured;
  // Renamed, not linked: with two names a crash could leave a stage that still writes to a stored blob.
  const auto path = layout_.blob(digest);
  if (calls_->rename(stage.path(), path) != 0) {
    const int reason = errno;
    if (reason == ENOENT && !stage.file().intact()) return unknown_stage(stage.id());
    fan_out_.forget(digest);
    return io_error("store", path, reason);
  }
  stage.set_fate(FileStage::Fate::moved);
  // When this fails the blob stays: it may have taken the place of one that was acknowledged before.
  return sync_entries(*calls_, path.parent_path());
}

Result<void> FilesystemStore::discard(std::string_view id) {
  if (!valid_stage_id(id)) return unknown_stage(id);
  const auto lease = StageLease::take(table_, id);
  if (!lease) return stage_busy(id);
  table_->unpark(lease->id());
  const auto path = layout_.stage(id);
  if (calls_->unlink(path) != 0) {
    if (errno == ENOENT) return unknown_stage(id);
    return io_error("remove", path, errno);
  }
  return {};
}

Result<std::vector<StageInfo>> FilesystemStore::stages() {
  std::vector<StageInfo> found;
  auto listed = for_each_file(layout_.staging(), [&](std::string_view name, const struct stat& status) {
    if (!valid_stage_id(name)) return true;
    const auto modified =
        std::chrono::seconds(status.st_mtim.tv_sec) +
        std::chrono::floor<std::chrono::microseconds>(std::chrono::nanoseconds(status.st_mtim.tv_nsec));
    found.push_back({std::string(name), static_cast<std::uint64_t>(status.st_size), Time(modified)});
    return true;
  });
  if (!listed) return listed.error();
  return found;
}

Result<void> FilesystemStore::put(const oci::Digest& digest, Bytes bytes) {
  auto created =
      create_stage(std::string(kPutPrefix) + crypto::random_base62(kPutRandom), digest.algorithm());
  if (!created) return created.error();
  FileStage& stage = **created;
  stage.set_fate(FileStage::Fate::removed);
  if (auto appended = stage.append(bytes); !appended) return appended;
  return commit_file(stage, digest);
}

Result<std::shared_ptr<const Reader>> FilesystemStore::open(const oci::Digest& digest) {
  const auto path = layout_.blob(digest);
  FileDescriptor fd(calls_->open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0));
  if (!fd.valid()) {
    if (errno == ENOENT) return unknown_blob(digest);
    if (errno == ELOOP) return Error{Errc::corrupt, fmt::format("{} is a symbolic link", path.string())};
    return io_error("open", path, errno);
  }
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return io_error("look at", path, errno);
  if (!S_ISREG(status.st_mode)) return Error{Errc::corrupt, fmt::format("{} is not a file", path.string())};
  return std::shared_ptr<const Reader>(std::make_shared<const FileReader>(
      calls_, path, std::move(fd), static_cast<std::uint64_t>(status.st_size)));
}

Result<void> FilesystemStore::remove(const oci::Digest& digest) {
  const auto path = layout_.blob(digest);
  if (calls_->unlink(path) != 0) {
    if (errno == ENOENT) return unknown_blob(digest);
    return io_error("remove", path, errno);
  }
  return {};
}

Result<void> FilesystemStore::walk(const std::function<bool(const oci::Digest&, std::uint64_t)>& each) {
  for (const auto algorithm : {oci::Algorithm::sha256, oci::Algorithm::sha512}) {
    for (unsigned first = 0; first < 256; ++first) {
      const std::string fan_out = fmt::format("{:02x}", first);
      const auto visit = [&](std::string_view name, const struct stat& status) {
        const auto digest = digest_of_file(algorithm, fan_out, name);
        return !digest || each(*digest, static_cast<std::uint64_t>(status.st_size));
      };
      auto finished = for_each_file(layout_.blobs(algorithm) / fan_out, visit);
      if (!finished) return finished.error();
      if (!*finished) return {};
    }
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<BlobStore>> open_filesystem_store(const std::filesystem::path& root,
                                                         std::shared_ptr<SystemCalls> calls,
                                                         std::size_t parked_stages) {
  // Made absolute, so that the parent to sync is never empty and a later chdir changes nothing.
  std::error_code failed;
  const auto absolute = std::filesystem::absolute(root, failed).lexically_normal();
  if (failed) return io_error("find", root, failed.value());
  // "data/" and "data" are one directory, whose parent is not itself.
  const auto directory = absolute.has_filename() ? absolute : absolute.parent_path();
  auto store = std::make_unique<FilesystemStore>(std::move(calls), Layout(directory), parked_stages);
  if (auto prepared = store->prepare(); !prepared) return prepared.error();
  return std::unique_ptr<BlobStore>(std::move(store));
}

Result<std::unique_ptr<BlobStore>> open_filesystem_store(const std::filesystem::path& root,
                                                         std::uint64_t reserve) {
  return open_filesystem_store(root, make_posix_system_calls(reserve), may_keep_open(kParkedStages));
}

}  // namespace bulkhead::blob
