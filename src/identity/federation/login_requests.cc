// A request changes hands by conditional updates: whoever finds it in the stage that a step needs takes it to
// the next one, and of two that come at once the second finds it gone. Sealed values are opened after the
// transaction that took them, since opening may read the database.

#include "identity/federation/login_requests.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <stdexcept>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/subscriber_network.h"
#include "crypto/hash.h"
#include "identity/federation/login_state.h"
#include "identity/login/access_token_rows.h"
#include "identity/secrets/token_format.h"
#include "identity/secrets/token_hash.h"
#include "oci/strict_json.h"

namespace bulkhead::identity {

struct LoginRequests::Found {
  std::int64_t id = 0;
  std::int64_t provider_id = 0;
  std::string stage;
  std::string sealed;
  std::optional<std::int64_t> account_id;
  bool device = false;
  std::string client;
  std::string address;
  Time polled_at{};
  Time created_at{};
  Time expires_at{};
};

namespace {

namespace json = boost::json;

constexpr std::size_t kClientBytes = 256;
constexpr std::size_t kSecretBytes = 32;
constexpr std::int64_t kPruned = 1000;
constexpr std::int64_t kDisplacedPart = 100;  // of all there may be
constexpr std::string_view kColumns =
    "id, provider_id, stage, sealed, account_id, device_hash, client, address, polled_at, created_at, "
    "expires_at";

Error no_state() {
  return {Errc::not_found, "this log-in was finished before, or has run out of time; begin again"};
}

Error no_code() {
  return {Errc::not_found,
          "nobody waits with this code: it was used before, has run out of time or is "
          "mistyped; compare it, or begin again on the device"};
}

// Also when an exception passes.
template <class Work>
class AtEnd {
 public:
  explicit AtEnd(Work work) : work_(std::move(work)) {}
  AtEnd(const AtEnd&) = delete;
  AtEnd& operator=(const AtEnd&) = delete;
  ~AtEnd() { work_(); }

 private:
  Work work_;
};

// A user code is short: what its hash is made of is no other secret's.
std::string hashed_code(std::string_view code) { return fmt::format("user-code:{}", code); }

LoginRequests::Journey make_journey() {
  LoginRequests::Journey journey;
  journey.state = to_base64url(as_bytes(crypto::random_bytes(kSecretBytes)));
  journey.nonce = to_base64url(as_bytes(crypto::random_bytes(kSecretBytes)));
  journey.verifier = Secret<>(to_base64url(as_bytes(crypto::random_bytes(kSecretBytes))));
  return journey;
}

std::string fingerprint_of(const Secret<>& binder) {
  return to_hex(as_bytes(crypto::hash(crypto::HashAlgorithm::sha256, as_bytes(binder.reveal()))));
}

std::string plain(std::string_view text) {
  std::string kept(text.substr(0, kClientBytes));
  std::ranges::replace_if(
      kept, [](char c) { return c < ' ' || c > '~'; }, '?');
  return kept;
}

std::string text_of(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  const json::string* text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? std::string() : std::string(text->data(), text->size());
}

Result<json::object> read_object(const Secret<>& plain_text) {
  auto value = oci::parse_strict_json(plain_text.reveal());
  if (!value || !value->is_object())
    return Error{Errc::corrupt, "a log-in under way cannot be read; begin again"};
  return std::move(value->get_object());
}

}  // namespace

LoginRequests::LoginRequests(db::Database& database, const crypto::Keyring& keyring, crypto::Sealer& sealer,
                             const Clock& clock, LoginRequestLimits limits)
    : database_(database),
      keyring_(keyring),
      sealer_(sealer),
      clock_(clock),
      limits_(limits),
      wrong_by_address_(limits.wrong_codes, limits.lifetime, limits.networks),
      wrong_by_network_(limits.wrong_codes_of_network, limits.lifetime, limits.networks) {}

Result<void> LoginRequests::make_room(db::Session& session, std::string_view network, Time now) const {
  const auto gone = session.execute(
      "DELETE FROM login_requests WHERE id IN (SELECT id FROM login_requests WHERE expires_at <= ? ORDER BY "
      "expires_at LIMIT ?)",
      {to_micros(now - limits_.remembered), kPruned});
  if (!gone) return gone.error();
  const auto of_network = session.query(
      "SELECT COUNT(*), COALESCE(MIN(expires_at), 0) FROM login_requests WHERE network = ? AND expires_at > "
      "?",
      {std::string(network), to_micros(now)});
  if (!of_network) return of_network.error();
  if (of_network->front().integer(0) >= limits_.per_network) {
    const auto wait =
        std::chrono::ceil<std::chrono::seconds>(from_micros(of_network->front().integer(1)) - now);
    return Error{Errc::rate_limited,
                 fmt::format("too many log-ins of devices are under way in this network; finish one, or try "
                             "again in {} seconds",
                             wait.count())};
  }
  const auto all =
      session.query("SELECT COUNT(*) FROM login_requests WHERE expires_at > ?", {to_micros(now)});
  if (!all) return all.error();
  if (all->front().integer(0) < limits_.in_all) return {};
  // Some at once, so that a flood does not have the networks counted for each.
  const auto displaced = session.execute(
      "DELETE FROM login_requests WHERE id IN (SELECT id FROM login_requests WHERE expires_at > ? AND "
      "network = "
      "(SELECT network FROM login_requests WHERE expires_at > ? GROUP BY network ORDER BY COUNT(*) DESC, "
      "network LIMIT 1) ORDER BY expires_at, id LIMIT ?)",
      {to_micros(now), to_micros(now), std::max<std::int64_t>(1, limits_.in_all / kDisplacedPart)});
  if (!displaced) return displaced.error();
  return {};
}

Result<std::int64_t> LoginRequests::insert(db::Session& session, std::int64_t provider_id,
                                           std::string_view stage, const audit::Origin& origin) const {
  const Time now = clock_.now();
  const std::string network = to_hex(as_bytes(network_of(origin.address)));
  if (const auto room = make_room(session, network, now); !room) return room.error();
  const auto made = session.query(
      "INSERT INTO login_requests (provider_id, stage, sealed, client, address, network, created_at, "
      "expires_at) VALUES (?, ?, '', ?, ?, ?, ?, ?) RETURNING id",
      {provider_id, std::string(stage), plain(origin.user_agent), plain(origin.address), network,
       to_micros(now), to_micros(now + limits_.lifetime)});
  if (!made) return made.error();
  return made->front().integer(0);
}

Result<std::optional<LoginRequests::Found>> LoginRequests::find(db::Session& session, std::string_view column,
                                                                std::string_view secret) const {
  const auto hashes = token_hashes(keyring_, secret);
  const std::vector<db::Value> parameters(hashes.begin(), hashes.end());
  const auto rows = session.query(fmt::format("SELECT {} FROM login_requests WHERE {} IN ({})", kColumns,
                                              column, placeholders(hashes.size())),
                                  std::span(parameters));
  if (!rows) return rows.error();
  if (rows->empty()) return std::optional<Found>();
  const db::Row& row = rows->front();
  Found found;
  found.id = row.integer(0);
  found.provider_id = row.integer(1);
  found.stage = row.text(2);
  found.sealed = row.text(3);
  if (!row.is_null(4)) found.account_id = row.integer(4);
  found.device = !row.is_null(5);
  found.client = row.text(6);
  found.address = row.text(7);
  found.polled_at = from_micros(row.integer(8));
  found.created_at = from_micros(row.integer(9));
  found.expires_at = from_micros(row.integer(10));
  return std::optional<Found>(std::move(found));
}

Result<void> LoginRequests::seal(db::Session& session, std::int64_t id, const Secret<>& plain_text) const {
  const auto sealed = sealer_.seal({.table = "login_requests", .row = id, .column = "sealed"}, plain_text);
  if (!sealed) return sealed.error();
  const auto stored = session.execute("UPDATE login_requests SET sealed = ? WHERE id = ?", {*sealed, id});
  if (!stored) return stored.error();
  return {};
}

Result<Secret<>> LoginRequests::unseal(std::int64_t id, std::string_view sealed) const {
  return sealer_.open({.table = "login_requests", .row = id, .column = "sealed"}, sealed);
}

Result<void> LoginRequests::open(db::Session& session, std::int64_t id, const Journey& journey,
                                 const Secret<>& binder) const {
  const auto moved = session.execute(
      "UPDATE login_requests SET stage = 'open', state_hash = ?, user_code_hash = NULL WHERE id = ?",
      {token_hash(keyring_, journey.state), id});
  if (!moved) return moved.error();
  const Secret<> kept(json::serialize(json::object{{"nonce", journey.nonce},
                                                   {"verifier", journey.verifier.reveal()},
                                                   {"binder", fingerprint_of(binder)}}));
  return seal(session, id, kept);
}

LoginRequests::Journey LoginRequests::begin(std::int64_t provider_id, const Secret<>& binder) const {
  Journey journey;
  journey.state = make_login_state(keyring_, provider_id, clock_.now() + limits_.lifetime, binder);
  // Read back at once: what belongs to a state is derived in one place.
  auto made = read_login_state(keyring_, journey.state, binder);
  if (!made) throw std::logic_error("a log-in's state that was just made cannot be read");
  journey.nonce = std::move(made->nonce);
  journey.verifier = std::move(made->verifier);
  return journey;
}

Result<LoginRequests::Device> LoginRequests::begin_device(std::int64_t provider_id,
                                                          const audit::Origin& origin) {
  Device device{make_token(kDevicePrefix), make_user_code()};
  const auto done = database_.write([&](db::Session& session) -> Result<void> {
    const auto id = insert(session, provider_id, "waiting", origin);
    if (!id) return id.error();
    const auto named =
        session.execute("UPDATE login_requests SET device_hash = ?, user_code_hash = ? WHERE id = ?",
                        {token_hash(keyring_, device.device_code.reveal()),
                         token_hash(keyring_, hashed_code(device.user_code.reveal())), *id});
    if (!named) return named.error();
    return seal(session, *id, Secret<>("{}"));
  });
  if (!done) return done.error();
  return device;
}

Result<void> LoginRequests::with_code(std::string_view user_code, const audit::Origin& origin,
                                      const std::function<Result<void>(db::Session&, const Found&)>& work) {
  const auto code = parse_user_code(user_code);
  if (!code) return code.error();
  const std::string network = network_of(origin.address);
  const std::string& address = origin.address;
  {
    const Time now = clock_.now();
    const std::lock_guard lock(mutex_);
    const auto wait =
        std::max(wrong_by_address_.refused_for(address, now), wrong_by_network_.refused_for(network, now));
    if (wait || !wrong_by_address_.has_room(address, now) || !wrong_by_network_.has_room(network, now))
      return Error{Errc::rate_limited, fmt::format("too many wrong codes; try again in {} seconds",
                                                   wait.value_or(std::chrono::seconds(1)).count())};
    wrong_by_address_.begin(address, now);
    wrong_by_network_.begin(network, now);
  }
  bool wrong = false;
  // A right code forgets nothing: whoever guesses can have one of their own.
  const AtEnd settle([&] {
    const std::lock_guard lock(mutex_);
    const Time now = clock_.now();
    if (wrong) {
      wrong_by_address_.fail(address, now);
      wrong_by_network_.fail(network, now);
    } else {
      wrong_by_address_.abandon(address);
      wrong_by_network_.abandon(network);
    }
  });
  return database_.write([&](db::Session& session) -> Result<void> {
    wrong = false;
    const auto found = find(session, "user_code_hash", hashed_code(*code));
    if (!found) return found.error();
    wrong = !*found || (*found)->stage != "waiting" || (*found)->expires_at <= clock_.now();
    if (wrong) return no_code();
    return work(session, **found);
  });
}

Result<LoginRequests::Waiting> LoginRequests::waiting(std::string_view user_code,
                                                      const audit::Origin& origin) {
  Waiting waiting;
  const auto done = with_code(user_code, origin, [&](db::Session&, const Found& found) -> Result<void> {
    waiting = {found.id, found.provider_id, found.client, found.address, found.created_at};
    return {};
  });
  if (!done) return done.error();
  return waiting;
}

Result<LoginRequests::Journey> LoginRequests::take_up(std::string_view user_code, const Secret<>& binder,
                                                      const audit::Origin& origin) {
  Journey journey = make_journey();
  const auto done = with_code(user_code, origin, [&](db::Session& session, const Found& found) {
    return open(session, found.id, journey, binder);
  });
  if (!done) return done.error();
  return journey;
}

Result<void> LoginRequests::refuse(std::string_view user_code, const audit::Origin& origin) {
  return with_code(user_code, origin, [](db::Session& session, const Found& found) -> Result<void> {
    const auto refused = session.execute(
        "UPDATE login_requests SET stage = 'refused', user_code_hash = NULL WHERE id = ?", {found.id});
    if (!refused) return refused.error();
    return {};
  });
}

Result<std::int64_t> LoginRequests::provider_of(std::string_view state) const {
  if (is_login_state(state)) {
    const auto own = read_login_state(keyring_, state, Secret<>());
    return own ? own->provider_id : 0;
  }
  std::int64_t provider = 0;
  const auto looked = database_.read([&](db::Session& session) -> Result<void> {
    const auto found = find(session, "state_hash", state);
    if (!found) return found.error();
    provider = *found ? (*found)->provider_id : 0;
    return {};
  });
  if (!looked) return looked.error();
  return provider;
}

Result<void> LoginRequests::use_up(std::string_view state) {
  const auto own = read_login_state(keyring_, state, Secret<>());
  if (!own) return no_state();
  return database_.write([&](db::Session& session) -> Result<void> {
    const auto gone = session.execute(
        "DELETE FROM login_states_used WHERE state_hash IN (SELECT state_hash FROM login_states_used WHERE "
        "expires_at <= ? ORDER BY expires_at LIMIT ?)",
        {to_micros(clock_.now() - limits_.remembered), kPruned});
    if (!gone) return gone.error();
    // No key's version is in it, so that a rotation meanwhile changes nothing.
    const auto used = session.execute(
        "INSERT INTO login_states_used (state_hash, expires_at) VALUES (?, ?) ON CONFLICT DO NOTHING",
        {fingerprint_of(Secret<>(std::string(state))), to_micros(own->expires_at)});
    if (!used) return used.error();
    if (*used == 0) return no_state();
    return {};
  });
}

Result<LoginRequests::Returned> LoginRequests::come_back(std::string_view state, const Secret<>& binder) {
  Returned returned;
  if (is_login_state(state)) {
    auto own = read_login_state(keyring_, state, binder);
    if (!own || own->expires_at <= clock_.now()) return no_state();
    returned.provider_id = own->provider_id;
    returned.same_browser = own->same_browser;
    returned.nonce = std::move(own->nonce);
    returned.verifier = std::move(own->verifier);
    return returned;
  }
  std::string sealed;
  const auto done = database_.write([&](db::Session& session) -> Result<void> {
    const auto found = find(session, "state_hash", state);
    if (!found) return found.error();
    if (!*found || (*found)->stage != "open" || (*found)->expires_at <= clock_.now()) return no_state();
    returned.id = (*found)->id;
    returned.provider_id = (*found)->provider_id;
    returned.device = true;
    sealed = (*found)->sealed;
    const auto used =
        session.execute("UPDATE login_requests SET state_hash = NULL WHERE id = ?", {returned.id});
    if (!used) return used.error();
    return {};
  });
  if (!done) return done.error();
  const auto plain_text = unseal(returned.id, sealed);
  if (!plain_text) return plain_text.error();
  const auto kept = read_object(*plain_text);
  if (!kept) return kept.error();
  returned.nonce = text_of(*kept, "nonce");
  returned.verifier = Secret<>(text_of(*kept, "verifier"));
  returned.same_browser =
      crypto::equal_in_constant_time(as_bytes(text_of(*kept, "binder")), as_bytes(fingerprint_of(binder)));
  return returned;
}

Result<void> LoginRequests::approve(std::int64_t id, const Approval& approval) {
  const Secret<> kept(json::serialize(json::object{{"credential_version", approval.credential_version},
                                                   {"multi_factor", approval.multi_factor},
                                                   {"subject", approval.backing.subject},
                                                   {"refresh", approval.backing.refresh.reveal()}}));
  return database_.write([&](db::Session& session) -> Result<void> {
    const auto approved = session.execute(
        "UPDATE login_requests SET stage = 'approved', account_id = ? WHERE id = ? AND stage = 'open' AND "
        "state_hash IS NULL AND expires_at > ?",
        {approval.account_id, id, to_micros(clock_.now())});
    if (!approved) return approved.error();
    if (*approved != 1) return no_state();
    return seal(session, id, kept);
  });
}

Result<void> LoginRequests::fail(std::int64_t id) {
  return database_.write([&](db::Session& session) -> Result<void> {
    const auto failed =
        session.execute("UPDATE login_requests SET stage = 'refused' WHERE id = ? AND stage = 'open'", {id});
    if (!failed) return failed.error();
    return {};
  });
}

Result<LoginRequests::Polled> LoginRequests::poll(const Secret<>& device_code) {
  Polled polled;
  if (!token_is_well_formed(kDevicePrefix, device_code.reveal())) return polled;
  std::optional<Found> found;
  // Who asks too often costs no write.
  const auto looked = database_.read([&](db::Session& session) -> Result<void> {
    auto row = find(session, "device_hash", device_code.reveal());
    if (!row) return row.error();
    found = *std::move(row);
    return {};
  });
  if (!looked) return looked.error();
  const Time now = clock_.now();
  const auto settled = [&]() -> std::optional<Progress> {
    if (!found) return Progress::unknown;
    if (found->expires_at <= now) return Progress::expired;
    if (found->polled_at <= now && now < found->polled_at + limits_.poll_interval) return Progress::slow_down;
    if (found->stage == "refused") return Progress::refused;
    return std::nullopt;
  };
  if (found) polled.provider_id = found->provider_id;
  if (const auto progress = settled()) {
    polled.progress = *progress;
    return polled;
  }

  std::string settings;
  const auto taken = database_.write([&](db::Session& session) -> Result<void> {
    auto row = find(session, "device_hash", device_code.reveal());
    if (!row) return row.error();
    found = *std::move(row);
    polled.progress =
        settled().value_or(found && found->stage == "approved" ? Progress::approved : Progress::pending);
    if (polled.progress != Progress::approved && polled.progress != Progress::pending) return {};
    const auto moved = polled.progress == Progress::approved
                           ? session.execute("DELETE FROM login_requests WHERE id = ?", {found->id})
                           : session.execute("UPDATE login_requests SET polled_at = ? WHERE id = ?",
                                             {to_micros(now), found->id});
    if (!moved) return moved.error();
    // Those that it was approved under: a change of them takes what was approved with it.
    const auto provider =
        session.query("SELECT settings FROM login_providers WHERE id = ?", {found->provider_id});
    if (!provider) return provider.error();
    settings = provider->empty() ? "" : provider->front().text(0);
    return {};
  });
  if (!taken) return taken.error();
  if (polled.progress != Progress::approved) return polled;

  const auto plain_text = unseal(found->id, found->sealed);
  if (!plain_text) return plain_text.error();
  const auto kept = read_object(*plain_text);
  if (!kept) return kept.error();
  const json::value* version = kept->if_contains("credential_version");
  const json::value* factor = kept->if_contains("multi_factor");
  Approval approval;
  approval.account_id = found->account_id.value_or(0);
  approval.credential_version = version != nullptr && version->is_int64() ? version->get_int64() : 0;
  approval.multi_factor = factor != nullptr && factor->is_bool() && factor->get_bool();
  approval.backing.provider_id = found->provider_id;
  approval.backing.subject = text_of(*kept, "subject");
  approval.backing.settings = std::move(settings);
  approval.backing.refresh = Secret<>(text_of(*kept, "refresh"));
  polled.approval = std::move(approval);
  return polled;
}

Result<std::int64_t> LoginRequests::prune() {
  std::int64_t removed = 0;
  const auto done = database_.write([&](db::Session& session) -> Result<void> {
    const auto gone = session.execute(
        "DELETE FROM login_requests WHERE id IN (SELECT id FROM login_requests WHERE expires_at <= ? ORDER "
        "BY "
        "expires_at LIMIT ?)",
        {to_micros(clock_.now() - limits_.remembered), kPruned});
    if (!gone) return gone.error();
    removed = *gone;
    return {};
  });
  if (!done) return done.error();
  return removed;
}

}  // namespace bulkhead::identity
