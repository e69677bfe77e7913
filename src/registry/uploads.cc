#include "registry/uploads.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "access/roles.h"
#include "audit/outbox.h"
#include "identity/people/account.h"
#include "registry/links.h"
#include "registry/upload_name.h"
#include "registry/upload_room.h"
#include "registry/upload_table.h"
#include "registry/upload_writer.h"

namespace bulkhead::registry {
namespace {

class UploadSessions final : public Uploads {
 public:
  UploadSessions(blob::BlobStore& store, Blobs& blobs, db::Database& database, const Clock& clock,
                 UploadLimits limits, MakeRepository make)
      : store_(store),
        blobs_(blobs),
        database_(database),
        clock_(clock),
        limits_(limits),
        make_(std::move(make)),
        room_(database),
        table_(room_, clock, limits_) {}

  Result<void> load();

  Result<UploadStatus> start(const access::Repository& repository, oci::Algorithm algorithm,
                             const Context& context) override;
  Result<std::unique_ptr<Writer>> acquire(const access::Repository& repository, std::string_view id,
                                          const Context& context, const oci::Digest* digest) override;
  Result<UploadStatus> status(const access::Repository& repository, std::string_view id,
                              const Context& context) override;
  Result<void> cancel(const access::Repository& repository, std::string_view id,
                      const Context& context) override;
  Result<std::vector<UploadInfo>> list(const access::Repository& repository, std::string_view after,
                                       std::size_t limit) override;
  Result<UploadInfo> find(const access::Repository& repository, std::string_view id) override;
  Result<void> end(const access::Repository& repository, std::string_view id,
                   const audit::Origin& origin) override;
  Result<std::size_t> sweep() override;
  std::size_t count() const override { return table_.count(); }

 private:
  // The first that cannot be removed; it does not save the others, and the next process finds it again.
  Result<void> discard(const std::vector<std::string>& stages);
  Result<std::vector<UploadInfo>> describe(const std::vector<UploadTable::Session>& sessions);
  // How long the blob is, where the repository has it.
  Result<std::optional<std::uint64_t>> known_size(const access::Repository& repository,
                                                  const oci::Digest* digest);

  blob::BlobStore& store_;
  Blobs& blobs_;
  db::Database& database_;
  const Clock& clock_;
  const UploadLimits limits_;
  const MakeRepository make_;
  UploadRoom room_;
  UploadTable table_;
  std::mutex mutex_;
  std::vector<blob::StageInfo> strays_;  // stages of an earlier process that are nobody's session
};

// Lets the session go again unless a writer has come of it.
class Turn {
 public:
  Turn(UploadTable& table, std::string id, std::shared_ptr<UploadTurn> turn)
      : table_(table), id_(std::move(id)), turn_(std::move(turn)) {}
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() {
    if (!kept_) table_.release(id_, turn_.get());
  }
  void keep() { kept_ = true; }

 private:
  UploadTable& table_;
  const std::string id_;
  const std::shared_ptr<UploadTurn> turn_;
  bool kept_ = false;
};

Result<void> UploadSessions::load() {
  auto stages = store_.stages();
  if (!stages) return stages.error();
  std::vector<UploadTable::Session> found;
  for (blob::StageInfo& info : *stages) {
    if (auto name = UploadName::parse(info.id))
      found.push_back({*std::move(name), {}, 0, info.size, 0, info.modified, nullptr});
    else
      strays_.push_back(std::move(info));
  }
  auto looked = database_.read([&](db::Session& session) -> Result<void> {
    for (UploadTable::Session& each : found) {
      const auto rows =
          session.query("SELECT namespace_id FROM repositories WHERE id = ?", {each.name.repository});
      if (!rows) return rows.error();
      each.namespace_id = rows->empty() ? 0 : rows->front().integer(0);
      const auto names = session.query("SELECT name FROM accounts WHERE id = ?", {each.name.account});
      if (!names) return names.error();
      if (!names->empty()) each.sharer = identity::sharer(names->front().text(0));
    }
    return {};
  });
  if (!looked) return looked;
  for (UploadTable::Session& each : found) table_.add(std::move(each));
  return {};
}

Result<void> UploadSessions::discard(const std::vector<std::string>& stages) {
  Result<void> failure;
  for (const std::string& stage : stages)
    if (auto discarded = store_.discard(stage); !discarded && discarded.error().code != Errc::upload_unknown)
      if (failure) failure = discarded;
  return failure;
}

Result<UploadStatus> UploadSessions::start(const access::Repository& repository, oci::Algorithm algorithm,
                                           const Context& context) {
  const auto name = UploadName::fresh(repository.id, context.principal.account_id, algorithm);
  const auto turn = std::make_shared<UploadTurn>();
  std::vector<std::string> given_up;
  const auto entered = table_.enter(name, context.principal.account, repository.namespace_id, turn, given_up);
  // Bytes that cannot be removed now are when the server next starts.
  static_cast<void>(discard(given_up));
  if (!entered) return entered.error();
  const Turn held(table_, name.id, turn);
  const auto stage = store_.stage(name.render(), algorithm);
  if (!stage) table_.end(name.id, turn.get());
  if (!stage) return stage.error();
  return UploadStatus{name.id, 0};
}

Result<std::optional<std::uint64_t>> UploadSessions::known_size(const access::Repository& repository,
                                                                const oci::Digest* digest) {
  std::optional<std::uint64_t> size;
  if (digest == nullptr) return size;
  auto looked = database_.read([&](db::Session& session) -> Result<void> {
    const auto counted = counted_size(session, repository.id, *digest);
    if (!counted) return counted.error();
    size = *counted;
    return {};
  });
  if (!looked) return looked.error();
  return size;
}

Result<std::unique_ptr<Uploads::Writer>> UploadSessions::acquire(const access::Repository& repository,
                                                                 std::string_view id, const Context& context,
                                                                 const oci::Digest* digest) {
  const auto view = room_.look(repository.namespace_id);
  if (!view) return view.error();
  std::optional<std::uint64_t> again;
  if (view->quota) {
    const auto known = known_size(repository, digest);
    if (!known) return known.error();
    again = *known;
  }
  const auto turn = std::make_shared<UploadTurn>();
  const auto session = table_.seize(repository, id, context.principal.account_id, turn);
  if (!session) return session.error();
  Turn held(table_, session->name.id, turn);
  auto stage = store_.open_stage(session->name.render(), session->name.algorithm);
  if (!stage && stage.error().code == Errc::upload_unknown) {
    table_.end(session->name.id, turn.get());
    return Error{Errc::upload_unknown, "there is no such upload; begin again with a POST"};
  }
  if (!stage) return stage.error();
  {
    const std::lock_guard at_work(turn->mutex);
    turn->stage = *std::move(stage);
  }
  auto writer =
      std::make_unique<UploadWriter>(UploadWriter::Shared{store_, blobs_, room_, table_, limits_, make_},
                                     *session, turn, repository, *view, again);
  held.keep();
  return std::unique_ptr<Writer>(std::move(writer));
}

Result<UploadStatus> UploadSessions::status(const access::Repository& repository, std::string_view id,
                                            const Context& context) {
  const auto session = table_.look(repository, id, context.principal.account_id);
  if (!session) return session.error();
  return UploadStatus{session->name.id, session->size};
}

Result<void> UploadSessions::cancel(const access::Repository& repository, std::string_view id,
                                    const Context& context) {
  const auto turn = std::make_shared<UploadTurn>();
  const auto session = table_.seize(repository, id, context.principal.account_id, turn);
  if (!session) return session.error();
  table_.end(session->name.id, turn.get());
  // Its bytes may have gone before, by an error of the disk's.
  return discard({session->name.render()});
}

// With the names of the accounts, which may have been renamed.
Result<std::vector<UploadInfo>> UploadSessions::describe(const std::vector<UploadTable::Session>& sessions) {
  std::map<std::int64_t, std::string> names;
  const auto looked = database_.read([&](db::Session& session) -> Result<void> {
    names.clear();
    for (const UploadTable::Session& each : sessions) {
      if (names.contains(each.name.account)) continue;
      const auto rows = session.query("SELECT name FROM accounts WHERE id = ?", {each.name.account});
      if (!rows) return rows.error();
      names[each.name.account] = rows->empty() ? std::string() : rows->front().text(0);
    }
    return {};
  });
  if (!looked) return looked.error();
  std::vector<UploadInfo> out;
  for (const UploadTable::Session& each : sessions)
    out.push_back({each.name.id, names[each.name.account], each.size, each.last_used});
  return out;
}

Result<std::vector<UploadInfo>> UploadSessions::list(const access::Repository& repository,
                                                     std::string_view after, std::size_t limit) {
  return describe(table_.list(repository, after, limit));
}

Result<UploadInfo> UploadSessions::find(const access::Repository& repository, std::string_view id) {
  const auto session = table_.look(repository, id, std::nullopt);
  if (!session) return session.error();
  const auto described = describe({*session});
  if (!described) return described.error();
  return described->front();
}

Result<void> UploadSessions::end(const access::Repository& repository, std::string_view id,
                                 const audit::Origin& origin) {
  const auto turn = std::make_shared<UploadTurn>();
  const auto session = table_.seize(repository, id, std::nullopt, turn);
  if (!session) return session.error();
  const Turn held(table_, session->name.id, turn);
  const auto described = describe({*session});
  if (!described) return described.error();
  const UploadInfo& info = described->front();
  // The evidence first: a stage that is there without a session is one again after a restart.
  auto recorded = database_.write([&](db::Session& written) -> Result<void> {
    return audit::record(
        written, {.at = clock_.now(),
                  .action = audit::Action::upload_cancelled,
                  .origin = origin,
                  .repository = repository.name.render(),
                  .target = info.id,
                  .old_digest = {},
                  .new_digest = {},
                  .detail = fmt::format(R"({{"account":"{}","bytes":{}}})", info.account, info.size)});
  });
  if (!recorded) return recorded;
  table_.end(session->name.id, turn.get());
  return discard({session->name.render()});
}

Result<std::size_t> UploadSessions::sweep() {
  const Time now = clock_.now();
  std::vector<std::string> expired = table_.expire();
  const std::size_t sessions = expired.size();
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(strays_, [&](const blob::StageInfo& stray) {
      const bool idle = now - stray.modified > limits_.idle;
      if (idle) expired.push_back(stray.id);
      return idle;
    });
  }
  if (auto discarded = discard(expired); !discarded) return discarded.error();
  if (auto swept = blobs_.sweep(); !swept) return swept.error();
  return sessions;
}

}  // namespace

Result<std::unique_ptr<Uploads>> Uploads::open(blob::BlobStore& store, Blobs& blobs, db::Database& database,
                                               const Clock& clock, UploadLimits limits, MakeRepository make) {
  auto sessions = std::make_unique<UploadSessions>(store, blobs, database, clock, limits, std::move(make));
  if (auto loaded = sessions->load(); !loaded) return loaded.error();
  return std::unique_ptr<Uploads>(std::move(sessions));
}

}  // namespace bulkhead::registry
