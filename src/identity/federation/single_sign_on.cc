#include "identity/federation/single_sign_on.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/log.h"
#include "base/plain_text.h"
#include "base/shown.h"
#include "identity/federation/group_names.h"
#include "identity/federation/vouched_address.h"
#include "identity/people/account_rows.h"
#include "identity/people/namespaces.h"
#include "identity/people/profile.h"
#include "identity/people/team_rows.h"
#include "identity/people/verified_address.h"
#include "oci/quote.h"

namespace bulkhead::identity {
namespace {

using audit::Action;

constexpr std::size_t kLongestSubject = 255;  // OpenID Connect Core 1.0 section 2
constexpr std::size_t kLongestShown = 255;

Result<void> check_subject(std::string_view subject) {
  if (subject.empty() || subject.size() > kLongestSubject || !is_plain_text(subject))
    return Error{Errc::invalid_argument,
                 fmt::format("a subject is the provider's id of a person: 1 to {} characters, none of which "
                             "controls anything",
                             kLongestSubject)};
  return {};
}

std::string detail(std::string_view provider, std::string_view subject) {
  return fmt::format(R"({{"provider":{},"subject":{}}})", json_quote(provider), json_quote(subject));
}

// As people write it, where that is what it looks like.
std::string quote_text(std::string_view text) {
  const bool plain = text.size() <= kLongestShown && text.find_first_of("\"\\") == text.npos && shows(text);
  return plain ? fmt::format("\"{}\"", text) : quote(text);
}

// What the person could be called here: the provider's name for them in lower case, of an address the part
// before the @.
Result<std::string> account_name(const ExternalPerson& person) {
  std::string name = person.name.substr(0, person.name.find('@'));
  std::ranges::transform(name, name.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  auto parsed = parse_account_name(name);
  if (!parsed)
    return Error{
        Errc::name_invalid,
        fmt::format("the log-in provider calls the person {}, which cannot be an account's name ({}); "
                    "an administrator can link the person, whose id there is {}, to an account",
                    quote_text(person.name), parsed.error().message, quote_text(person.subject))};
  return parsed;
}

bool admitted(const LoginProvider& provider, const GroupNames& groups) {
  return provider.admitted_groups.empty() ||
         std::ranges::any_of(provider.admitted_groups,
                             [&](const std::string& group) { return groups.contains(group); });
}

Result<std::optional<Account>> read_linked(db::Session& session, std::int64_t provider_id,
                                           std::string_view subject) {
  const auto rows =
      session.query("SELECT account_id FROM external_identities WHERE provider_id = ? AND subject = ?",
                    {provider_id, std::string(subject)});
  if (!rows) return rows.error();
  if (rows->empty()) return std::optional<Account>();
  auto account = read_account(session, rows->front().integer(0));
  if (!account) return account.error();
  return std::optional(*std::move(account));
}

Result<void> insert_identity(Change& change, std::int64_t provider_id, std::string_view provider,
                             std::string_view subject, const Account& account) {
  const auto linked = change.execute(
      "INSERT INTO external_identities (provider_id, subject, account_id, last_seen_at) VALUES (?, ?, ?, ?)",
      {provider_id, std::string(subject), account.id, to_micros(change.now)});
  if (!linked) return linked.error();
  return change.record(Action::external_identity_linked, account.name, detail(provider, subject));
}

// An account without a password, with the namespace of its name.
Result<Account> make_account(Change& change, const std::string& name, const ExternalPerson& person) {
  if (const auto free = check_name_is_free(change.session, name); !free)
    return Error{
        Errc::conflict,
        fmt::format(
            "the name {} is taken here; if it is the same person's, an administrator can link the two "
            "by the person's id at the log-in provider, which is {}",
            oci::quote(name), quote_text(person.subject))};
  const auto rows = change.session.query(
      "INSERT INTO accounts (name, state, system_role, password_hash, created_at) "
      "VALUES (?, 'active', '', '', ?) RETURNING id",
      {name, to_micros(change.now)});
  if (!rows) return rows.error();
  const std::int64_t id = rows->at(0).integer(0);
  const auto space = change.execute("INSERT INTO namespaces (name, owner_id, created_at) VALUES (?, ?, ?)",
                                    {name, id, to_micros(change.now)});
  if (!space) return space.error();
  if (const auto recorded = change.record(Action::account_created, name); !recorded) return recorded.error();
  return read_account(change.session, id);
}

// Whether it is verified from now on: not for a second account.
Result<bool> verified(Change& change, const Account& account, const std::string& email) {
  if (account.email_verified && email == account.email) return true;
  const auto holder = verified_elsewhere(change.session, email, account.id);
  if (!holder) return holder.error();
  return holder->empty();
}

Result<void> note_vouched(Change& change, std::int64_t provider_id, const ExternalPerson& person,
                          const std::string& email) {
  const auto noted =
      change.execute("UPDATE external_identities SET email = ? WHERE provider_id = ? AND subject = ?",
                     {email, provider_id, person.subject});
  if (!noted) return noted.error();
  return {};
}

// What the provider gives and cannot be shown here is left as it was.
Result<void> update_profile(Change& change, const Account& account, std::int64_t provider_id,
                            const ExternalPerson& person) {
  Account next = account;
  if (auto display = parse_display_name(person.display_name); display && !display->empty())
    next.display_name = *std::move(display);
  if (auto email = parse_email(person.email); email && !email->empty()) {
    next.email = *std::move(email);
    next.email_verified = false;
    if (person.email_verified) {
      const auto is_verified = verified(change, account, next.email);
      if (!is_verified) return is_verified.error();
      next.email_verified = *is_verified;
    }
    if (auto noted = note_vouched(change, provider_id, person, next.email_verified ? next.email : ""); !noted)
      return noted;
  }
  std::string changed;
  const auto note = [&](std::string_view key, const std::string& value) {
    changed += fmt::format("{}\"{}\":{}", changed.empty() ? "" : ",", key, value);
  };
  if (next.display_name != account.display_name) note("display_name", json_quote(next.display_name));
  if (next.email != account.email) note("email", json_quote(next.email));
  if (next.email_verified != account.email_verified)
    note("email_verified", next.email_verified ? "true" : "false");
  if (changed.empty()) return {};
  const auto done =
      change.execute("UPDATE accounts SET display_name = ?, email = ?, email_verified = ? WHERE id = ?",
                     {next.display_name, next.email, std::int64_t{next.email_verified}, account.id});
  if (!done) return done.error();
  change.forget(account.id);
  return change.record(Action::account_profile_changed, account.name, fmt::format("{{{}}}", changed));
}

Result<std::vector<std::int64_t>> mapped_teams(db::Session& session, std::int64_t provider_id,
                                               const GroupNames& groups) {
  const auto rows = session.query(
      "SELECT external_group, team_id FROM group_mappings WHERE provider_id = ? ORDER BY team_id",
      {provider_id});
  if (!rows) return rows.error();
  std::vector<std::int64_t> teams;
  for (const db::Row& row : *rows)
    if ((teams.empty() || teams.back() != row.integer(1)) && groups.contains(row.text(0)))
      teams.push_back(row.integer(1));
  return teams;
}

// The teams of the provider's in which the account is already, added to `teams`.
Result<void> keep_teams(db::Session& session, std::int64_t provider_id, std::int64_t account_id,
                        std::vector<std::int64_t>& teams) {
  const auto rows = session.query(
      "SELECT team_id FROM team_members WHERE account_id = ? AND source = 'sso' AND "
      "team_id IN (SELECT team_id FROM group_mappings WHERE provider_id = ?)",
      {account_id, provider_id});
  if (!rows) return rows.error();
  for (const db::Row& row : *rows) teams.push_back(row.integer(0));
  std::ranges::sort(teams);
  teams.erase(std::unique(teams.begin(), teams.end()), teams.end());
  return {};
}

Result<std::string> read_provider_name(db::Session& session, std::int64_t provider_id) {
  const auto rows = session.query("SELECT name FROM login_providers WHERE id = ?", {provider_id});
  if (!rows) return rows.error();
  if (rows->empty()) return Error{Errc::not_found, "there is no such log-in provider"};
  return rows->front().text(0);
}

// What the provider answered rests on the settings that it was asked by.
Result<void> check_unchanged(db::Session& session, const LoginProvider& provider) {
  const auto same =
      session.query("SELECT 1 FROM login_providers WHERE id = ? AND enabled = 1 AND settings = ?",
                    {provider.id, provider.stored});
  if (!same) return same.error();
  if (!same->empty()) return {};
  return Error{Errc::unauthenticated,
               fmt::format("{} was changed while it was being asked; try again", oci::quote(provider.name))};
}

Error not_admitted(const LoginProvider& provider, const ExternalPerson& person) {
  return {Errc::denied,
          fmt::format("the person is in none of the groups that {} lets in here{}{}",
                      oci::quote(provider.name), person.groups_complete ? "" : ", as far as is known: ",
                      person.groups_complete ? "" : person.groups_note)};
}

}  // namespace

Result<Account> SingleSignOn::admit(const LoginProvider& provider, const ExternalPerson& person,
                                    const audit::Origin& origin) {
  if (const auto fit = check_subject(person.subject); !fit) return fit.error();
  const GroupNames groups(provider, person.groups);
  if (!admitted(provider, groups)) {
    // Whoever has been here before leaves what the groups gave them, once it is known that they are in none.
    if (person.groups_complete)
      if (const auto gone = dismiss(provider, person.subject, origin); !gone) return gone.error();
    return not_admitted(provider, person);
  }
  std::optional<Account> account;
  const auto done = directory_.change(origin, [&](Change& change) -> Result<void> {
    if (const auto same = check_unchanged(change.session, provider); !same) return same;
    auto linked = read_linked(change.session, provider.id, person.subject);
    if (!linked) return linked.error();
    if (*linked) {
      account = *std::move(linked);
    } else {
      if (!provider.creates_accounts)
        return Error{Errc::denied,
                     fmt::format("nobody here is linked to this person, whose id is {}, and {} makes no "
                                 "accounts; ask an administrator for one",
                                 quote_text(person.subject), oci::quote(provider.name))};
      const auto name = account_name(person);
      if (!name) return name.error();
      auto made = make_account(change, *name, person);
      if (!made) return made.error();
      account = *std::move(made);
      if (const auto kept = insert_identity(change, provider.id, provider.name, person.subject, *account);
          !kept)
        return kept.error();
    }
    if (!account->active())
      return Error{Errc::denied, fmt::format("the account {} is {}; ask an administrator",
                                             oci::quote(account->name), name(account->state))};
    const auto seen = change.execute(
        "UPDATE external_identities SET last_seen_at = ? WHERE provider_id = ? AND subject = ?",
        {to_micros(change.now), provider.id, person.subject});
    if (!seen) return seen.error();
    if (const auto updated = update_profile(change, *account, provider.id, person); !updated)
      return updated.error();
    auto teams = mapped_teams(change.session, provider.id, groups);
    if (!teams) return teams.error();
    if (!person.groups_complete)
      if (const auto kept = keep_teams(change.session, provider.id, account->id, *teams); !kept)
        return kept.error();
    if (const auto set = set_directory_memberships(change, *account, provider.id, *teams); !set)
      return set.error();
    auto current = read_account(change.session, account->id);
    if (!current) return current.error();
    account = *std::move(current);
    return {};
  });
  if (!done) return done.error();
  return *std::move(account);
}

Result<void> SingleSignOn::dismiss(const LoginProvider& provider, std::string_view subject,
                                   const audit::Origin& origin) {
  if (const auto ended = sessions_.end_backed(provider.id, subject, origin); !ended) return ended.error();
  return directory_.change(origin, [&](Change& change) -> Result<void> {
    const auto linked = read_linked(change.session, provider.id, subject);
    if (!linked) return linked.error();
    if (!*linked) return {};
    if (auto withdrawn = withdraw_addresses(change, provider.id, subject); !withdrawn) return withdrawn;
    return set_directory_memberships(change, **linked, provider.id, {});
  });
}

Result<std::vector<ExternalIdentity>> SingleSignOn::identities(std::int64_t account_id) const {
  const auto rows = directory_.read_rows(
      "SELECT e.provider_id, p.name, e.subject, e.account_id, a.name, e.last_seen_at "
      "FROM external_identities e JOIN login_providers p ON p.id = e.provider_id "
      "JOIN accounts a ON a.id = e.account_id WHERE e.account_id = ? ORDER BY p.name",
      {account_id});
  if (!rows) return rows.error();
  std::vector<ExternalIdentity> identities;
  for (const db::Row& row : *rows)
    identities.push_back({.provider_id = row.integer(0),
                          .provider = row.text(1),
                          .subject = row.text(2),
                          .account_id = row.integer(3),
                          .account = row.text(4),
                          .last_seen_at = from_micros(row.integer(5))});
  return identities;
}

Result<void> SingleSignOn::link(std::int64_t provider_id, std::string_view subject, std::int64_t account_id,
                                const audit::Origin& origin) {
  if (const auto fit = check_subject(subject); !fit) return fit.error();
  return directory_.change(origin, [&](Change& change) -> Result<void> {
    const auto provider = read_provider_name(change.session, provider_id);
    if (!provider) return provider.error();
    const auto account = read_account(change.session, account_id);
    if (!account) return account.error();
    if (account->kind == AccountKind::robot)
      return Error{Errc::invalid_argument,
                   fmt::format("{} is a robot; people log in with a provider", oci::quote(account->name))};
    const auto others = change.session.query(
        "SELECT a.name, e.subject FROM external_identities e JOIN accounts a ON a.id = e.account_id "
        "WHERE e.provider_id = ? AND (e.subject = ? OR e.account_id = ?) ORDER BY a.name",
        {provider_id, std::string(subject), account_id});
    if (!others) return others.error();
    for (const db::Row& other : *others) {
      if (other.text(0) == account->name && other.text(1) == subject) return {};
      return Error{Errc::conflict,
                   fmt::format("{} is linked to {} of {} already; unlink that first",
                               oci::quote(other.text(0)), oci::quote(other.text(1)), oci::quote(*provider))};
    }
    return insert_identity(change, provider_id, *provider, subject, *account);
  });
}

Result<void> SingleSignOn::unlink(std::int64_t provider_id, std::int64_t account_id,
                                  const audit::Origin& origin) {
  std::string subject;
  const auto done = directory_.change(origin, [&](Change& change) -> Result<void> {
    const auto provider = read_provider_name(change.session, provider_id);
    if (!provider) return provider.error();
    const auto account = read_account(change.session, account_id);
    if (!account) return account.error();
    const auto rows = change.session.query(
        "SELECT subject FROM external_identities WHERE provider_id = ? AND account_id = ?",
        {provider_id, account_id});
    if (!rows) return rows.error();
    if (rows->empty())
      return Error{Errc::not_found, fmt::format("{} is not linked to anybody of {}",
                                                oci::quote(account->name), oci::quote(*provider))};
    subject = rows->front().text(0);
    if (auto withdrawn = withdraw_addresses(change, provider_id, subject); !withdrawn) return withdrawn;
    const auto gone = change.execute("DELETE FROM external_identities WHERE provider_id = ? AND subject = ?",
                                     {provider_id, subject});
    if (!gone) return gone.error();
    if (const auto set = set_directory_memberships(change, *account, provider_id, {}); !set) return set;
    return change.record(Action::external_identity_unlinked, account->name, detail(*provider, subject));
  });
  if (!done) return done;
  const auto ended = sessions_.end_backed(provider_id, subject, origin);
  if (!ended) return ended.error();
  return {};
}

}  // namespace bulkhead::identity
