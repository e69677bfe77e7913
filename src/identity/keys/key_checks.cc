#include "identity/keys/key_checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "audit/outbox.h"
#include "base/bytes.h"
#include "crypto/hash.h"

namespace bulkhead::identity {
namespace {

using crypto::KeyPurpose;

constexpr std::size_t kCheckBytes = 16;
constexpr std::string_view kRetired = "retired ";
// Of a database that an earlier program used, which kept no list: how far up numbers are looked for.
constexpr std::uint32_t kMostUnlisted = 64;

std::string check_value(KeyPurpose purpose, const crypto::Key& key) {
  const auto whole =
      crypto::hmac_sha256(as_bytes(key.bytes.reveal()),
                          as_bytes(fmt::format("bulkhead key check v1\n{}\n{}", name(purpose), key.version)));
  return to_hex(Bytes(whole).first(kCheckBytes));
}

Result<void> forget_key(db::Session& session, KeyPurpose purpose, std::uint32_t version) {
  const auto gone = session.execute("DELETE FROM key_checks WHERE purpose = ? AND version = ?",
                                    {std::string(name(purpose)), std::int64_t{version}});
  if (!gone) return gone.error();
  return {};
}

}  // namespace

Result<KeyChecks> KeyChecks::read(db::Database& database, const Clock& clock) {
  KeyChecks checks(database, clock);
  const auto done = database.read([&](db::Session& session) -> Result<void> {
    checks.known_.clear();
    checks.last_retired_.clear();
    const auto state = session.query(
        "SELECT (SELECT COUNT(*) FROM installation), (SELECT COUNT(*) FROM data_keys), "
        "(SELECT COUNT(*) FROM accounts)");
    if (!state) return state.error();
    const db::Row& row = state->at(0);
    checks.begun_ = row.integer(0) > 0;
    checks.used_ = row.integer(1) + row.integer(2) > 0;
    const auto rows = session.query("SELECT purpose, version, check_value FROM key_checks");
    if (!rows) return rows.error();
    for (const db::Row& known : *rows) {
      const auto purpose = crypto::parse_key_purpose(known.text(0));
      if (!purpose) continue;  // of a later program
      const auto version = static_cast<std::uint32_t>(known.integer(1));
      if (known.text(2).starts_with(kRetired)) {
        std::uint32_t& last = checks.last_retired_[*purpose];
        last = std::max(last, version);
        continue;
      }
      checks.known_.emplace(std::pair(*purpose, version), known.text(2));
    }
    return {};
  });
  if (!done) return done.error();
  return checks;
}

Result<void> KeyChecks::begin() {
  if (begun_) return {};
  const auto done = database_.write([&](db::Session& session) -> Result<void> {
    const auto begun =
        session.execute("INSERT INTO installation (id, begun_at) VALUES (1, ?) ON CONFLICT (id) DO NOTHING",
                        {to_micros(clock_.now())});
    if (!begun) return begun.error();
    return {};
  });
  if (!done) return done;
  begun_ = true;
  return {};
}

Result<std::vector<KeyChecks::Problem>> KeyChecks::without(const std::vector<KeyPurpose>& missing) const {
  std::vector<Problem> problems;
  const auto done = database_.read([&](db::Session& session) -> Result<void> {
    problems.clear();
    for (const KeyPurpose purpose : missing) {
      std::vector<std::uint32_t> versions;
      for (const auto& [key, value] : known_)
        if (key.first == purpose) versions.push_back(key.second);
      // Earlier programs kept no list, and had every key from the first start on.
      if (known_.empty() && used_) versions.push_back(1);
      for (const std::uint32_t version : versions) {
        auto needs = key_needs(session, purpose, version, clock_.now());
        if (!needs) return needs.error();
        problems.push_back({purpose, version, true, *std::move(needs)});
      }
    }
    return {};
  });
  if (!done) return done.error();
  return problems;
}

Result<std::vector<KeyChecks::Problem>> KeyChecks::compare(const crypto::Keyring& keyring) const {
  std::vector<Problem> problems;
  const auto done = database_.read([&](db::Session& session) -> Result<void> {
    problems.clear();
    for (const auto& [known, value] : known_) {
      const auto& [purpose, version] = known;
      const crypto::Key* key = keyring.find(purpose, version);
      if (key != nullptr && check_value(purpose, *key) == value) continue;
      auto needs = key_needs(session, purpose, version, clock_.now());
      if (!needs) return needs.error();
      const bool retired = key == nullptr && keyring.current(purpose).version > version;
      if (retired && needs->empty()) continue;
      problems.push_back({purpose, version, key == nullptr, *std::move(needs)});
    }
    return {};
  });
  if (!done) return done.error();
  return problems;
}

Result<std::uint32_t> KeyChecks::first_version(KeyPurpose purpose) const {
  const auto retired = last_retired_.find(purpose);
  std::uint32_t highest = retired == last_retired_.end() ? 0 : retired->second;
  for (const auto& [known, value] : known_)
    if (known.first == purpose) highest = std::max(highest, known.second);
  if (known_.empty() && used_) {
    const auto done = database_.read([&](db::Session& session) -> Result<void> {
      for (std::uint32_t version = 1; version <= kMostUnlisted; ++version) {
        const auto needs = key_needs(session, purpose, version, clock_.now());
        if (!needs) return needs.error();
        if (!needs->empty()) highest = std::max(highest, version);
      }
      return {};
    });
    if (!done) return done.error();
  }
  if (highest == std::numeric_limits<std::uint32_t>::max())
    return Error{Errc::too_large, fmt::format("{} has no version numbers left", name(purpose))};
  return highest + 1;
}

Result<void> KeyChecks::accept(const crypto::Keyring& keyring, const std::vector<Problem>& problems,
                               const audit::Origin& origin) {
  const auto done = database_.write([&](db::Session& session) -> Result<void> {
    for (const Problem& problem : problems) {
      if (auto forgotten = forget_key(session, problem.purpose, problem.version); !forgotten)
        return forgotten;
      const auto recorded =
          audit::record(session, {.at = clock_.now(),
                                  .action = audit::Action::keyring_accepted,
                                  .origin = origin,
                                  .repository = {},
                                  .target = std::string(name(problem.purpose)),
                                  .old_digest = {},
                                  .new_digest = {},
                                  .detail = fmt::format(R"({{"version":{},"state":"{}"}})", problem.version,
                                                        problem.missing ? "missing" : "another")});
      if (!recorded) return recorded;
    }
    return {};
  });
  if (!done) return done;
  return learn_keys(database_, keyring, clock_.now());
}

std::string describe(const KeyChecks::Problem& problem) {
  std::string text = fmt::format("{} version {} is {}", name(problem.purpose), problem.version,
                                 problem.missing ? "missing" : "another key than before");
  for (std::size_t i = 0; i < problem.needed_by.size(); ++i)
    text += fmt::format("{}{} ({})", i == 0 ? ", needed by " : ", ", problem.needed_by[i].what,
                        problem.needed_by[i].count);
  return text;
}

Result<void> learn_keys(db::Database& database, const crypto::Keyring& keyring, Time now) {
  return database.write([&](db::Session& session) -> Result<void> {
    for (const KeyPurpose purpose : crypto::key_purposes())
      for (const auto& version : keyring.versions(purpose)) {
        const crypto::Key* key = keyring.find(purpose, version.version);
        if (key == nullptr) continue;  // retired meanwhile
        const auto learnt = session.execute(
            "INSERT INTO key_checks (purpose, version, check_value, recorded_at) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (purpose, version) DO NOTHING",
            {std::string(name(purpose)), std::int64_t{version.version}, check_value(purpose, *key),
             to_micros(now)});
        if (!learnt) return learnt.error();
      }
    return {};
  });
}

Result<void> mark_retired(db::Session& session, KeyPurpose purpose, std::uint32_t version) {
  const auto marked = session.execute(
      "UPDATE key_checks SET check_value = ? || check_value WHERE purpose = ? AND version = ? "
      "AND check_value NOT LIKE 'retired %'",
      {std::string(kRetired), std::string(name(purpose)), std::int64_t{version}});
  if (!marked) return marked.error();
  return {};
}

Result<std::vector<std::pair<KeyPurpose, std::uint32_t>>> retired_keys(db::Session& session) {
  const auto rows =
      session.query("SELECT purpose, version FROM key_checks WHERE check_value LIKE 'retired %'");
  if (!rows) return rows.error();
  std::vector<std::pair<KeyPurpose, std::uint32_t>> retired;
  for (const db::Row& row : *rows)
    if (const auto purpose = crypto::parse_key_purpose(row.text(0)))
      retired.emplace_back(*purpose, static_cast<std::uint32_t>(row.integer(1)));
  return retired;
}

}  // namespace bulkhead::identity
