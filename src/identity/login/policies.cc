#include "identity/login/policies.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "audit/outbox.h"
#include "base/exact_cache.h"

namespace bulkhead::identity {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kOfAccount =
    "SELECT mfa_required, token_seconds, networks, password_login, organization_id FROM policies "
    "WHERE organization_id = 0 OR organization_id IN (SELECT organization_id FROM robots WHERE account_id = "
    "?) "
    "OR organization_id IN (SELECT n.organization_id FROM robots b JOIN repositories r ON r.id = "
    "b.repository_id "
    "JOIN namespaces n ON n.id = r.namespace_id WHERE b.account_id = ?)";

Result<Policy> policy_from(const db::Row& row) {
  auto networks = Networks::parse(row.text(2));
  if (!networks) return Error{Errc::corrupt, "a stored policy cannot be read: " + networks.error().message};
  return Policy{.mfa_required = row.integer(0) != 0,
                .token_life = std::chrono::seconds(row.integer(1)),
                .networks = *std::move(networks),
                .password_login = row.integer(3) != 0};
}

// The organization's name; "" for the installation.
Result<std::string> read_name(db::Session& session, std::int64_t organization_id) {
  if (organization_id == Policies::kInstallation) return std::string();
  const auto rows = session.query("SELECT name FROM organizations WHERE id = ?", {organization_id});
  if (!rows) return rows.error();
  if (rows->empty())
    return Error{Errc::not_found, fmt::format("there is no organization number {}", organization_id)};
  return rows->front().text(0);
}

Result<std::optional<Policy>> read_policy(db::Session& session, std::int64_t organization_id) {
  const auto rows = session.query(
      "SELECT mfa_required, token_seconds, networks, password_login FROM policies WHERE organization_id = ?",
      {organization_id});
  if (!rows) return rows.error();
  if (rows->empty()) return std::optional<Policy>();
  auto policy = policy_from(rows->front());
  if (!policy) return policy.error();
  return std::optional(*std::move(policy));
}

std::string detail(const Policy& policy) {
  return fmt::format(R"({{"mfa_required":{},"token_seconds":{},"networks":"{}","password_login":{}}})",
                     policy.mfa_required, policy.token_life.count(), policy.networks.text(),
                     policy.password_login);
}

}  // namespace

std::string_view Policy::lacking(const Proof& proof, std::string_view address) const {
  if (!networks.allow(address)) return "one of the networks that the organization's policy allows";
  if (mfa_required && !proof.multi_factor)
    return "a second factor, by the organization's policy: enrol one, log in with it, and make new tokens "
           "then";
  if (!password_login && proof.by_password)
    return "an access token instead of the password, by the organization's policy";
  if (proof.life > token_life) return "an access token of a shorter life, by the organization's policy";
  return {};
}

bool EffectivePolicy::allow(std::string_view address) const {
  return std::ranges::all_of(networks, [&](const Networks& each) { return each.allow(address); });
}

Error kept_out(Errc code, std::string_view address) {
  return {code, fmt::format(
                    "a policy lets nobody in from {}; the networks that it allows are for administrators to "
                    "say: bulkhead policy show",
                    address)};
}

Result<Policy> read_organization_policy(db::Session& session, std::int64_t organization_id) {
  auto stored = read_policy(session, organization_id);
  if (!stored) return stored.error();
  return stored->value_or(Policy());
}

Result<EffectivePolicy> read_effective_policy(db::Session& session, std::int64_t account_id) {
  const auto rows = session.query(kOfAccount, {account_id, account_id});
  if (!rows) return rows.error();
  Policy installation;
  std::vector<Policy> organizations;
  for (const db::Row& row : *rows) {
    auto policy = policy_from(row);
    if (!policy) return policy.error();
    if (row.integer(4) == Policies::kInstallation)
      installation = *std::move(policy);
    else
      organizations.push_back(*std::move(policy));
  }
  EffectivePolicy effective{
      installation.mfa_required, installation.token_life, installation.password_login, {}};
  if (!installation.networks.anywhere()) effective.networks.push_back(std::move(installation.networks));
  for (Policy& policy : organizations) {
    effective.mfa_required = effective.mfa_required || policy.mfa_required;
    effective.password_login = effective.password_login && policy.password_login;
    effective.token_life = std::min(effective.token_life, policy.token_life);
    if (!policy.networks.anywhere()) effective.networks.push_back(std::move(policy.networks));
  }
  return effective;
}

struct Policies::State {
  db::Database& database;
  const Clock& clock;
  ExactCache<std::int64_t, std::shared_ptr<const EffectivePolicy>> cache;  // by account
  ExactCache<std::int64_t, std::shared_ptr<const Policy>> organizations;

  State(db::Database& d, const Clock& c, std::size_t cached)
      : database(d), clock(c), cache(cached), organizations(cached) {}
};

Policies::Policies(db::Database& database, const Clock& clock, std::size_t cached)
    : state_(new State(database, clock, cached)) {}

Policies::~Policies() = default;

Result<Policy> Policies::get(std::int64_t organization_id) {
  Policy policy;
  const auto done = state_->database.read([&](db::Session& session) -> Result<void> {
    const auto name = read_name(session, organization_id);
    if (!name) return name.error();
    auto stored = read_policy(session, organization_id);
    if (!stored) return stored.error();
    policy = (*stored).value_or(Policy());
    return {};
  });
  if (!done) return done.error();
  return policy;
}

Result<void> Policies::set(std::int64_t organization_id, const Policy& policy, const audit::Origin& origin) {
  if (policy.token_life < 1h || policy.token_life > Policy::kLongestTokenLife)
    return Error{Errc::invalid_argument,
                 fmt::format("the longest life of tokens is between an hour and {} days",
                             Policy::kLongestTokenLife / 24h)};
  const auto done = state_->database.write([&](db::Session& session) -> Result<void> {
    const auto name = read_name(session, organization_id);
    if (!name) return name.error();
    const auto stored = read_policy(session, organization_id);
    if (!stored) return stored.error();
    if (*stored == policy) return {};
    const auto written = session.execute(
        "INSERT INTO policies (organization_id, mfa_required, token_seconds, networks, password_login) "
        "VALUES (?, ?, ?, ?, ?) ON CONFLICT (organization_id) DO UPDATE SET mfa_required = "
        "excluded.mfa_required, token_seconds = excluded.token_seconds, networks = excluded.networks, "
        "password_login = excluded.password_login",
        {organization_id, std::int64_t{policy.mfa_required}, std::int64_t{policy.token_life.count()},
         policy.networks.text(), std::int64_t{policy.password_login}});
    if (!written) return written.error();
    return audit::record(session, {.at = state_->clock.now(),
                                   .action = audit::Action::policy_changed,
                                   .origin = origin,
                                   .repository = {},
                                   .target = *name,
                                   .old_digest = {},
                                   .new_digest = {},
                                   .detail = detail(policy)});
  });
  forget();
  return done;
}

std::shared_ptr<const EffectivePolicy> Policies::peek(std::int64_t account_id) const {
  return state_->cache.find(account_id).value_or(nullptr);
}

Result<std::shared_ptr<const EffectivePolicy>> Policies::effective(std::int64_t account_id) {
  if (auto known = peek(account_id)) return known;
  const auto ticket = state_->cache.begin();
  EffectivePolicy policy;
  const auto done = state_->database.read([&](db::Session& session) -> Result<void> {
    auto read = read_effective_policy(session, account_id);
    if (!read) return read.error();
    policy = *std::move(read);
    return {};
  });
  if (!done) return done.error();
  auto known = std::make_shared<const EffectivePolicy>(std::move(policy));
  state_->cache.put(ticket, account_id, known);
  return std::shared_ptr<const EffectivePolicy>(std::move(known));
}

std::shared_ptr<const Policy> Policies::peek_organization(std::int64_t organization_id) const {
  return state_->organizations.find(organization_id).value_or(nullptr);
}

Result<std::shared_ptr<const Policy>> Policies::of_organization(std::int64_t organization_id) {
  if (auto known = peek_organization(organization_id)) return known;
  const auto ticket = state_->organizations.begin();
  Policy policy;
  const auto done = state_->database.read([&](db::Session& session) -> Result<void> {
    auto read = read_organization_policy(session, organization_id);
    if (!read) return read.error();
    policy = *std::move(read);
    return {};
  });
  if (!done) return done.error();
  auto known = std::make_shared<const Policy>(std::move(policy));
  state_->organizations.put(ticket, organization_id, known);
  return std::shared_ptr<const Policy>(std::move(known));
}

void Policies::forget() {
  state_->cache.forget_all();
  state_->organizations.forget_all();
}

}  // namespace bulkhead::identity
