// Readers see an immutable table of all keys through one atomic pointer. A change makes another table and
// leaves the old ones where they are, for as long as the keyring lives: a reader may be in the middle of one,
// and there are only as many as there were rotations. So a look-up costs one load, and what it returns stays.

#include "crypto/keyring.h"

#include <fmt/format.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <limits>
#include <mutex>
#include <string>
#include <utility>

#include "crypto/key_directory.h"
#include "crypto/key_source.h"

namespace bulkhead::crypto {
namespace {

constexpr std::array kPurposes{KeyPurpose::password_pepper, KeyPurpose::token_signing, KeyPurpose::token_hash,
                               KeyPurpose::key_encryption, KeyPurpose::log_signing};

struct Entry {
  KeyVersions keys;
  std::uint64_t generation = 0;
};
using Table = std::array<Entry, kPurposes.size()>;

const KeyVersions& of(const Table& table, KeyPurpose purpose) {
  return table.at(static_cast<std::size_t>(purpose)).keys;
}
KeyVersions& of(Table& table, KeyPurpose purpose) { return table.at(static_cast<std::size_t>(purpose)).keys; }

// The master key that opens the directory's files; nothing where they are plain.
Result<std::optional<LockedBytes>> recover_master(const KeyDirectory& directory, KeySource* source) {
  const auto stored = directory.load_master();
  if (!stored) return stored.error();
  const std::string where = (directory.path() / "master.key").string();
  if (!*stored) {
    if (source == nullptr) return std::optional<LockedBytes>();
    // Another master key would open nothing, and lie in the way of the right one.
    if (directory.holds_sealed())
      return Error{
          Errc::corrupt,
          fmt::format("{} is missing, and the keys beside it are sealed under it: put it back from the "
                      "keyring's backup",
                      where)};
    auto master = LockedBytes::random(32);
    const auto line = source->protect(master);
    if (!line) return line.error();
    if (auto kept = directory.store_master(*line); !kept) return kept.error();
    return std::optional(std::move(master));
  }
  const std::string kind = (*stored)->substr(0, (*stored)->find(' '));
  if (source == nullptr)
    return Error{Errc::unavailable,
                 fmt::format("the keys in {} are sealed (by {}): name what opens them with "
                             "keys_passphrase_file or keys_pkcs11_module",
                             directory.path().string(), kind)};
  if (kind != source->kind())
    return Error{Errc::unavailable,
                 fmt::format("{} was made by {}, but the settings say {}", where, kind, source->kind())};
  auto master = source->recover(**stored);
  if (!master) return Error{master.error().code, fmt::format("{}: {}", where, master.error().message)};
  return std::optional(std::move(*master));
}

}  // namespace

std::span<const KeyPurpose> key_purposes() { return kPurposes; }

std::string_view name(KeyPurpose purpose) {
  switch (purpose) {
    case KeyPurpose::password_pepper: return "password-pepper";
    case KeyPurpose::token_signing: return "token-signing";
    case KeyPurpose::token_hash: return "token-hash";
    case KeyPurpose::key_encryption: return "key-encryption";
    case KeyPurpose::log_signing: return "log-signing";
  }
  return "unknown";
}

Result<KeyPurpose> parse_key_purpose(std::string_view text) {
  std::string known;
  for (const KeyPurpose purpose : kPurposes) {
    if (name(purpose) == text) return purpose;
    known.append(known.empty() ? "" : ", ").append(name(purpose));
  }
  return Error{Errc::invalid_argument,
               fmt::format("there are no keys for \"{}\"; there are: {}", text, known)};
}

struct Keyring::State {
  std::optional<KeyDirectory> directory;  // none: the keys are never written
  std::mutex changes;                     // guards all but `table`
  std::optional<LockedBytes> master;
  std::string signature;
  std::vector<std::unique_ptr<const Table>> tables;  // every one that ever was current
  std::atomic<const Table*> table{nullptr};

  const LockedBytes* master_key() const { return master ? &*master : nullptr; }

  // A key that was there before keeps its place in memory.
  void publish(Table next) {
    if (const Table* before = table.load()) {
      for (std::size_t i = 0; i < next.size(); ++i) {
        const Entry& old = before->at(i);
        for (auto& [version, key] : next[i].keys) {
          const auto known = old.keys.find(version);
          if (known != old.keys.end() && known->second->bytes.reveal() == key->bytes.reveal())
            key = known->second;
        }
        next[i].generation = old.generation + (next[i].keys == old.keys ? 0 : 1);
      }
    }
    tables.push_back(std::make_unique<const Table>(std::move(next)));
    table.store(tables.back().get(), std::memory_order_release);
    if (directory) signature = directory->signature();
  }

  Result<KeyFile> create(KeyPurpose purpose, const FirstVersions& first_versions) const {
    const auto named = first_versions.find(purpose);
    const std::uint32_t first = named == first_versions.end() ? 1 : named->second;
    return directory->load_or_create(purpose, master_key(), first, SystemClock().now());
  }

  // With the directory's lock held: all files, sealed where there is a master key.
  // Missing ones are made where `first_versions` are given.
  Result<Table> load(const FirstVersions* first_versions) const {
    Table loaded;
    for (const KeyPurpose purpose : kPurposes) {
      auto file = first_versions != nullptr ? create(purpose, *first_versions)
                                            : directory->load(purpose, master_key());
      if (!file) return file.error();
      of(loaded, purpose) = std::move(file->keys);
      if (master && !file->all_sealed)
        if (auto sealed = directory->store(purpose, of(loaded, purpose), master_key()); !sealed)
          return sealed.error();
    }
    return loaded;
  }

  // Changes one purpose's versions, on the disk first. `change` is given the newest state there is.
  Result<void> change(KeyPurpose purpose, const std::function<Result<void>(KeyVersions&)>& apply) {
    const std::lock_guard guard(changes);
    FileDescriptor held;
    Table next = *table.load();
    if (directory) {
      auto lock = directory->lock();
      if (!lock) return lock.error();
      held = std::move(*lock);
      auto loaded = load(nullptr);
      if (!loaded) return loaded.error();
      next = std::move(*loaded);
    }
    if (auto applied = apply(of(next, purpose)); !applied) return applied;
    if (directory)
      if (auto stored = directory->store(purpose, of(next, purpose), master_key()); !stored) return stored;
    publish(std::move(next));
    return {};
  }
};

Keyring::Keyring(std::unique_ptr<State> state) : state_(std::move(state)) {}
Keyring::Keyring(Keyring&&) noexcept = default;
Keyring& Keyring::operator=(Keyring&&) noexcept = default;
Keyring::~Keyring() = default;

std::vector<KeyPurpose> Keyring::missing(const std::filesystem::path& directory) {
  std::vector<KeyPurpose> none;
  std::error_code error;
  for (const KeyPurpose purpose : kPurposes)
    if (!std::filesystem::exists(
            std::filesystem::symlink_status(KeyDirectory::file_of(directory, purpose), error)) &&
        error.value() != EACCES)
      none.push_back(purpose);
  return none;
}

Result<bool> Keyring::plain(const std::filesystem::path& path) {
  if (missing(path).size() == kPurposes.size()) return false;
  const auto directory = KeyDirectory::open(path);
  if (!directory) return directory.error();
  const auto master = directory->load_master();
  if (!master) return master.error();
  return !*master && !directory->holds_sealed();
}

Result<Keyring> Keyring::open(const std::filesystem::path& path, KeySource* source,
                              const FirstVersions& first_versions) {
  auto directory = KeyDirectory::open(path);
  if (!directory) return directory.error();
  auto state = std::make_unique<State>();
  state->directory.emplace(std::move(*directory));
  const auto lock = state->directory->lock();
  if (!lock) return lock.error();
  state->directory->remove_leftovers();
  auto master = recover_master(*state->directory, source);
  if (!master) return master.error();
  state->master = std::move(*master);
  auto loaded = state->load(&first_versions);
  if (!loaded) return loaded.error();
  // Another process may have created a file and not yet synced its name: nothing is made with a key that a
  // power cut could take back.
  if (auto synced = state->directory->sync(); !synced) return synced.error();
  state->publish(std::move(*loaded));
  return Keyring(std::move(state));
}

Keyring Keyring::ephemeral() {
  auto state = std::make_unique<State>();
  Table table;
  for (const KeyPurpose purpose : kPurposes)
    of(table, purpose)
        .emplace(1, std::make_shared<const Key>(Key{1, LockedBytes::random(32), SystemClock().now()}));
  state->publish(std::move(table));
  return Keyring(std::move(state));
}

const Key& Keyring::current(KeyPurpose purpose) const {
  return *of(*state_->table.load(std::memory_order_acquire), purpose).rbegin()->second;
}

const Key* Keyring::find(KeyPurpose purpose, std::uint32_t version) const {
  const KeyVersions& versions = of(*state_->table.load(std::memory_order_acquire), purpose);
  const auto found = versions.find(version);
  return found == versions.end() ? nullptr : found->second.get();
}

std::uint64_t Keyring::generation(KeyPurpose purpose) const {
  return state_->table.load(std::memory_order_acquire)->at(static_cast<std::size_t>(purpose)).generation;
}

std::vector<Keyring::Version> Keyring::versions(KeyPurpose purpose) const {
  std::vector<Version> all;
  for (const auto& [version, key] : of(*state_->table.load(std::memory_order_acquire), purpose))
    all.push_back({version, key->created_at});
  return all;
}

Result<std::uint32_t> Keyring::rotate(KeyPurpose purpose, Time now, const Announce& announce) {
  std::uint32_t version = 0;
  const auto done = state_->change(purpose, [&](KeyVersions& keys) -> Result<void> {
    if (keys.rbegin()->first == std::numeric_limits<std::uint32_t>::max())
      return Error{Errc::too_large, fmt::format("{} has no version numbers left", name(purpose))};
    version = keys.rbegin()->first + 1;
    if (announce)
      if (auto announced = announce(version); !announced) return announced;
    keys.emplace(version, std::make_shared<const Key>(Key{version, LockedBytes::random(32), now}));
    return {};
  });
  if (!done) return done.error();
  return version;
}

Result<void> Keyring::retire(KeyPurpose purpose, std::uint32_t version, const Announce& announce) {
  return state_->change(purpose, [&](KeyVersions& keys) -> Result<void> {
    if (!keys.contains(version))
      return Error{Errc::not_found, fmt::format("{} has no version {}", name(purpose), version)};
    if (version == keys.rbegin()->first)
      return Error{Errc::conflict,
                   fmt::format("version {} of {} is the current one; rotate first", version, name(purpose))};
    if (announce)
      if (auto announced = announce(version); !announced) return announced;
    keys.erase(version);
    return {};
  });
}

Result<bool> Keyring::reload_if_changed() {
  if (!state_->directory) return false;
  const std::lock_guard guard(state_->changes);
  if (state_->directory->signature() == state_->signature) return false;
  const auto lock = state_->directory->lock();
  if (!lock) return lock.error();
  state_->signature = state_->directory->signature();
  auto loaded = state_->load(nullptr);
  if (!loaded) return loaded.error();
  state_->publish(std::move(*loaded));
  return true;
}

Result<void> Keyring::protect(KeySource* source) {
  if (!state_->directory) return {};
  const std::lock_guard guard(state_->changes);
  const auto lock = state_->directory->lock();
  if (!lock) return lock.error();
  auto loaded = state_->load(nullptr);
  if (!loaded) return loaded.error();
  if (source != nullptr) {
    LockedBytes fresh = state_->master ? LockedBytes() : LockedBytes::random(32);
    const auto line = source->protect(state_->master ? *state_->master : fresh);
    if (!line) return line.error();
    if (auto kept = state_->directory->store_master(*line); !kept) return kept;
    if (!state_->master) state_->master = std::move(fresh);
  }
  for (const KeyPurpose purpose : kPurposes) {
    const LockedBytes* master = source != nullptr ? state_->master_key() : nullptr;
    if (auto stored = state_->directory->store(purpose, of(*loaded, purpose), master); !stored) return stored;
  }
  if (source == nullptr) {
    if (auto removed = state_->directory->remove_master(); !removed) return removed;
    state_->master.reset();
  }
  state_->publish(std::move(*loaded));
  return {};
}

bool Keyring::is_protected() const {
  const std::lock_guard guard(state_->changes);
  return state_->master.has_value();
}

bool Keyring::locked() const {
  const std::lock_guard guard(state_->changes);
  if (state_->master && !state_->master->locked()) return false;
  for (const Entry& entry : *state_->table.load())
    for (const auto& [version, key] : entry.keys)
      if (!key->bytes.locked()) return false;
  return true;
}

}  // namespace bulkhead::crypto
