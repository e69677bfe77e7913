#include "registry/uploads.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "registry/links.h"
#include "registry/upload_name.h"

namespace bulkhead::registry {
namespace {

constexpr std::uint64_t kNoQuota = std::numeric_limits<std::uint64_t>::max();

struct Session {
  UploadName name;
  std::uint64_t size = 0;
  bool busy = false;
  Time last_used{};
};

Error unknown() { return {Errc::upload_unknown, "there is no such upload; begin again with a POST"}; }

Error busy() { return {Errc::upload_busy, "another request is writing to this upload; wait for it to end"}; }

class UploadTable final : public Uploads {
 public:
  UploadTable(blob::BlobStore& store, Blobs& blobs, db::Database& database, const Clock& clock,
              UploadLimits limits, MakeRepository make)
      : store_(store),
        blobs_(blobs),
        database_(database),
        clock_(clock),
        limits_(limits),
        make_(std::move(make)) {}

  Result<void> load();

  Result<UploadStatus> start(const access::Repository& repository, oci::Algorithm algorithm,
                             const Context& context) override;
  Result<std::unique_ptr<Writer>> acquire(const access::Repository& repository, std::string_view id,
                                          const Context& context) override;
  Result<UploadStatus> status(const access::Repository& repository, std::string_view id,
                              const Context& context) override;
  Result<void> cancel(const access::Repository& repository, std::string_view id,
                      const Context& context) override;
  Result<std::size_t> sweep() override;
  std::size_t count() const override;

 private:
  friend class Hold;
  friend class SessionWriter;
  using Sessions = std::map<std::string, Session, std::less<>>;

  // The caller's own session of that id, with the lock held; end() when there is none.
  Sessions::iterator find(const access::Repository& repository, std::string_view id, const Context& context);
  void erase(Sessions::iterator at);
  // Enters a busy session, if the limits allow one more.
  Result<void> enter(const UploadName& name);
  void release(const UploadName& name, std::optional<std::uint64_t> size);
  // Errc::quota_exceeded when a blob of that size could not be linked now.
  Result<void> check_room(const access::Repository& repository, const oci::Digest& digest,
                          std::uint64_t size);
  // How many bytes the namespace's quota leaves, or kNoQuota.
  Result<std::uint64_t> allowance(const access::Repository& repository);

  blob::BlobStore& store_;
  Blobs& blobs_;
  db::Database& database_;
  const Clock& clock_;
  const UploadLimits limits_;
  const MakeRepository make_;
  mutable std::mutex mutex_;
  Sessions sessions_;                          // by the client's id
  std::map<std::int64_t, std::size_t> owned_;  // sessions by account; none is 0
  std::vector<blob::StageInfo> strays_;        // stages of an earlier process that are nobody's session
};

// The right to a session that is marked busy; gives it back, or ends the session.
class Hold {
 public:
  Hold(UploadTable& table, UploadName name) : table_(table), name_(std::move(name)) {}
  Hold(const Hold&) = delete;
  Hold& operator=(const Hold&) = delete;
  ~Hold() { table_.release(name_, size_); }

  UploadTable& table() const { return table_; }
  const UploadName& name() const { return name_; }
  // What the session holds from now on; without one it is over.
  void keep(std::uint64_t size) { size_ = size; }
  void end() { size_.reset(); }

 private:
  UploadTable& table_;
  const UploadName name_;
  std::optional<std::uint64_t> size_;
};

class SessionWriter final : public Uploads::Writer {
 public:
  SessionWriter(std::unique_ptr<Hold> hold, access::Repository repository, std::unique_ptr<blob::Stage> stage,
                std::uint64_t allowed)
      : hold_(std::move(hold)),
        repository_(std::move(repository)),
        stage_(std::move(stage)),
        allowed_(allowed) {
    hold_->keep(stage_->size());
  }

  const std::string& id() const override { return hold_->name().id; }
  std::uint64_t size() const override { return stage_ ? stage_->size() : 0; }
  Result<void> append(Bytes bytes) override;
  Result<void> truncate(std::uint64_t size) override;
  Result<void> finish(const oci::Digest& digest, const Context& context) override;

 private:
  // Ends the session and gives its bytes back to the disk.
  Result<void> drop();

  std::unique_ptr<Hold> hold_;  // goes after the stage, which the session's next holder opens
  access::Repository repository_;
  std::unique_ptr<blob::Stage> stage_;  // null once the session is over, and after a commit that failed
  std::uint64_t allowed_;               // bytes that the namespace's quota leaves
};

Result<void> SessionWriter::append(Bytes bytes) {
  if (!stage_) return unknown();
  const std::uint64_t size = stage_->size() + bytes.size();
  if (hold_->table().limits_.blob_bytes != 0 && size > hold_->table().limits_.blob_bytes)
    return Error{Errc::too_large,
                 fmt::format("a blob may have at most {} bytes", hold_->table().limits_.blob_bytes)};
  if (size > allowed_) {
    if (auto dropped = drop(); !dropped) return dropped;
    return Error{Errc::quota_exceeded,
                 fmt::format("the namespace of {} has room for {} bytes more; the upload has been dropped",
                             repository_.name.render(), allowed_)};
  }
  auto appended = stage_->append(bytes);
  hold_->keep(stage_->size());
  return appended;
}

Result<void> SessionWriter::truncate(std::uint64_t size) {
  if (!stage_) return unknown();
  auto cut = stage_->truncate(size);
  hold_->keep(stage_->size());
  return cut;
}

Result<void> SessionWriter::drop() {
  stage_.reset();
  hold_->end();
  return hold_->table().store_.discard(hold_->name().render());
}

Result<void> SessionWriter::finish(const oci::Digest& digest, const Context& context) {
  if (!stage_) return unknown();
  UploadTable& table = hold_->table();
  const std::uint64_t size = stage_->size();
  // Other uploads may have taken the room since this one began. Once committed, the bytes are out of our
  // hands: another repository may have come to share them.
  const auto fits = allowed_ == kNoQuota ? Result<void>() : table.check_room(repository_, digest, size);
  if (!fits && fits.error().code == Errc::quota_exceeded) {
    if (auto dropped = drop(); !dropped) return dropped;
  }
  if (!fits) return fits;
  auto committed = table.store_.commit(std::move(stage_), digest);
  // Content that is not what it should be is gone; after anything else the client may try this step again.
  if (committed || committed.error().code == Errc::digest_invalid) hold_->end();
  if (!committed) return committed;
  // When one of these fails, the stored bytes belong to no repository: garbage collection finds them.
  if (is_unborn(repository_)) {
    const auto made = table.make_(repository_.name, context);
    if (!made) return made.error();
    repository_ = **made;
  }
  return table.blobs_.link(repository_, digest, size, context);
}

Result<void> UploadTable::load() {
  auto stages = store_.stages();
  if (!stages) return stages.error();
  for (blob::StageInfo& info : *stages) {
    auto name = UploadName::parse(info.id);
    if (!name) {
      strays_.push_back(std::move(info));
      continue;
    }
    const std::int64_t account = name->account;
    const std::string id = name->id;
    const bool added =
        sessions_.emplace(id, Session{*std::move(name), info.size, false, info.modified}).second;
    if (added) ++owned_[account];
  }
  return {};
}

std::size_t UploadTable::count() const {
  const std::lock_guard lock(mutex_);
  return sessions_.size();
}

UploadTable::Sessions::iterator UploadTable::find(const access::Repository& repository, std::string_view id,
                                                  const Context& context) {
  const auto found = sessions_.find(id);
  if (found == sessions_.end() ||
      (found->second.name.repository != repository.id &&
       found->second.name.repository != unborn_id(repository.name)) ||
      found->second.name.account != context.principal.account_id)
    return sessions_.end();
  // Expired is gone, also before the sweep has come by.
  if (!found->second.busy && clock_.now() - found->second.last_used > limits_.idle) return sessions_.end();
  return found;
}

void UploadTable::erase(Sessions::iterator at) {
  const auto owned = owned_.find(at->second.name.account);
  if (--owned->second == 0) owned_.erase(owned);
  sessions_.erase(at);
}

Result<void> UploadTable::enter(const UploadName& name) {
  const std::lock_guard lock(mutex_);
  if (sessions_.size() >= limits_.sessions)
    return Error{Errc::rate_limited, "the registry has too many unfinished uploads; try again later"};
  const auto owned = owned_.find(name.account);
  const std::size_t unfinished = owned == owned_.end() ? 0 : owned->second;
  if (unfinished >= limits_.sessions_per_account)
    return Error{
        Errc::rate_limited,
        fmt::format("this account has {} unfinished uploads, as many as it may have; finish or cancel some",
                    unfinished)};
  sessions_.emplace(name.id, Session{name, 0, true, clock_.now()});
  ++owned_[name.account];
  return {};
}

void UploadTable::release(const UploadName& name, std::optional<std::uint64_t> size) {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(name.id);
  if (found == sessions_.end()) return;
  if (!size) return erase(found);
  found->second.size = *size;
  found->second.busy = false;
  found->second.last_used = clock_.now();
}

Result<UploadStatus> UploadTable::start(const access::Repository& repository, oci::Algorithm algorithm,
                                        const Context& context) {
  const auto name = UploadName::fresh(repository.id, context.principal.account_id, algorithm);
  if (auto entered = enter(name); !entered) return entered.error();
  Hold hold(*this, name);
  const auto stage = store_.stage(name.render(), algorithm);
  if (!stage) return stage.error();
  hold.keep(0);
  return UploadStatus{name.id, 0};
}

Result<void> UploadTable::check_room(const access::Repository& repository, const oci::Digest& digest,
                                     std::uint64_t size) {
  return database_.read([&](db::Session& session) -> Result<void> {
    const auto linked = linked_size(session, repository.id, digest);
    if (!linked) return linked.error();
    if (*linked) return {};  // counted already
    return check_quota(session, repository, size);
  });
}

Result<std::uint64_t> UploadTable::allowance(const access::Repository& repository) {
  std::uint64_t allowed = kNoQuota;
  auto looked = database_.read([&](db::Session& session) -> Result<void> {
    auto rows = session.query("SELECT quota_bytes, used_bytes FROM namespaces WHERE id = ?",
                              {repository.namespace_id});
    if (!rows) return rows.error();
    if (rows->empty() || rows->front().is_null(0)) return {};
    const std::int64_t left = rows->front().integer(0) - rows->front().integer(1);
    allowed = static_cast<std::uint64_t>(std::max<std::int64_t>(left, 0));
    return {};
  });
  if (!looked) return looked.error();
  return allowed;
}

Result<std::unique_ptr<Uploads::Writer>> UploadTable::acquire(const access::Repository& repository,
                                                              std::string_view id, const Context& context) {
  const auto allowed = allowance(repository);
  if (!allowed) return allowed.error();
  std::unique_ptr<Hold> hold;
  std::uint64_t size = 0;
  {
    const std::lock_guard lock(mutex_);
    const auto found = find(repository, id, context);
    if (found == sessions_.end()) return unknown();
    if (found->second.busy) return busy();
    hold = std::make_unique<Hold>(*this, found->second.name);
    size = found->second.size;
    found->second.busy = true;
  }
  hold->keep(size);
  auto stage = store_.open_stage(hold->name().render(), hold->name().algorithm);
  if (!stage && stage.error().code == Errc::upload_unknown) {
    hold->end();
    return unknown();
  }
  if (!stage) return stage.error();
  return std::unique_ptr<Writer>(
      std::make_unique<SessionWriter>(std::move(hold), repository, *std::move(stage), *allowed));
}

Result<UploadStatus> UploadTable::status(const access::Repository& repository, std::string_view id,
                                         const Context& context) {
  const std::lock_guard lock(mutex_);
  const auto found = find(repository, id, context);
  if (found == sessions_.end()) return unknown();
  return UploadStatus{found->second.name.id, found->second.size};
}

Result<void> UploadTable::cancel(const access::Repository& repository, std::string_view id,
                                 const Context& context) {
  std::string stage;
  {
    const std::lock_guard lock(mutex_);
    const auto found = find(repository, id, context);
    if (found == sessions_.end()) return unknown();
    if (found->second.busy) return busy();
    stage = found->second.name.render();
    erase(found);
  }
  auto discarded = store_.discard(stage);
  // Its bytes went before, by an error of the disk's.
  if (!discarded && discarded.error().code == Errc::upload_unknown) return {};
  return discarded;
}

Result<std::size_t> UploadTable::sweep() {
  const Time now = clock_.now();
  std::vector<std::string> expired;
  std::size_t sessions = 0;
  {
    const std::lock_guard lock(mutex_);
    for (auto at = sessions_.begin(); at != sessions_.end();) {
      const auto next = std::next(at);
      if (!at->second.busy && now - at->second.last_used > limits_.idle) {
        expired.push_back(at->second.name.render());
        erase(at);
      }
      at = next;
    }
    sessions = expired.size();
    std::erase_if(strays_, [&](const blob::StageInfo& stray) {
      const bool idle = now - stray.modified > limits_.idle;
      if (idle) expired.push_back(stray.id);
      return idle;
    });
  }
  // One that cannot be removed does not save the others; the next process finds it again.
  Result<void> failure;
  for (const std::string& stage : expired)
    if (auto discarded = store_.discard(stage); !discarded && discarded.error().code != Errc::upload_unknown)
      failure = discarded;
  if (!failure) return failure.error();
  return sessions;
}

}  // namespace

Result<std::unique_ptr<Uploads>> Uploads::open(blob::BlobStore& store, Blobs& blobs, db::Database& database,
                                               const Clock& clock, UploadLimits limits, MakeRepository make) {
  auto table = std::make_unique<UploadTable>(store, blobs, database, clock, limits, std::move(make));
  if (auto loaded = table->load(); !loaded) return loaded.error();
  return std::unique_ptr<Uploads>(std::move(table));
}

}  // namespace bulkhead::registry
