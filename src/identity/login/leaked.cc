#include "identity/login/leaked.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <utility>

#include "audit/outbox.h"
#include "base/bytes.h"
#include "crypto/hash.h"
#include "identity/login/access_token_rows.h"
#include "identity/secrets/token_format.h"
#include "identity/secrets/token_hash.h"

namespace bulkhead::identity {
namespace {

constexpr std::chrono::days kNoticeLife{30};

// One kind of credential: `find` looks for what is still in use by its hashes, and gives the id of the row
// and the account's name; `end` takes that id.
struct Kind {
  std::string_view name;
  std::string_view prefix;
  std::string_view find;
  std::string_view end;
};

constexpr std::string_view kFindToken =
    "SELECT t.id, a.name FROM access_tokens t JOIN accounts a ON a.id = t.account_id "
    "WHERE t.revoked_at IS NULL AND t.hash IN ({})";
constexpr std::string_view kEndToken = "UPDATE access_tokens SET revoked_at = ? WHERE id = ?";

constexpr std::array kKinds = {
    Kind{"access_token", kPersonalTokenPrefix, kFindToken, kEndToken},
    Kind{"access_token", kRobotTokenPrefix, kFindToken, kEndToken},
    Kind{"session", kSessionPrefix,
         "SELECT s.id, a.name FROM sessions s JOIN accounts a ON a.id = s.account_id WHERE s.hash IN ({})",
         "DELETE FROM sessions WHERE id = ?"},
    // The owner is who sent it.
    Kind{"invitation", kInvitationPrefix,
         "SELECT i.id, a.name FROM invitations i JOIN accounts a ON a.id = i.invited_by WHERE i.hash IN ({})",
         "DELETE FROM invitations WHERE id = ?"},
    Kind{"setup_token", kSetupPrefix, "SELECT id, '' FROM setup_token WHERE hash IN ({})",
         "DELETE FROM setup_token WHERE id = ?"},
};

const Kind* kind_of(std::string_view credential) {
  const auto found = std::ranges::find_if(
      kKinds, [&](const Kind& kind) { return token_is_well_formed(kind.prefix, credential); });
  return found == kKinds.end() ? nullptr : &*found;
}

struct Ended {
  const Kind* kind;
  std::int64_t id;

  friend bool operator==(const Ended&, const Ended&) = default;
};

}  // namespace

std::vector<std::string_view> find_credentials(std::string_view text, std::size_t limit) {
  std::vector<std::string_view> found;
  for (std::size_t at = text.find("bh"); at != std::string_view::npos && found.size() < limit;
       at = text.find("bh", at + 1)) {
    for (const Kind& kind : kKinds) {
      const auto candidate = text.substr(at, token_length(kind.prefix));
      if (token_is_well_formed(kind.prefix, candidate)) found.push_back(candidate);
    }
  }
  return found;
}

Result<void> Leaked::report(std::string_view text, const audit::Origin& origin) {
  std::vector<std::pair<const Kind*, std::vector<db::Value>>> credentials;
  for (const std::string_view credential : find_credentials(text, kMost)) {
    auto hashes = token_hashes(keyring_, credential);
    credentials.emplace_back(kind_of(credential), std::vector<db::Value>(hashes.begin(), hashes.end()));
  }
  if (credentials.empty()) return {};

  std::vector<Ended> ended;
  const auto find = [&](db::Session& session) -> Result<std::vector<std::pair<Ended, std::string>>> {
    std::vector<std::pair<Ended, std::string>> live;
    for (const auto& [kind, hashes] : credentials) {
      const auto rows = session.query(fmt::format(fmt::runtime(kind->find), placeholders(hashes.size())),
                                      std::span(hashes));
      if (!rows) return rows.error();
      for (const db::Row& row : *rows) live.emplace_back(Ended{kind, row.integer(0)}, row.text(1));
    }
    return live;
  };
  // A look first, so that reports of nothing, which cost their sender nothing, cost no writing either.
  bool any = false;
  const auto looked = database_.read([&](db::Session& session) -> Result<void> {
    const auto live = find(session);
    if (!live) return live.error();
    any = !live->empty();
    return {};
  });
  if (!looked || !any) return looked;

  const auto done = database_.write([&](db::Session& session) -> Result<void> {
    ended.clear();
    const auto live = find(session);
    if (!live) return live.error();
    const Time now = clock_.now();
    for (const auto& [which, account] : *live) {
      // One that stands twice in the text is one.
      if (std::ranges::find(ended, which) != ended.end()) continue;
      const auto gone = which.kind->end == kEndToken
                            ? session.execute(which.kind->end, {to_micros(now), which.id})
                            : session.execute(which.kind->end, {which.id});
      if (!gone) return gone.error();
      ended.push_back(which);
      const auto recorded = audit::record(
          session, {.at = now,
                    .action = audit::Action::credential_reported_leaked,
                    .origin = origin,
                    .repository = {},
                    .target = account,
                    .old_digest = {},
                    .new_digest = {},
                    .detail = fmt::format(R"({{"kind":"{}","id":{}}})", which.kind->name, which.id)});
      if (!recorded) return recorded.error();
    }
    return {};
  });
  for (const Ended& each : ended) {
    if (each.kind->end == kEndToken) tokens_.forget(each.id);
    if (each.kind->prefix == kSessionPrefix) sessions_.forget(each.id);
  }
  return done;
}

Result<std::vector<Leaked::Notice>> Leaked::notices(const Account& account) const {
  std::vector<Notice> notices;
  const auto done = database_.read([&](db::Session& session) -> Result<void> {
    notices.clear();
    // Events name accounts; one from before the account was made is about another of its name.
    const Time since = std::max(clock_.now() - kNoticeLife, account.created_at);
    const auto rows = session.query(
        "SELECT at, target, detail FROM events WHERE action = 'credential_reported_leaked' AND at >= ? AND "
        "target <> '' AND (target = ? OR target IN (SELECT a.name FROM robots r JOIN accounts a ON a.id = "
        "r.account_id "
        "WHERE r.organization_id IN (SELECT organization_id FROM organization_members WHERE account_id = ? "
        "AND "
        "role = 'owner') OR r.repository_id IN (SELECT id FROM repositories WHERE owner_id = ?))) "
        "ORDER BY id DESC LIMIT 20",
        {to_micros(since), account.name, account.id, account.id});
    if (!rows) return rows.error();
    for (const db::Row& row : *rows)
      notices.push_back({from_micros(row.integer(0)), row.text(1), row.text(2)});
    return {};
  });
  if (!done) return done.error();
  return notices;
}

}  // namespace bulkhead::identity
