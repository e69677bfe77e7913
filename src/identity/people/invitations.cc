#include "identity/people/invitations.h"

#include <fmt/format.h>

#include <algorithm>

#include "identity/people/account_rows.h"
#include "identity/people/organization_rows.h"
#include "identity/people/paging.h"
#include "identity/people/profile.h"
#include "identity/people/team_rows.h"
#include "identity/people/verified_address.h"
#include "identity/secrets/token_format.h"
#include "identity/secrets/token_hash.h"
#include "oci/quote.h"

namespace bulkhead::identity {
namespace {

std::string select(std::string_view condition) {
  return fmt::format(
      "SELECT i.id, i.organization_id, o.name, i.team_id, COALESCE(t.name, ''), i.account_id, "
      "COALESCE(a.name, i.addressee), i.email, i.role, b.name, i.created_at, i.expires_at FROM invitations i "
      "JOIN organizations o ON o.id = i.organization_id JOIN accounts b ON b.id = i.invited_by "
      "LEFT JOIN teams t ON t.id = i.team_id LEFT JOIN accounts a ON a.id = i.account_id WHERE {}",
      condition);
}

std::optional<std::int64_t> nullable(const db::Row& row, std::size_t column) {
  return row.is_null(column) ? std::nullopt : std::optional(row.integer(column));
}

Invitation invitation_from(const db::Row& row) {
  return {.id = row.integer(0),
          .organization_id = row.integer(1),
          .organization = row.text(2),
          .team_id = nullable(row, 3),
          .team = row.text(4),
          .account_id = nullable(row, 5),
          .account = row.text(6),
          .email = row.text(7),
          .role = row.text(8) == "owner" ? MemberRole::owner : MemberRole::member,
          .invited_by = row.text(9),
          .created_at = from_micros(row.integer(10)),
          .expires_at = from_micros(row.integer(11))};
}

Result<std::vector<Invitation>> invitations_from(const Result<std::vector<db::Row>>& rows) {
  if (!rows) return rows.error();
  std::vector<Invitation> invitations;
  for (const db::Row& row : *rows) invitations.push_back(invitation_from(row));
  return invitations;
}

Error no_invitation() {
  return {Errc::not_found, "there is no such invitation: it is wrong, used, withdrawn or has expired"};
}

Result<Invitation> read_invitation(Change& change, const crypto::Keyring& keyring, std::string_view key,
                                   const db::Value& value) {
  const auto rows = change.session.query(
      select(fmt::format("{} = ? AND i.expires_at > ? AND {}", key, stands_by(keyring, "i.hash"))),
      {value, to_micros(change.now)});
  if (!rows) return rows.error();
  if (rows->empty()) return no_invitation();
  return invitation_from(rows->front());
}

// An address decides only where it is verified now, and for that account alone.
Result<bool> is_for(Change& change, const Invitation& invitation, const Account& account) {
  if (invitation.account_id) return *invitation.account_id == account.id;
  if (!invitation.account.empty() || !account.email_verified || !same_email(invitation.email, account.email))
    return false;
  const auto other = verified_elsewhere(change.session, account.email, account.id);
  if (!other) return other.error();
  return other->empty();
}

const std::string& addressee(const Invitation& invitation) {
  return invitation.account.empty() ? invitation.email : invitation.account;
}

Result<void> end(Change& change, const Invitation& invitation, std::string_view outcome) {
  const auto gone = change.execute("DELETE FROM invitations WHERE id = ?", {invitation.id});
  if (!gone) return gone.error();
  return change.record(
      audit::Action::invitation_ended, addressee(invitation),
      fmt::format(R"({{"organization":"{}","outcome":"{}"}})", invitation.organization, outcome));
}

Result<void> enter(Change& change, const Invitation& invitation, const Account& account) {
  const auto organization = read_organization(change.session, invitation.organization_id);
  if (!organization) return organization.error();
  const auto role = read_member_role(change.session, organization->id, account.id);
  if (!role) return role.error();
  // Who has become an owner in the meantime stays one.
  const MemberRole next = std::max(invitation.role, role->value_or(MemberRole::member));
  if (const auto entered = put_member(change, *organization, account, next, Source::direct); !entered)
    return entered.error();
  if (!invitation.team_id) return {};
  const auto team = read_team(change.session, *invitation.team_id);
  if (!team) return team.error();
  return put_team_member(change, *team, account, Source::direct);
}

Result<void> check_not_invited_yet(Change& change, const crypto::Keyring& keyring,
                                   const Invitations::Request& request) {
  const auto swept = change.execute(
      fmt::format("DELETE FROM invitations WHERE organization_id = ? AND (expires_at <= ? OR NOT {})",
                  stands_by(keyring, "hash")),
      {request.organization_id, to_micros(change.now)});
  if (!swept) return swept.error();
  const auto open = change.session.query("SELECT COUNT(*) FROM invitations WHERE organization_id = ?",
                                         {request.organization_id});
  if (!open) return open.error();
  if (open->front().integer(0) >= static_cast<std::int64_t>(Invitations::kMostOpen))
    return Error{Errc::conflict,
                 fmt::format("{} invitations are open, the most there may be; withdraw some first",
                             Invitations::kMostOpen)};
  const bool by_name = !request.account.empty();
  const auto same = change.session.query(
      by_name ? "SELECT 1 FROM invitations i LEFT JOIN accounts a ON a.id = i.account_id "
                "WHERE i.organization_id = ? AND COALESCE(a.name, i.addressee) = ?"
              : "SELECT 1 FROM invitations WHERE organization_id = ? AND lower(email) = lower(?)",
      {request.organization_id, by_name ? request.account : request.email});
  if (!same) return same.error();
  if (same->empty()) return {};
  return Error{Errc::conflict, fmt::format("{} is invited already; withdraw that invitation for a new token",
                                           oci::quote(by_name ? request.account : request.email))};
}

// The number of the account that is invited, when the name is somebody's.
Result<std::optional<std::int64_t>> find_addressee(Change& change, const Invitations::Request& request,
                                                   const Organization& organization) {
  if (request.account.empty()) return std::optional<std::int64_t>();
  // Told from the name alone.
  if (const auto name = parse_account_name(request.account); !name) return name.error();
  const auto account = read_account(change.session, request.account);
  if (!account && account.error().code == Errc::not_found) return std::optional<std::int64_t>();
  if (!account) return account.error();
  const auto role = read_member_role(change.session, organization.id, account->id);
  if (!role) return role.error();
  if (*role && (*role == MemberRole::owner || request.role != MemberRole::owner))
    return Error{Errc::conflict, fmt::format("{} is a member of {} already", oci::quote(account->name),
                                             oci::quote(organization.name))};
  return std::optional(account->id);
}

Result<void> check_team(Change& change, const Invitations::Request& request) {
  if (!request.team_id) return {};
  const auto team = read_team(change.session, *request.team_id);
  if (!team) return team.error();
  if (team->organization_id == request.organization_id) return {};
  return Error{Errc::invalid_argument,
               fmt::format("{} is a team of another organization", oci::quote(team->path()))};
}

std::string detail(const Invitation& invitation) {
  return fmt::format(R"({{"organization":"{}","role":"{}"{}}})", invitation.organization,
                     name(invitation.role),
                     invitation.team_id ? fmt::format(R"(,"team":"{}")", invitation.team) : std::string());
}

using Find = std::function<Result<Invitation>(Change&)>;

Find by_number(const crypto::Keyring& keyring, std::int64_t id) {
  return [&keyring, id](Change& change) { return read_invitation(change, keyring, "i.id", id); };
}

Find by_token(const crypto::Keyring& keyring, const Secret<>& token) {
  return [&keyring, hashes = token_hashes(keyring, token.reveal())](Change& change) -> Result<Invitation> {
    for (const std::string& hash : hashes) {
      auto invitation = read_invitation(change, keyring, "i.hash", hash);
      if (invitation || invitation.error().code != Errc::not_found) return invitation;
    }
    return no_invitation();
  };
}

// What whoever holds the token lacks to be the one who was invited.
Error for_somebody_else(const Invitation& invitation, const Account& account) {
  if (!invitation.account.empty())
    return {Errc::denied, "the invitation is for another account; log in as the one who was invited"};
  if (same_email(invitation.email, account.email) && account.email_verified)
    return {
        Errc::denied,
        "the invitation is for an e-mail address that two accounts have as verified, yours and another; an "
        "administrator takes it from one of them: bulkhead user email NAME ADDRESS"};
  if (same_email(invitation.email, account.email))
    return {
        Errc::denied,
        "the invitation is for your account's e-mail address, which nobody has verified; an administrator "
        "can: bulkhead user email NAME ADDRESS --verified"};
  return {Errc::denied,
          fmt::format("the invitation is for an e-mail address, and {}; an administrator enters the address "
                      "that was invited: bulkhead user email NAME ADDRESS --verified",
                      account.email.empty() ? "your account has none" : "your account has another one")};
}

enum class Answer : std::uint8_t { accept, decline };

enum class Known : std::uint8_t { by_number, by_token };

// Whoever only guesses a number is told nothing of what is there.
Result<void> answer(const Directory& directory, const Find& find, std::int64_t account_id, Answer what,
                    Known known, const audit::Origin& origin) {
  return directory.change(origin, [&](Change& change) -> Result<void> {
    const auto invitation = find(change);
    if (!invitation) return invitation.error();
    const auto account = read_account(change.session, account_id);
    if (!account) return account.error();
    const auto meant = is_for(change, *invitation, *account);
    if (!meant) return meant.error();
    if (!*meant || !account->active())
      return known == Known::by_token ? for_somebody_else(*invitation, *account) : no_invitation();
    if (what == Answer::decline) return end(change, *invitation, "declined");
    if (const auto entered = enter(change, *invitation, *account); !entered) return entered.error();
    return end(change, *invitation, "accepted");
  });
}

}  // namespace

Result<IssuedInvitation> Invitations::invite(const Request& request, std::int64_t inviter,
                                             const audit::Origin& origin) {
  if (request.account.empty() == request.email.empty())
    return Error{Errc::invalid_argument, "an invitation is for an account or for an e-mail address"};
  Request parsed = request;
  auto email = parse_email(request.email);
  if (!email) return email.error();
  parsed.email = *std::move(email);

  IssuedInvitation issued{{}, make_token(kInvitationPrefix)};
  const std::string hash = token_hash(keyring_, issued.token.reveal());
  const auto done = directory_.change(origin, [&](Change& change) -> Result<void> {
    const auto organization = read_organization(change.session, parsed.organization_id);
    if (!organization) return organization.error();
    const auto account_id = find_addressee(change, parsed, *organization);
    if (!account_id) return account_id.error();
    if (const auto team = check_team(change, parsed); !team) return team.error();
    if (const auto first = check_not_invited_yet(change, keyring_, parsed); !first) return first.error();
    const auto rows = change.session.query(
        "INSERT INTO invitations (organization_id, team_id, account_id, email, role, hash, invited_by, "
        "created_at, expires_at, addressee) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        {organization->id, parsed.team_id ? db::Value(*parsed.team_id) : db::Value(),
         *account_id ? db::Value(**account_id) : db::Value(), parsed.email, std::string(name(parsed.role)),
         hash, inviter, to_micros(change.now), to_micros(change.now + lifetime_), parsed.account});
    if (!rows) return rows.error();
    auto invitation = read_invitation(change, keyring_, "i.id", rows->at(0).integer(0));
    if (!invitation) return invitation.error();
    issued.invitation = *std::move(invitation);
    return change.record(audit::Action::invitation_created, addressee(issued.invitation),
                         detail(issued.invitation));
  });
  if (!done) return done.error();
  return issued;
}

Result<void> Invitations::accept(const Secret<>& token, std::int64_t account_id,
                                 const audit::Origin& origin) {
  if (!token_is_well_formed(kInvitationPrefix, token.reveal())) return no_invitation();
  return answer(directory_, by_token(keyring_, token), account_id, Answer::accept, Known::by_token, origin);
}

Result<void> Invitations::decline(const Secret<>& token, std::int64_t account_id,
                                  const audit::Origin& origin) {
  if (!token_is_well_formed(kInvitationPrefix, token.reveal())) return no_invitation();
  return answer(directory_, by_token(keyring_, token), account_id, Answer::decline, Known::by_token, origin);
}

Result<void> Invitations::accept(std::int64_t id, std::int64_t account_id, const audit::Origin& origin) {
  return answer(directory_, by_number(keyring_, id), account_id, Answer::accept, Known::by_number, origin);
}

Result<void> Invitations::decline(std::int64_t id, std::int64_t account_id, const audit::Origin& origin) {
  return answer(directory_, by_number(keyring_, id), account_id, Answer::decline, Known::by_number, origin);
}

Result<void> Invitations::revoke(std::int64_t organization_id, std::int64_t id, const audit::Origin& origin) {
  return directory_.change(origin, [&](Change& change) -> Result<void> {
    const auto invitation = read_invitation(change, keyring_, "i.id", id);
    if (!invitation) return invitation.error();
    if (invitation->organization_id != organization_id) return no_invitation();
    return end(change, *invitation, "revoked");
  });
}

Result<std::vector<Invitation>> Invitations::of_organization(std::int64_t organization_id, std::int64_t after,
                                                             std::size_t limit) const {
  return invitations_from(directory_.read_rows(
      select(
          fmt::format("i.organization_id = ? AND i.id > ? AND i.expires_at > ? AND {} ORDER BY i.id LIMIT ?",
                      stands_by(keyring_, "i.hash"))),
      {organization_id, after, to_micros(directory_.now()), sql_limit(limit)}));
}

Result<std::int64_t> Invitations::organization_of(const Secret<>& token) const {
  if (!token_is_well_formed(kInvitationPrefix, token.reveal())) return no_invitation();
  for (const std::string& hash : token_hashes(keyring_, token.reveal())) {
    const auto row =
        directory_.read_row("SELECT organization_id FROM invitations WHERE hash = ? AND expires_at > ?",
                            {hash, to_micros(directory_.now())}, no_invitation());
    if (row) return row->integer(0);
    if (row.error().code != Errc::not_found) return row.error();
  }
  return no_invitation();
}

Result<std::vector<Invitation>> Invitations::of_account(std::int64_t account_id) const {
  return invitations_from(directory_.read_rows(
      select(fmt::format(
          "i.expires_at > ? AND {} AND (i.account_id = ? OR (i.email <> '' AND lower(i.email) = "
          "(SELECT lower(s.email) FROM accounts s WHERE s.id = ? AND s.email_verified = 1 AND NOT EXISTS "
          "(SELECT 1 FROM accounts x WHERE x.id <> s.id AND x.email_verified = 1 AND lower(x.email) = "
          "lower(s.email))))) ORDER BY i.id",
          stands_by(keyring_, "i.hash"))),
      {to_micros(directory_.now()), account_id, account_id}));
}

}  // namespace bulkhead::identity
