#include "identity/keys/key_rotation.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "audit/outbox.h"
#include "identity/keys/key_checks.h"

namespace bulkhead::identity {
namespace {

using audit::Action;
using crypto::KeyPurpose;

// Clients' clocks, and requests that took the old version just before the rotation.
constexpr std::chrono::seconds kLeeway{60};
constexpr std::chrono::hours kReplaced{24};

std::string why_not(const KeyVersionInfo& info) {
  std::string needs;
  for (const KeyNeed& need : info.needed_by)
    needs += fmt::format("{}{} ({})", needs.empty() ? "" : ", ", need.what, need.count);
  return needs.empty()
             ? std::string("was replaced minutes ago, and what was made with it may still be in use")
             : "is still needed by " + needs;
}

// What ends, as the last part of an event's detail, as {"access_tokens":7}; "" for nothing.
std::string as_detail(const std::vector<KeyNeed>& ended) {
  if (ended.empty()) return {};
  std::string counts;
  for (const KeyNeed& each : ended) {
    std::string what = each.what;
    std::ranges::replace_if(
        what, [](char c) { return c == ' ' || c == '-'; }, '_');
    counts += fmt::format(R"({}"{}":{})", counts.empty() ? "" : ",", what, each.count);
  }
  return fmt::format(R"(,"ended":{{{}}})", counts);
}

}  // namespace

KeyRotation::KeyRotation(db::Database& database, crypto::Keyring& keyring, const Clock& clock,
                         std::chrono::seconds bearer_lifetime)
    : database_(database), keyring_(keyring), clock_(clock), bearer_lifetime_(bearer_lifetime) {}

Result<void> KeyRotation::record(Action action, KeyPurpose purpose, std::string detail,
                                 const audit::Origin& origin, const db::Database::Work& change) {
  return database_.write([&](db::Session& session) -> Result<void> {
    if (change)
      if (auto changed = change(session); !changed) return changed;
    return audit::record(session, {.at = clock_.now(),
                                   .action = action,
                                   .origin = origin,
                                   .repository = {},
                                   .target = std::string(name(purpose)),
                                   .old_digest = {},
                                   .new_digest = {},
                                   .detail = detail});
  });
}

Result<std::uint32_t> KeyRotation::rotate(KeyPurpose purpose, const audit::Origin& origin) {
  auto version = keyring_.rotate(purpose, clock_.now(), [&](std::uint32_t made) {
    return record(Action::key_rotated, purpose, fmt::format(R"({{"version":{}}})", made), origin);
  });
  if (!version) return version;
  // What a crash prevents here is made up for at the next start.
  if (auto learnt = learn_keys(database_, keyring_, clock_.now()); !learnt) return learnt.error();
  return version;
}

Result<void> KeyRotation::describe(db::Session& session, KeyPurpose purpose,
                                   std::vector<KeyVersionInfo>& all) const {
  const Time now = clock_.now();
  const auto versions = keyring_.versions(purpose);
  for (std::size_t i = 0; i < versions.size(); ++i) {
    auto needs = key_needs(session, purpose, versions[i].version, now);
    if (!needs) return needs.error();
    KeyVersionInfo info{.purpose = purpose,
                        .version = versions[i].version,
                        .created_at = versions[i].created_at,
                        .replaced_at = {},
                        .needed_by = *std::move(needs),
                        .may_go = false};
    if (i + 1 < versions.size()) {
      info.replaced_at = versions[i + 1].created_at;
      info.may_go = info.needed_by.empty() && now >= *info.replaced_at + bearer_lifetime_ + kLeeway;
    }
    all.push_back(std::move(info));
  }
  return {};
}

Result<std::vector<KeyVersionInfo>> KeyRotation::list() {
  std::vector<KeyVersionInfo> all;
  const auto done = database_.read([&](db::Session& session) -> Result<void> {
    all.clear();
    for (const KeyPurpose purpose : crypto::key_purposes())
      if (auto described = describe(session, purpose, all); !described) return described;
    return {};
  });
  if (!done) return done.error();
  return all;
}

Result<std::vector<KeyNeed>> KeyRotation::retire(KeyPurpose purpose, std::uint32_t version, bool force,
                                                 const audit::Origin& origin) {
  std::vector<KeyVersionInfo> all;
  const auto read = database_.read([&](db::Session& session) {
    all.clear();
    return describe(session, purpose, all);
  });
  if (!read) return read.error();
  bool needed = false;
  std::vector<KeyNeed> ended;
  for (const KeyVersionInfo& info : all) {
    if (info.version != version || info.current() || info.may_go) continue;
    needed = true;
    ended = info.needed_by;
    if (!force)
      return Error{Errc::conflict, fmt::format("version {} of {} {}; --force retires it all the same",
                                               version, name(purpose), why_not(info))};
  }
  const auto retired = keyring_.retire(purpose, version, [&](std::uint32_t gone) {
    return record(
        Action::key_retired, purpose,
        fmt::format(R"({{"version":{}{}{}}})", gone, needed ? R"(,"forced":true)" : "", as_detail(ended)),
        origin, [&](db::Session& session) { return mark_retired(session, purpose, gone); });
  });
  if (!retired) return retired.error();
  return ended;
}

Result<std::vector<KeyVersionInfo>> KeyRotation::retire_unneeded(const audit::Origin& origin) {
  const auto all = list();
  if (!all) return all.error();
  std::vector<KeyVersionInfo> gone;
  for (const KeyVersionInfo& info : *all) {
    if (!info.may_go || clock_.now() < *info.replaced_at + kReplaced) continue;
    if (auto retired = retire(info.purpose, info.version, false, origin); !retired) return retired.error();
    gone.push_back(info);
  }
  return gone;
}

Result<std::vector<KeyRotation::Returned>> KeyRotation::retire_returned(const audit::Origin& origin) {
  std::vector<Returned> retired;
  const auto read = database_.read([&](db::Session& session) -> Result<void> {
    auto found = retired_keys(session);
    if (!found) return found.error();
    retired = *std::move(found);
    return {};
  });
  if (!read) return read.error();
  std::erase_if(retired,
                [&](const Returned& each) { return keyring_.find(each.first, each.second) == nullptr; });
  for (const auto& [purpose, version] : retired) {
    // Where all later ones were given up, it would be what new values are made with.
    if (keyring_.current(purpose).version == version)
      if (auto rotated = rotate(purpose, origin); !rotated) return rotated.error();
    const auto gone = keyring_.retire(purpose, version, [&, &purpose = purpose](std::uint32_t number) {
      return record(Action::key_retired, purpose, fmt::format(R"({{"version":{},"returned":true}})", number),
                    origin, {});
    });
    // Whoever retires it just now has been quicker.
    if (!gone && gone.error().code != Errc::not_found) return gone.error();
  }
  return retired;
}

}  // namespace bulkhead::identity
