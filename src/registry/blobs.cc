#include "registry/blobs.h"

#include <fmt/format.h>

#include "access/roles.h"
#include "audit/outbox.h"
#include "base/exact_cache.h"
#include "registry/content_event.h"
#include "registry/keys.h"
#include "registry/links.h"
#include "registry/reach.h"
#include "registry/releases.h"

namespace bulkhead::registry {
namespace {

Error unknown(const access::Repository& repository, const oci::Digest& digest) {
  return {Errc::blob_unknown, fmt::format("{} has no blob {}", repository.name.render(), digest.render())};
}

}  // namespace

struct Blobs::State {
  State(db::Database& db, blob::BlobStore& blobs, const Clock& time, std::size_t cached)
      : database(db), store(blobs), clock(time), open(cached) {}

  db::Database& database;
  blob::BlobStore& store;
  const Clock& clock;
  ExactCache<BlobKey, std::shared_ptr<const BlobHandle>, KeyHash> open;
};

Blobs::Blobs(db::Database& database, blob::BlobStore& store, const Clock& clock, std::size_t cached)
    : state_(std::make_unique<State>(database, store, clock, cached)) {}

Blobs::~Blobs() = default;

std::shared_ptr<const BlobHandle> Blobs::peek(const access::Repository& repository,
                                              const oci::Digest& digest) const {
  return state_->open.find(BlobKey{repository.id, digest}).value_or(nullptr);
}

void Blobs::forget_all() { state_->open.forget_all(); }

Result<std::shared_ptr<const BlobHandle>> Blobs::find(const access::Repository& repository,
                                                      const oci::Digest& digest) {
  const auto ticket = state_->open.begin();
  std::optional<std::uint64_t> size;
  auto looked = state_->database.read([&](db::Session& session) -> Result<void> {
    const auto linked = linked_size(session, repository.id, digest);
    if (!linked) return linked.error();
    size = *linked;
    return {};
  });
  if (!looked) return looked.error();
  if (!size) return unknown(repository, digest);
  auto reader = state_->store.open(digest);
  // The database says that it is here: its absence is damage, not a wrong question.
  if (!reader && reader.error().code == Errc::blob_unknown)
    return Error{Errc::corrupt, fmt::format("the stored bytes of {} are missing", digest.render())};
  if (!reader) return reader.error();
  // Its size is told before its bytes are hashed.
  if ((*reader)->size() != *size)
    return Error{Errc::corrupt, fmt::format("{} is stored with {} bytes and should have {}", digest.render(),
                                            (*reader)->size(), *size)};
  auto handle = std::make_shared<const BlobHandle>(BlobHandle{digest, std::move(*reader)});
  state_->open.put(ticket, BlobKey{repository.id, digest}, handle);
  return handle;
}

Result<bool> Blobs::mount(const access::Repository& target, const access::Repository& source,
                          const oci::Digest& digest, const Context& context) {
  bool mounted = false;
  auto done = state_->database.write([&](db::Session& session) -> Result<void> {
    mounted = false;
    const Time now = state_->clock.now();
    if (auto may = access::check_still_may(session, context.principal, access::Action::push, target.id, now);
        !may)
      return may;
    // A source that may not be read any more is like one that has it not.
    if (auto may = access::check_still_may(session, context.principal, access::Action::pull, source.id, now);
        !may) {
      if (may.error().code == Errc::denied || may.error().code == Errc::name_unknown) return {};
      return may;
    }
    auto size = linked_size(session, source.id, digest);
    if (!size) return size.error();
    if (!*size) return {};
    auto linked = link_blob(session, target, digest, **size, now);
    if (!linked) return linked.error();
    mounted = true;
    if (!*linked) return {};
    audit::Event event = content_event(audit::Action::blob_mounted, target, digest.render(), context, now);
    event.new_digest = digest.render();
    event.detail = "from " + source.name.render();
    return audit::record(session, event);
  });
  if (!done) return done.error();
  return mounted;
}

Result<std::optional<access::Repository>> Blobs::find_anywhere(
    const oci::Digest& digest, const std::function<bool(std::string_view repository)>& covered,
    const Context& context) {
  std::optional<access::Repository> source;
  auto looked = state_->database.read([&](db::Session& session) -> Result<void> {
    source.reset();
    const access::Readable readable = access::readable_by(context.principal);
    auto parameters = readable.with_parameters;
    parameters.emplace_back(digest.render());
    parameters.insert(parameters.end(), readable.where_parameters.begin(), readable.where_parameters.end());
    parameters.emplace_back(kMountCandidates);
    auto rows = session.query(
        fmt::format(
            "{} SELECT r.id, r.namespace_id, r.name, r.visibility, COALESCE(n.organization_id, 0) "
            "FROM repository_blobs b "
            "JOIN repositories r ON r.id = b.repository_id JOIN namespaces n ON n.id = r.namespace_id "
            "WHERE b.digest = ? AND {} ORDER BY r.id LIMIT ?",
            readable.with, readable.where),
        parameters);
    if (!rows) return rows.error();
    auto row = rows->begin();
    for (; row != rows->end(); ++row) {
      if (!covered(row->text(2)) ||
          !access::within_ceiling(context.principal, access::Action::pull, row->integer(1), row->integer(0)))
        continue;
      if (row->text(3) == "public") break;
      const auto admitted = access::admitted(session, context.principal, row->integer(4));
      if (!admitted) return admitted.error();
      if (*admitted) break;
    }
    if (row == rows->end()) return {};
    auto name = oci::RepositoryName::parse(row->text(2));
    if (!name) return name.error();
    source.emplace(access::Repository{row->integer(0), row->integer(1), row->integer(4), std::move(*name),
                                      access::Visibility::private_, ""});
    return {};
  });
  if (!looked) return looked.error();
  return source;
}

Result<std::int64_t> Blobs::reserve(const access::Repository& repository, const oci::Digest& digest,
                                    std::uint64_t size, const Context& context) {
  std::int64_t reservation = 0;
  bool needed = false;
  // Most namespaces have no quota, and what is linked is counted already: no write for those.
  auto looked = state_->database.read([&](db::Session& session) -> Result<void> {
    if (auto may = access::check_still_may(session, context.principal, access::Action::push, repository.id,
                                           state_->clock.now());
        !may)
      return may;
    const auto linked = counted_size(session, repository.id, digest);
    if (!linked) return linked.error();
    const auto quota = has_quota(session, repository);
    if (!quota) return quota.error();
    needed = !*linked && *quota;
    return {};
  });
  if (!looked) return looked.error();
  if (!needed) return reservation;
  std::vector<BlobKey> gone;
  auto reserved = state_->database.write([&](db::Session& session) -> Result<void> {
    gone.clear();
    auto made = reserve_room(session, repository, size, state_->clock.now());
    if (!made) return made.error();
    reservation = *made;
    // The reservation is in the use already.
    auto unlinked = unlink_for(session, repository, 0, state_->clock.now());
    if (!unlinked) return unlinked.error();
    gone = *std::move(unlinked);
    return {};
  });
  for (const BlobKey& key : gone) state_->open.forget(key);
  if (!reserved) return reserved.error();
  return reservation;
}

Result<void> Blobs::cancel(std::int64_t reservation) {
  if (reservation == 0) return {};
  return state_->database.write([&](db::Session& session) -> Result<void> {
    auto ended = end_reservation(session, reservation);
    if (!ended) return ended.error();
    return {};
  });
}

Result<void> Blobs::sweep() {
  const Time now = state_->clock.now();
  std::vector<BlobKey> gone;
  auto swept = state_->database.write([&](db::Session& session) -> Result<void> {
    gone.clear();
    auto unlinked = unlink_released(session, now - kReleasedLife, now);
    if (!unlinked) return unlinked.error();
    gone = *std::move(unlinked);
    return end_old_reservations(session, now);
  });
  for (const BlobKey& key : gone) state_->open.forget(key);
  return swept;
}

Result<void> Blobs::link(const access::Repository& repository, const oci::Digest& digest, std::uint64_t size,
                         const Context& context, std::int64_t reservation) {
  auto linked_now = state_->database.write([&](db::Session& session) -> Result<void> {
    const Time now = state_->clock.now();
    if (auto may =
            access::check_still_may(session, context.principal, access::Action::push, repository.id, now);
        !may)
      return may;
    bool reserved = false;
    if (reservation != 0) {
      const auto ended = end_reservation(session, reservation);
      if (!ended) return ended.error();
      reserved = *ended;
    }
    if (auto noted = note_stored(session, digest, size, now); !noted) return noted;
    auto linked = link_blob(session, repository, digest, size, now, reserved);
    if (!linked) return linked.error();
    if (!*linked) return {};
    audit::Event event = content_event(audit::Action::blob_pushed, repository, digest.render(), context, now);
    event.new_digest = digest.render();
    return audit::record(session, event);
  });
  // The bytes have just been written anew: a reader of an older copy, which may have rotted, has had its day.
  state_->open.forget(BlobKey{repository.id, digest});
  return linked_now;
}

Result<void> Blobs::remove(const access::Repository& repository, const oci::Digest& digest,
                           const Context& context) {
  const auto work = [&](db::Session& session) -> Result<void> {
    if (auto may = access::check_still_may(session, context.principal, access::Action::remove, repository.id,
                                           state_->clock.now());
        !may)
      return may;
    auto unlinked = unlink_blob(session, repository, digest);
    if (!unlinked) return unlinked.error();
    if (!*unlinked) return unknown(repository, digest);
    if (auto met = check_condition(context, &digest); !met) return met;
    audit::Event event =
        content_event(audit::Action::blob_deleted, repository, digest.render(), context, state_->clock.now());
    event.old_digest = digest.render();
    return audit::record(session, event);
  };
  auto removed =
      remove_unheld(state_->database, state_->store,
                    {repository, digest, context, "repository_blobs", unknown(repository, digest)}, {}, work);
  state_->open.forget(BlobKey{repository.id, digest});
  return removed;
}

}  // namespace bulkhead::registry
