#include "registry/uploads.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <mutex>

#include "registry/links.h"
#include "registry/upload_name.h"

namespace bulkhead::registry {
namespace {

// A resting session's file is closed after this long; the next request opens it again.
constexpr std::chrono::seconds kKeepOpen{60};

struct Session {
  UploadName name;
  std::unique_ptr<blob::Stage> stage;  // kept between requests, so that its hash need not be made again
  std::uint64_t size = 0;
  bool busy = false;
  Time last_used{};
};

Error unknown() { return {Errc::upload_unknown, "there is no such upload; begin again with a POST"}; }

class UploadTable;

class SessionWriter final : public Uploads::Writer {
 public:
  SessionWriter(UploadTable& table, access::Repository repository, UploadName name, std::unique_ptr<blob::Stage> stage,
                std::uint64_t allowed)
      : table_(table),
        repository_(std::move(repository)),
        name_(std::move(name)),
        stage_(std::move(stage)),
        allowed_(allowed) {}
  ~SessionWriter() override;

  const std::string& id() const override { return name_.id; }
  std::uint64_t size() const override { return stage_ ? stage_->size() : 0; }
  Result<void> append(Bytes bytes) override;
  Result<void> truncate(std::uint64_t size) override { return stage_ ? stage_->truncate(size) : unknown(); }
  Result<void> finish(const oci::Digest& digest, const Context& context) override;

 private:
  UploadTable& table_;
  access::Repository repository_;
  UploadName name_;
  std::unique_ptr<blob::Stage> stage_;  // null once the session is over
  std::uint64_t allowed_;               // bytes that the namespace's quota leaves
  bool over_ = false;
};

class UploadTable final : public Uploads {
 public:
  UploadTable(blob::BlobStore& store, Blobs& blobs, db::Database& database, const Clock& clock, UploadLimits limits)
      : store_(store), blobs_(blobs), database_(database), clock_(clock), limits_(limits) {}

  Result<void> load();

  Result<UploadStatus> start(const access::Repository& repository, oci::Algorithm algorithm,
                             const Context& context) override;
  Result<std::unique_ptr<Writer>> acquire(const access::Repository& repository, std::string_view id,
                                          const Context& context) override;
  Result<UploadStatus> status(const access::Repository& repository, std::string_view id,
                              const Context& context) override;
  Result<void> cancel(const access::Repository& repository, std::string_view id, const Context& context) override;
  Result<std::size_t> sweep() override;
  std::size_t count() const override;

 private:
  friend class SessionWriter;
  using Sessions = std::map<std::string, Session, std::less<>>;

  // The caller's own session of that id, with the lock held; end() when there is none.
  Sessions::iterator find(const access::Repository& repository, std::string_view id, const Context& context);
  void erase(Sessions::iterator at);
  void release(const UploadName& name, std::unique_ptr<blob::Stage> stage, bool over);
  // How many bytes the namespace's quota leaves.
  Result<std::uint64_t> allowance(const access::Repository& repository);

  blob::BlobStore& store_;
  Blobs& blobs_;
  db::Database& database_;
  const Clock& clock_;
  const UploadLimits limits_;
  mutable std::mutex mutex_;
  Sessions sessions_;                          // by the client's id
  std::map<std::int64_t, std::size_t> owned_;  // sessions by account
};

SessionWriter::~SessionWriter() { table_.release(name_, std::move(stage_), over_); }

Result<void> SessionWriter::append(Bytes bytes) {
  if (!stage_) return unknown();
  const std::uint64_t size = stage_->size() + bytes.size();
  if (table_.limits_.blob_bytes != 0 && size > table_.limits_.blob_bytes)
    return Error{Errc::too_large, fmt::format("a blob may have at most {} bytes", table_.limits_.blob_bytes)};
  if (size > allowed_) {
    const std::string stage = name_.render();
    stage_.reset();
    over_ = true;
    if (auto discarded = table_.store_.discard(stage); !discarded) return discarded;
    return Error{Errc::quota_exceeded,
                 fmt::format("the namespace of {} has room for {} bytes more; the upload has been dropped",
                             repository_.name.render(), allowed_)};
  }
  return stage_->append(bytes);
}

Result<void> SessionWriter::finish(const oci::Digest& digest, const Context& context) {
  if (!stage_) return unknown();
  const std::uint64_t size = stage_->size();
  auto committed = table_.store_.commit(std::move(stage_), digest);
  if (!committed) {
    // Content that is not what it should be is gone; after anything else the client may try this step again.
    over_ = committed.error().code == Errc::digest_invalid;
    return committed;
  }
  over_ = true;
  return table_.blobs_.link(repository_, digest, size, context);
}

Result<void> UploadTable::load() {
  auto stages = store_.stages();
  if (!stages) return stages.error();
  for (const blob::StageInfo& info : *stages) {
    auto name = UploadName::parse(info.id);
    if (!name) continue;
    ++owned_[name->account];
    const std::string id = name->id;
    sessions_.emplace(id, Session{std::move(*name), nullptr, info.size, false, info.modified});
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
  if (found == sessions_.end() || found->second.name.repository != repository.id ||
      found->second.name.account != context.principal.account_id)
    return sessions_.end();
  return found;
}

void UploadTable::erase(Sessions::iterator at) {
  const auto owned = owned_.find(at->second.name.account);
  if (--owned->second == 0) owned_.erase(owned);
  sessions_.erase(at);
}

void UploadTable::release(const UploadName& name, std::unique_ptr<blob::Stage> stage, bool over) {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(name.id);
  if (found == sessions_.end()) return;
  if (over) return erase(found);
  if (stage) found->second.size = stage->size();
  found->second.stage = std::move(stage);
  found->second.busy = false;
  found->second.last_used = clock_.now();
}

Result<UploadStatus> UploadTable::start(const access::Repository& repository, oci::Algorithm algorithm,
                                        const Context& context) {
  auto name = UploadName::fresh(repository.id, context.principal.account_id, algorithm);
  {
    const std::lock_guard lock(mutex_);
    if (sessions_.size() >= limits_.sessions)
      return Error{Errc::rate_limited, "the registry has too many unfinished uploads; try again later"};
    auto& owned = owned_[name.account];
    if (owned >= limits_.sessions_per_account) {
      return Error{Errc::rate_limited,
                   fmt::format("this account has {} unfinished uploads, as many as it may have; finish or cancel some",
                               owned)};
    }
    ++owned;
    sessions_.emplace(name.id, Session{name, nullptr, 0, true, clock_.now()});
  }
  auto stage = store_.stage(name.render(), algorithm);
  if (!stage) {
    release(name, nullptr, true);
    return stage.error();
  }
  release(name, std::move(*stage), false);
  return UploadStatus{name.id, 0};
}

Result<std::uint64_t> UploadTable::allowance(const access::Repository& repository) {
  std::uint64_t allowed = std::numeric_limits<std::uint64_t>::max();
  auto looked = database_.read([&](db::Session& session) -> Result<void> {
    auto rows = session.query("SELECT quota_bytes, used_bytes FROM namespaces WHERE id = ?", {repository.namespace_id});
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
  auto allowed = allowance(repository);
  if (!allowed) return allowed.error();
  std::unique_ptr<blob::Stage> stage;
  std::optional<UploadName> name;
  {
    const std::lock_guard lock(mutex_);
    const auto found = find(repository, id, context);
    if (found == sessions_.end()) return unknown();
    if (found->second.busy)
      return Error{Errc::upload_busy, "another request is writing to this upload; wait for it to end"};
    found->second.busy = true;
    stage = std::move(found->second.stage);
    name = found->second.name;
  }
  if (!stage) {
    auto opened = store_.open_stage(name->render(), name->algorithm);
    if (!opened) {
      release(*name, nullptr, opened.error().code == Errc::upload_unknown);
      return opened.error();
    }
    stage = std::move(*opened);
  }
  return std::unique_ptr<Writer>(
      std::make_unique<SessionWriter>(*this, repository, std::move(*name), std::move(stage), *allowed));
}

Result<UploadStatus> UploadTable::status(const access::Repository& repository, std::string_view id,
                                         const Context& context) {
  const std::lock_guard lock(mutex_);
  const auto found = find(repository, id, context);
  if (found == sessions_.end()) return unknown();
  return UploadStatus{found->second.name.id, found->second.size};
}

Result<void> UploadTable::cancel(const access::Repository& repository, std::string_view id, const Context& context) {
  std::string stage;
  {
    const std::lock_guard lock(mutex_);
    const auto found = find(repository, id, context);
    if (found == sessions_.end()) return unknown();
    if (found->second.busy)
      return Error{Errc::upload_busy, "another request is writing to this upload; wait for it to end"};
    stage = found->second.name.render();
    erase(found);
  }
  return store_.discard(stage);
}

Result<std::size_t> UploadTable::sweep() {
  std::vector<std::string> expired;
  {
    const std::lock_guard lock(mutex_);
    const Time now = clock_.now();
    for (auto at = sessions_.begin(); at != sessions_.end();) {
      const auto next = std::next(at);
      Session& session = at->second;
      if (!session.busy && now - session.last_used > kKeepOpen) session.stage.reset();
      if (!session.busy && now - session.last_used > limits_.idle) {
        expired.push_back(session.name.render());
        erase(at);
      }
      at = next;
    }
  }
  for (const std::string& stage : expired)
    if (auto discarded = store_.discard(stage); !discarded && discarded.error().code != Errc::upload_unknown)
      return discarded.error();
  return expired.size();
}

}  // namespace

Result<std::unique_ptr<Uploads>> Uploads::open(blob::BlobStore& store, Blobs& blobs, db::Database& database,
                                               const Clock& clock, UploadLimits limits) {
  auto table = std::make_unique<UploadTable>(store, blobs, database, clock, limits);
  if (auto loaded = table->load(); !loaded) return loaded.error();
  return std::unique_ptr<Uploads>(std::move(table));
}

}  // namespace bulkhead::registry
