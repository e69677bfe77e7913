#include "identity/keys/data_keys.h"

#include <fmt/format.h>

#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "audit/outbox.h"
#include "crypto/sealing.h"
#include "identity/keys/sealed_columns.h"

namespace bulkhead::identity {
namespace {

using audit::Action;
using crypto::DataKey;
using crypto::KeyPurpose;
using SharedKey = std::shared_ptr<const DataKey>;

// A value may be on its way to its row, sealed under a key that has just gone out of use.
constexpr std::chrono::hours kOutOfUse{24};

audit::Origin own_origin() {
  return {.account = {}, .credential = "operator", .address = "local", .user_agent = {}, .request_id = {}};
}

// What a transaction sees of the table.
struct Snapshot {
  std::map<std::int64_t, SharedKey> keys;
  SharedKey current;  // the newest in use; null when the keyring opens none of those
  std::int64_t current_wrapped_by = 0;
  std::int64_t newest_wrapped_by = 0;  // of the newest in use, whether it opens or not
  bool newest_opens = false;
  std::size_t unreadable = 0;
};

Result<Snapshot> load(db::Session& session, const crypto::Keyring& keyring) {
  const auto rows =
      session.query("SELECT id, wrapped, keyring_version, retired_at FROM data_keys ORDER BY id");
  if (!rows) return rows.error();
  Snapshot seen;
  for (const db::Row& row : *rows) {
    const auto version = static_cast<std::uint32_t>(row.integer(2));
    const crypto::Key* wrapping = keyring.find(KeyPurpose::key_encryption, version);
    auto key =
        wrapping == nullptr ? std::nullopt : crypto::unwrap_data_key(*wrapping, row.integer(0), row.text(1));
    const bool in_use = row.is_null(3);
    if (in_use) {
      seen.newest_wrapped_by = version;
      seen.newest_opens = key.has_value();
    }
    if (!key) {
      ++seen.unreadable;
      continue;
    }
    auto shared = std::make_shared<const DataKey>(std::move(*key));
    seen.keys.emplace(shared->id, shared);
    if (!in_use) continue;
    seen.current = shared;
    seen.current_wrapped_by = version;
  }
  return seen;
}

// Whether values should be sealed under a data key that is not there yet. A keyring that is behind the
// database (another process has rotated) makes none as long as it can open one.
bool needs_another(const Snapshot& seen, std::uint32_t keyring_version) {
  if (seen.current == nullptr) return true;
  if (seen.newest_wrapped_by > keyring_version) return false;
  return !seen.newest_opens || seen.newest_wrapped_by < keyring_version;
}

Result<void> record(db::Session& session, const Clock& clock, Action action, std::string target,
                    std::string detail, const audit::Origin& origin) {
  return audit::record(session, {.at = clock.now(),
                                 .action = action,
                                 .origin = origin,
                                 .repository = {},
                                 .target = std::move(target),
                                 .old_digest = {},
                                 .new_digest = {},
                                 .detail = std::move(detail)});
}

Result<void> make_data_key(db::Session& session, const crypto::Key& wrapping, const Clock& clock,
                           const audit::Origin& origin, Snapshot& seen) {
  const std::int64_t version = wrapping.version;
  const std::int64_t now = to_micros(clock.now());
  const auto rows = session.query(
      "INSERT INTO data_keys (wrapped, keyring_version, created_at) VALUES ('', ?, ?) RETURNING id",
      {version, now});
  if (!rows) return rows.error();
  auto key = std::make_shared<DataKey>(DataKey{rows->at(0).integer(0), crypto::LockedBytes::random(32)});
  if (const auto stored = session.execute("UPDATE data_keys SET wrapped = ? WHERE id = ?",
                                          {crypto::wrap_data_key(wrapping, *key), key->id});
      !stored)
    return stored.error();
  if (const auto others = session.execute(
          "UPDATE data_keys SET retired_at = ? WHERE id <> ? AND retired_at IS NULL", {now, key->id});
      !others)
    return others.error();
  seen.keys.emplace(key->id, key);
  seen.current = key;
  return record(session, clock, Action::data_key_created, std::to_string(key->id),
                fmt::format(R"({{"key_encryption":{}}})", version), origin);
}

std::string sealed_under(std::int64_t id) { return fmt::format("v1:{}:%", id); }

// Wraps the data keys of older versions with the current one. How many rows were looked at, which is less
// than `limit` at the end of the table.
Result<std::size_t> rewrap(db::Session& session, const crypto::Keyring& keyring, const crypto::Key& wrapping,
                           std::size_t limit, ResealProgress& progress, std::int64_t& changed) {
  const auto rows = session.query(
      "SELECT id, wrapped, keyring_version FROM data_keys WHERE id > ? AND keyring_version < ? ORDER BY id "
      "LIMIT ?",
      {progress.next.after, std::int64_t{wrapping.version}, static_cast<std::int64_t>(limit)});
  if (!rows) return rows.error();
  for (const db::Row& row : *rows) {
    const std::int64_t id = progress.next.after = row.integer(0);
    const auto* old = keyring.find(KeyPurpose::key_encryption, static_cast<std::uint32_t>(row.integer(2)));
    const auto key = old == nullptr ? std::nullopt : crypto::unwrap_data_key(*old, id, row.text(1));
    if (!key) {
      ++progress.unreadable;
      continue;
    }
    const auto stored =
        session.execute("UPDATE data_keys SET wrapped = ?, keyring_version = ? WHERE id = ?",
                        {crypto::wrap_data_key(wrapping, *key), std::int64_t{wrapping.version}, id});
    if (!stored) return stored.error();
    ++changed;
  }
  return rows->size();
}

// Seals one table's values under the current data key; counts as rewrap() does.
Result<std::size_t> reseal(db::Session& session, const SealedColumn& place, const Snapshot& seen,
                           std::size_t limit, ResealProgress& progress, std::int64_t& changed) {
  const auto rows = session.query(
      fmt::format(
          "SELECT {0}, {1} FROM {2} WHERE {0} > ? AND {1} <> '' AND {1} NOT LIKE ? ORDER BY {0} LIMIT ?",
          place.key, place.column, place.table),
      {progress.next.after, sealed_under(seen.current->id), static_cast<std::int64_t>(limit)});
  if (!rows) return rows.error();
  for (const db::Row& row : *rows) {
    const std::int64_t id = progress.next.after = row.integer(0);
    const crypto::SealContext where{place.table, id, place.column};
    const auto key = seen.keys.find(crypto::data_key_of(row.text(1)).value_or(0));
    const auto plain = key == seen.keys.end() ? Result<Secret<>>(Error{Errc::corrupt, "no key"})
                                              : crypto::open_value(*key->second, where, row.text(1));
    if (!plain) {
      ++progress.unreadable;
      continue;
    }
    const auto sealed = crypto::seal_value(*seen.current, where, *plain);
    if (!sealed) return sealed.error();
    const auto stored = session.execute(
        fmt::format("UPDATE {} SET {} = ? WHERE {} = ?", place.table, place.column, place.key),
        {*sealed, id});
    if (!stored) return stored.error();
    ++changed;
  }
  return rows->size();
}

// Those sealed under this data key, or under others.
Result<std::int64_t> count_values(db::Session& session, const SealedColumn& place, std::string_view like,
                                  std::int64_t id) {
  const auto rows = session.query(
      fmt::format("SELECT COUNT(*) FROM {0} WHERE {1} <> '' AND {1} {2} ?", place.table, place.column, like),
      {sealed_under(id)});
  if (!rows) return rows.error();
  return rows->at(0).integer(0);
}

}  // namespace

struct DataKeys::State {
  db::Database& database;
  const crypto::Keyring& keyring;
  const Clock& clock;
  mutable std::mutex mutex;  // guards what follows
  std::map<std::int64_t, SharedKey> keys;
  SharedKey current;
  std::size_t unreadable = 0;

  // Two that read at once may come here in either order: keys only come, and the newest stays current.
  void take_in(const Snapshot& seen) {
    const std::lock_guard lock(mutex);
    for (const auto& [id, key] : seen.keys) keys.emplace(id, key);
    if (seen.current && (!current || seen.current->id > current->id)) current = keys.at(seen.current->id);
    unreadable = seen.unreadable;
  }

  SharedKey find(std::int64_t id) const {
    const std::lock_guard lock(mutex);
    const auto found = keys.find(id);
    return found == keys.end() ? nullptr : found->second;
  }

  // Loads, and makes the data key that is missing.
  Result<Snapshot> prepare(db::Session& session, const audit::Origin& origin) const {
    auto seen = load(session, keyring);
    if (!seen) return seen;
    const crypto::Key& wrapping = keyring.current(KeyPurpose::key_encryption);
    if (needs_another(*seen, wrapping.version))
      if (auto made = make_data_key(session, wrapping, clock, origin, *seen); !made) return made.error();
    return seen;
  }
};

DataKeys::DataKeys(std::unique_ptr<State> state) : state_(std::move(state)) {}
DataKeys::~DataKeys() = default;

Result<std::unique_ptr<DataKeys>> DataKeys::open(db::Database& database, const crypto::Keyring& keyring,
                                                 const Clock& clock) {
  std::unique_ptr<DataKeys> keys(
      new DataKeys(std::unique_ptr<State>(new State{database, keyring, clock, {}, {}, {}, 0})));
  Snapshot seen;
  const auto done = database.write([&](db::Session& session) -> Result<void> {
    auto prepared = keys->state_->prepare(session, own_origin());
    if (!prepared) return prepared.error();
    seen = *std::move(prepared);
    return {};
  });
  if (!done) return done.error();
  keys->state_->take_in(seen);
  return keys;
}

Result<std::string> DataKeys::seal(const crypto::SealContext& where, const Secret<>& plain) {
  SharedKey key;
  {
    const std::lock_guard lock(state_->mutex);
    key = state_->current;
  }
  return crypto::seal_value(*key, where, plain);
}

Result<Secret<>> DataKeys::open(const crypto::SealContext& where, std::string_view sealed) {
  const auto id = crypto::data_key_of(sealed);
  if (!id) return Error{Errc::corrupt, fmt::format("{} holds no sealed value", crypto::describe(where))};
  auto key = state_->find(*id);
  if (key == nullptr) {
    if (auto refreshed = refresh(); !refreshed) return refreshed.error();
    key = state_->find(*id);
  }
  if (key == nullptr)
    return Error{Errc::corrupt,
                 fmt::format("{} is sealed under data key {}, which the keyring does not open: "
                             "it has to be entered again",
                             crypto::describe(where), *id)};
  return crypto::open_value(*key, where, sealed);
}

Result<ResealProgress> DataKeys::advance(const ResealCursor& from, std::size_t batch,
                                         const audit::Origin& origin) {
  ResealProgress progress;
  Snapshot seen;
  const auto done = state_->database.write([&](db::Session& session) -> Result<void> {
    progress = ResealProgress{from, 0, 0, false};
    const crypto::Key& wrapping = state_->keyring.current(KeyPurpose::key_encryption);
    auto prepared = state_->prepare(session, origin);
    if (!prepared) return prepared.error();
    seen = *std::move(prepared);
    for (std::size_t room = batch; room > 0 && !progress.finished;) {
      const auto stage = static_cast<std::size_t>(progress.next.stage);
      std::int64_t changed = 0;
      if (stage > kSealedColumns.size()) {
        progress.finished = true;
        break;
      }
      const auto looked = stage == 0
                              ? rewrap(session, state_->keyring, wrapping, room, progress, changed)
                              : reseal(session, kSealedColumns.at(stage - 1), seen, room, progress, changed);
      if (!looked) return looked.error();
      if (changed > 0) {
        const auto table = stage == 0 ? std::string_view("data_keys") : kSealedColumns.at(stage - 1).table;
        if (auto recorded = record(session, state_->clock, Action::secrets_resealed, std::string(table),
                                   fmt::format(R"({{"changed":{}}})", changed), origin);
            !recorded)
          return recorded.error();
      }
      progress.changed += changed;
      if (*looked < room) progress.next = {progress.next.stage + 1, 0};
      room -= *looked;
    }
    return {};
  });
  if (!done) return done.error();
  state_->take_in(seen);
  return progress;
}

Result<DataKeys::Left> DataKeys::left() {
  Left left;
  // What another process has made is not lost.
  if (auto refreshed = refresh(); !refreshed) return refreshed.error();
  const auto done = state_->database.read([&](db::Session& session) -> Result<void> {
    left = {};
    const std::int64_t version = state_->keyring.current(KeyPurpose::key_encryption).version;
    const auto keys = session.query("SELECT id, keyring_version FROM data_keys");
    if (!keys) return keys.error();
    std::vector<std::int64_t> lost;
    for (const db::Row& key : *keys) {
      if (state_->find(key.integer(0)) == nullptr)
        lost.push_back(key.integer(0));
      else if (key.integer(1) < version)
        ++left.data_keys;
    }
    const auto newest = session.query("SELECT COALESCE(MAX(id), 0) FROM data_keys WHERE retired_at IS NULL");
    if (!newest) return newest.error();
    for (const SealedColumn& place : kSealedColumns) {
      const auto others = count_values(session, place, "NOT LIKE", newest->at(0).integer(0));
      if (!others) return others.error();
      left.values += *others;
      for (const std::int64_t id : lost) {
        const auto of_lost = count_values(session, place, "LIKE", id);
        if (!of_lost) return of_lost.error();
        left.values -= *of_lost;
        left.lost_values += *of_lost;
      }
    }
    return {};
  });
  if (!done) return done.error();
  return left;
}

Result<std::int64_t> DataKeys::remove_unneeded(const audit::Origin& origin) {
  std::vector<std::int64_t> removed;
  const auto done = state_->database.write([&](db::Session& session) -> Result<void> {
    removed.clear();
    const auto old = session.query("SELECT id FROM data_keys WHERE retired_at <= ? ORDER BY id",
                                   {to_micros(state_->clock.now() - kOutOfUse)});
    if (!old) return old.error();
    for (const db::Row& row : *old) {
      const std::int64_t id = row.integer(0);
      bool needed = false;
      for (const SealedColumn& place : kSealedColumns) {
        const auto rows =
            session.query(fmt::format("SELECT 1 FROM {} WHERE {} LIKE ? LIMIT 1", place.table, place.column),
                          {sealed_under(id)});
        if (!rows) return rows.error();
        needed = needed || !rows->empty();
      }
      if (needed) continue;
      if (const auto gone = session.execute("DELETE FROM data_keys WHERE id = ?", {id}); !gone)
        return gone.error();
      if (auto recorded = record(session, state_->clock, Action::key_retired, "data-key",
                                 fmt::format(R"({{"version":{}}})", id), origin);
          !recorded)
        return recorded;
      removed.push_back(id);
    }
    return {};
  });
  if (!done) return done.error();
  const std::lock_guard lock(state_->mutex);
  for (const std::int64_t id : removed) state_->keys.erase(id);
  return static_cast<std::int64_t>(removed.size());
}

Result<void> DataKeys::refresh() {
  Snapshot seen;
  const auto done = state_->database.read([&](db::Session& session) -> Result<void> {
    auto loaded = load(session, state_->keyring);
    if (!loaded) return loaded.error();
    seen = *std::move(loaded);
    return {};
  });
  if (!done) return done.error();
  state_->take_in(seen);
  return {};
}

std::size_t DataKeys::unreadable() const {
  const std::lock_guard lock(state_->mutex);
  return state_->unreadable;
}

}  // namespace bulkhead::identity
