#include "identity/login/known_networks.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/subscriber_network.h"

namespace bulkhead::identity {

Result<std::vector<KnownNetworks::Known>> KnownNetworks::load(Time now) {
  std::vector<Known> known;
  const auto most = static_cast<std::int64_t>(limits_.remembered);
  const auto done = database_.read([&](db::Session& session) -> Result<void> {
    known.clear();
    const auto rows = session.query(
        "SELECT subject, network, seen_at FROM login_networks WHERE seen_at > ? ORDER BY seen_at DESC LIMIT "
        "?",
        {to_micros(now - limits_.known_for), most});
    if (!rows) return rows.error();
    for (const db::Row& row : *rows)
      if (auto network = from_hex(row.text(1)))
        known.push_back({row.text(0), *std::move(network), from_micros(row.integer(2))});
    const auto sessions = session.query(
        "SELECT a.name, s.address, s.created_at FROM sessions s JOIN accounts a ON a.id = s.account_id "
        "WHERE s.expires_at > ? AND s.credential_version = a.credential_version ORDER BY s.id DESC LIMIT ?",
        {to_micros(now), most});
    if (!sessions) return sessions.error();
    for (const db::Row& row : *sessions)
      known.push_back({row.text(0), network_of(row.text(1)), from_micros(row.integer(2))});
    return {};
  });
  if (!done) return done.error();
  std::ranges::stable_sort(known, std::less(), &Known::at);
  return known;
}

Result<void> KnownNetworks::note(std::int64_t account_id, std::string_view subject, std::string_view network,
                                 Time now) {
  const std::string name(subject);
  return database_.write([&](db::Session& session) -> Result<void> {
    const auto noted = session.execute(
        "INSERT INTO login_networks (subject, account_id, network, seen_at) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (subject, network) DO UPDATE SET account_id = excluded.account_id, "
        "seen_at = excluded.seen_at",
        {name, account_id, to_hex(as_bytes(network)), to_micros(now)});
    if (!noted) return noted.error();
    const auto trimmed = session.execute(
        "DELETE FROM login_networks WHERE seen_at < ? OR (subject = ? AND network NOT IN (SELECT network "
        "FROM "
        "login_networks WHERE subject = ? ORDER BY seen_at DESC LIMIT ?))",
        {to_micros(now - limits_.known_for), name, name, static_cast<std::int64_t>(limits_.known_networks)});
    if (!trimmed) return trimmed.error();
    return {};
  });
}

Result<void> KnownNetworks::forget(std::string_view subject) {
  return database_.write([&](db::Session& session) -> Result<void> {
    const auto gone = session.execute("DELETE FROM login_networks WHERE subject = ?", {std::string(subject)});
    if (!gone) return gone.error();
    return {};
  });
}

}  // namespace bulkhead::identity
