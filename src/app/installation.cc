#include "app/installation.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include <algorithm>

#include "app/key_source.h"
#include "audit/outbox.h"
#include "audit/split_journal.h"
#include "base/open_files.h"
#include "base/shown.h"

namespace bulkhead::app {
namespace {

constexpr std::size_t kOpenBlobs = 256;
constexpr std::size_t kFileThreads = 4;
// How many networks' or accounts' refusals may be told in full in a minute, were they of all kinds.
constexpr std::uint32_t kNetworksInFull = 20;
// The operator's commands are few, and wait for nobody else's work.
constexpr std::size_t kOperatorThreads = 2;
constexpr std::size_t kOperatorQueue = 256;

std::chrono::seconds seconds(config::Duration duration) {
  return std::chrono::duration_cast<std::chrono::seconds>(duration);
}

audit::Origin own_origin() {
  return {.account = {}, .credential = "operator", .address = "local", .user_agent = {}, .request_id = {}};
}

Result<Secret<>> read_password(const std::filesystem::path& path) {
  auto password = read_file(path, 4096);
  if (!password) return password.error();
  while (password->ends_with('\n') || password->ends_with('\r')) password->pop_back();
  return Secret<>(std::move(*password));
}

}  // namespace

std::string name_database(const config::Settings& settings, db::Options& options) {
  if (settings.database == "sqlite") return "sqlite:" + (settings.data / "bulkhead.db").string();
  if (!settings.database_password_file.empty())
    options.password = [path = settings.database_password_file] { return read_password(path); };
  return settings.database;
}

Installation::Installation(const config::Settings& settings, Log& log, FileDescriptor lock)
    : settings_(settings), log_(log), lock_(std::move(lock)), reserve_(settings.data, log) {}

Result<std::unique_ptr<Installation>> Installation::open(const config::Settings& settings, Log& log,
                                                         const Opening& opening) {
  const auto found = DataDirectory::look(settings);
  if (!found) return found.error();
  if (auto owned = found->check_owner(); !owned) return owned.error();
  const bool sqlite = settings.database == "sqlite";
  if (found->fresh() && opening.missing == Opening::Missing::refuse) return found->nothing_here();
  if (sqlite && !found->has_database && !found->remains.empty()) return found->database_lost(settings);
  if (auto made = make_directories(settings.data, 0700); !made) return made.error();
  if (found->empty && ::chmod(settings.data.c_str(), 0700) != 0)
    return system_error("close to other users", found->path, errno);
  if (found->open_to_readers)
    log.warning("other users may look into the data directory; close it to them",
                {{"command", "chmod 700 " + shell_quote(found->path.string())}});
  auto lock = open_file(settings.data / "lock", O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
  if (!lock) return lock.error();
  if (::flock(lock->get(), LOCK_EX | LOCK_NB) != 0)
    return Error{Errc::conflict, fmt::format("another bulkhead process is using {}", found->path.string())};
  std::unique_ptr<Installation> installation(new Installation(settings, log, std::move(*lock)));
  installation->reserve_.give_up_where_full();
  if (auto assembled = installation->assemble(opening, *found); !assembled) return assembled.error();
  return installation;
}

Result<void> Installation::open_database(const Opening& opening, const DataDirectory& found) {
  db::Options options;
  const std::string url = name_database(settings_, options);
  std::string upgraded;
  options.upgrade = [&](std::int64_t from, std::int64_t to) {
    upgraded = fmt::format(R"({{"from":{},"to":{}}})", from, to);
    return upgrade(opening, from, to);
  };
  options.regained = [this] {
    log_.warning(
        "the database was out of this server's hands for a while: what was remembered of it is forgotten");
    forget();
  };
  // Nothing is made in a database that then turns out to be the wrong one.
  options.make = opening.missing == Opening::Missing::make && found.remains.empty();
  options.alone = true;
  auto database = db::open(url, options);
  if (!database && database.error().code == Errc::not_found)
    return found.remains.empty() ? found.nothing_here() : found.database_lost(settings_);
  if (!database) return database.error();
  database_ = std::move(*database);
  if (!upgraded.empty()) {
    log_.info("the database has been brought up to this program's schema", {{"schema", upgraded}});
    if (auto recorded = record(audit::Action::schema_upgraded, upgraded); !recorded) return recorded;
  }
  auto checks = identity::KeyChecks::read(*database_, clock_);
  if (!checks) return checks.error();
  if (!checks->begun() && !found.remains.empty()) return found.database_lost(settings_);
  if (auto complete = check_contents(found); !complete) return complete;
  // Before the first key is made: what a crash leaves from here on is recognised as the beginning that it is.
  return checks->begin();
}

Result<void> Installation::record(audit::Action action, std::string detail) {
  return database_->write([&](db::Session& session) {
    return audit::record(session, {.at = clock_.now(),
                                   .action = action,
                                   .origin = own_origin(),
                                   .repository = {},
                                   .target = {},
                                   .old_digest = {},
                                   .new_digest = {},
                                   .detail = detail});
  });
}

Result<void> Installation::upgrade(const Opening& opening, std::int64_t from, std::int64_t to) {
  if (!opening.may_change)
    return Error{
        Errc::conflict,
        fmt::format("the database has the schema of an older bulkhead (version {}, and this program's "
                    "is {}). Only the start of the server brings it up to date: make a backup, for "
                    "there is no way back, and then run `bulkhead serve`",
                    from, to)};
  if (auto may = opening.may_change(); !may) return may;
  log_.info("the database is brought up to this program's schema", {{"from", from}, {"to", to}});
  return {};
}

void Installation::forget() {
  // A connection that is lost while the installation is being assembled finds some of them missing, and
  // nothing remembered yet.
  const auto each = [](auto&&... parts) {
    const auto tell = [](const auto& part) {
      if (part) part->forget_all();
    };
    (tell(parts), ...);
  };
  if (policies_) policies_->forget();
  if (facts_) facts_->forget_roles();
  each(accounts_, sessions_, access_tokens_, blobs_, manifests_);
  if (login_) login_->forget_passwords();
}

// A start would make what is missing anew, and pushes would go there.
Result<void> Installation::check_contents(const DataDirectory& found) {
  bool blobs = false;
  bool used = false;
  const auto looked = database_->read([&](db::Session& session) -> Result<void> {
    const auto row = session.query(
        "SELECT (SELECT COUNT(*) FROM (SELECT 1 FROM blobs LIMIT 1) b), "
        "(SELECT COUNT(*) FROM (SELECT 1 FROM accounts LIMIT 1) a)");
    if (!row) return row.error();
    blobs = row->at(0).integer(0) > 0;
    used = row->at(0).integer(1) > 0;
    return {};
  });
  if (!looked) return looked;
  if (blobs)
    if (auto there = found.check_holds_files("blobs"); !there) return there;
  // Each start makes one, before there is an account.
  return used ? found.check_holds_files("journal") : Result<void>();
}

namespace {

Error keys_refused(const std::filesystem::path& directory,
                   const std::vector<identity::KeyChecks::Problem>& problems) {
  std::string what;
  for (const auto& problem : problems) what += (what.empty() ? "" : "; ") + describe(problem);
  return {Errc::conflict,
          fmt::format(
              "the keys in {} are not those that this database was used with: {}. Is the disk there that has "
              "them, and does the setting `keys` name it? To go on without them, and to lose what needs "
              "them, start the server once with --accept-new-keys",
              directory.string(), what)};
}

}  // namespace

// What opens the keyring, or seals one that is plain where that may be.
Result<std::unique_ptr<crypto::KeySource>> Installation::usable_source(
    const Opening& opening, const std::filesystem::path& directory) {
  auto source = key_source(settings_);
  if (!source || !*source) return source;
  const auto plain = crypto::Keyring::plain(directory);
  if (!plain) return plain.error();
  if (!*plain) return source;
  if (!opening.may_change) {
    log_.warning(
        "the key files are plain, and the settings name what is to seal them: they stay plain until the "
        "server "
        "starts with these settings, or `bulkhead keys passphrase FILE`",
        {{"directory", directory.string()}});
    source->reset();
    return source;
  }
  if (auto may = opening.may_change(); !may) return may.error();
  const std::string kind((*source)->kind());
  if (auto recorded = record(audit::Action::keyring_protection_changed, kind); !recorded)
    return recorded.error();
  log_.warning("the key files were plain and are sealed now: from here on nothing opens them but this",
               {{"by", kind}, {"directory", directory.string()}});
  return source;
}

Result<void> Installation::open_keys(const Opening& opening) {
  const auto directory = std::filesystem::absolute(config::keys_directory(settings_)).lexically_normal();
  auto checks = identity::KeyChecks::read(*database_, clock_);
  if (!checks) return checks.error();
  const auto missing = crypto::Keyring::missing(directory);
  auto problems = checks->without(missing);
  if (!problems) return problems.error();
  if (!problems->empty() && !opening.accept_new_keys) return keys_refused(directory, *problems);
  crypto::Keyring::FirstVersions first_versions;
  for (const crypto::KeyPurpose purpose : missing) {
    const auto first = checks->first_version(purpose);
    if (!first) return first.error();
    first_versions.emplace(purpose, *first);
  }
  const auto source = usable_source(opening, directory);
  if (!source) return source.error();
  auto keyring = crypto::Keyring::open(directory, source->get(), first_versions);
  if (!keyring) return keyring.error();
  keyring_ = std::make_unique<crypto::Keyring>(std::move(*keyring));
  auto others = checks->compare(*keyring_);
  if (!others) return others.error();
  for (auto& problem : *others)
    if (std::ranges::find(missing, problem.purpose) == missing.end()) problems->push_back(std::move(problem));
  if (!problems->empty() && !opening.accept_new_keys) return keys_refused(directory, *problems);
  for (const auto& problem : *problems)
    log_.warning("a key is given up; what needs it has to be made anew",
                 {{"key", describe(problem)}, {"directory", directory.string()}});
  if (auto accepted = checks->accept(*keyring_, *problems, own_origin()); !accepted) return accepted;
  if (!keyring_->locked())
    log_.warning(
        "keys cannot be kept out of swap: the limit of locked memory is too small; raise it "
        "(LimitMEMLOCK=8M, "
        "ulimit -l 8192) or encrypt the swap");
  return {};
}

Result<void> Installation::assemble(const Opening& opening, const DataDirectory& found) {
  const config::Settings& s = settings_;
  if (auto opened = open_database(opening, found); !opened) return opened;
  if (auto opened = open_keys(opening); !opened) return opened;
  key_rotation_ =
      std::make_unique<identity::KeyRotation>(*database_, *keyring_, clock_, seconds(s.auth.token_lifetime));
  const auto returned = key_rotation_->retire_returned(own_origin());
  if (!returned) return returned.error();
  for (const auto& [purpose, version] : *returned)
    log_.warning("a retired key had come back with an older file, and is retired again",
                 {{"purpose", name(purpose)}, {"version", version}});
  hasher_ = std::make_unique<crypto::PasswordHasher>(
      *keyring_, crypto::PasswordParameters{s.auth.password_memory_kib, s.auth.password_passes});

  auto data_keys = identity::DataKeys::open(*database_, *keyring_, clock_);
  if (!data_keys) return data_keys.error();
  data_keys_ = std::move(*data_keys);
  if (const std::size_t lost = data_keys_->unreadable(); lost > 0)
    log_.warning(
        "the keyring does not open all data keys; what is sealed under those has to be entered again",
        {{"data_keys", lost}});
  auto store = blob::open_filesystem_store(s.data, s.storage.reserve_bytes);
  if (!store) return store.error();
  store_ = std::move(*store);
  verifier_ = std::make_unique<blob::Verifier>(clock_, seconds(s.storage.verify_interval));

  audit::SplitLimits evidence;
  evidence.accounts = {s.audit.segment_bytes, s.audit.journal_bytes};
  evidence.anonymous_bytes = s.audit.anonymous_bytes;
  evidence.refused_bytes = s.audit.refused_bytes;
  evidence.refusals.per_minute = s.audit.refused_per_minute;
  evidence.refusals.in_all = s.audit.refused_per_minute * kNetworksInFull;
  auto journal = audit::open_split_journal(journal_directory(), evidence, log_);
  if (!journal) return journal.error();
  journal_ = std::move(*journal);

  assemble_identity();
  if (auto kept = login_->keep_networks(*database_); !kept) return kept;
  tokens_ = std::make_unique<access::Tokens>(
      *keyring_, *accounts_, *access_tokens_, *policies_, *facts_, clock_,
      access::Tokens::Options{s.service, s.service, seconds(s.auth.token_lifetime), s.limits.cached_facts});

  blobs_ = std::make_unique<registry::Blobs>(*database_, *store_, clock_, may_keep_open(kOpenBlobs));
  auto uploads =
      registry::Uploads::open(*store_, *blobs_, *database_, clock_,
                              {s.limits.upload_sessions, s.limits.upload_sessions_per_account,
                               seconds(s.limits.upload_idle), s.limits.upload_silence, s.limits.upload_bytes},
                              [this](const oci::RepositoryName& name, const registry::Context& context) {
                                return facts_->ensure(name, context.principal, context.origin);
                              });
  if (!uploads) return uploads.error();
  uploads_ = std::move(*uploads);
  registry::Manifests::Options manifests;
  manifests.limits.bytes = s.limits.manifest_bytes;
  manifests.cached_bytes = s.limits.cached_manifests_bytes;
  manifests.sparse = s.storage.sparse_manifests;
  manifests.tags_per_repository = s.limits.tags_per_repository;
  manifests.tags_per_manifest = s.limits.tags_per_manifest;
  manifests_ = std::make_unique<registry::Manifests>(*database_, *store_, clock_, manifests);

  work_ = std::make_unique<async::FairPool>("work", s.offload.threads, s.offload.queue);
  passwords_ = std::make_unique<async::FairPool>("password", s.auth.password_hashes, s.auth.password_queue);
  files_ = std::make_unique<async::OffloadPool>("file", kFileThreads, s.offload.queue);
  operators_ = std::make_unique<async::OffloadPool>("operator", kOperatorThreads, kOperatorQueue);
  async::LaneLimits lanes;
  lanes.threads = s.outbound.waits;
  lanes.running = std::min(s.outbound.waits_per_server, s.outbound.waits);
  lanes.waiting = s.outbound.queue_per_server;
  directories_ = std::make_unique<async::LanePool>("directory", lanes);
  providers_ = std::make_unique<async::LanePool>("provider", lanes);
  // One asks, and the others are answered from what it brought.
  lanes.running = 1;
  issuers_ = std::make_unique<async::LanePool>("issuer", lanes);
  return {};
}

void Installation::finish_work() {
  work_.reset();
  passwords_.reset();
  files_.reset();
  operators_.reset();
  directories_.reset();
  providers_.reset();
  issuers_.reset();
}

api::Services Installation::services() {
  return {
      *database_,
      *accounts_,
      *login_,
      *setup_,
      *facts_,
      *tokens_,
      *blobs_,
      *uploads_,
      *manifests_,
      *verifier_,
      *journal_,
      *work_,
      *passwords_,
      *directories_,
      *providers_,
      *issuers_,
      clock_,
      log_,
      *keyring_,
      *policies_,
      *sessions_,
      *access_tokens_,
      *registry_login_,
      *leaked_,
      *organizations_,
      *members_,
      *teams_,
      *robots_,
      *invitations_,
      *mfa_,
      *totp_,
      *recovery_codes_,
      *webauthn_,
      *workload_,
      *login_providers_,
      *single_sign_on_,
      *directory_login_,
      *oidc_login_,
      *login_requests_,
      *session_refresh_,
      *unlock_,
      {started_at_, settings_.public_url, settings_.data, settings_.storage.reserve_bytes,
       settings_.limits.upload_bytes, settings_.limits.manifest_bytes, settings_.limits.tags_per_repository}};
}

}  // namespace bulkhead::app
