// The part of Facts that changes roles.

#include <fmt/format.h>

#include <string>
#include <vector>

#include "access/facts_state.h"
#include "oci/quote.h"

namespace bulkhead::access {
namespace {

constexpr std::string_view kTeamPrefix = "team:";

// Who and what a grant is about, found in the database.
struct Found {
  std::int64_t subject_id = 0;
  std::int64_t target_id = 0;
};

// The four kinds of grant differ in their table and its two keys alone.
struct Table {
  std::string name;
  std::string_view target;
  std::string_view subject;

  Table(const GrantSubject& of, const GrantTarget& on)
      : name(fmt::format("{}{}_grants", of.is_team ? "team_" : "",
                         on.is_namespace ? "namespace" : "repository")),
        target(on.is_namespace ? "namespace_id" : "repository_id"),
        subject(of.is_team ? "team_id" : "account_id") {}

  std::string grant() const {
    return fmt::format(
        "INSERT INTO {0} ({1}, {2}, role) VALUES (?, ?, ?) "
        "ON CONFLICT ({1}, {2}) DO UPDATE SET role = excluded.role WHERE {0}.role <> excluded.role",
        name, target, subject);
  }
  std::string count() const { return fmt::format("SELECT COUNT(*) FROM {} WHERE {} = ?", name, target); }
  std::string revoke() const {
    return fmt::format("DELETE FROM {} WHERE {} = ? AND {} = ?", name, target, subject);
  }
};

Error subject_unknown(const GrantSubject& subject, Namer namer) {
  return {
      Errc::not_found,
      fmt::format("there is no {} named {}{}", subject.is_team ? "team" : "account", oci::quote(subject.name),
                  namer ? ", or it is not yours to see: a role is given to those with whom one shares an "
                          "organization, and by an operator to anybody"
                        : "")};
}

// The account's organizations.
constexpr std::string_view kOwnOrganizations =
    "(SELECT organization_id FROM organization_members WHERE account_id = ?)";

// Whether the account or the team x has a role on the target already, or in its namespace. Takes the target's
// id, twice for a repository.
std::string holds_role(const GrantTarget& target, std::string_view kind, std::string_view subject) {
  if (target.is_namespace)
    return fmt::format(
        "EXISTS (SELECT 1 FROM {0}namespace_grants g WHERE g.namespace_id = ? AND g.{1} = x.id)", kind,
        subject);
  return fmt::format(
      "(EXISTS (SELECT 1 FROM {0}repository_grants g WHERE g.repository_id = ? AND g.{1} = x.id) OR "
      "EXISTS (SELECT 1 FROM {0}namespace_grants g JOIN repositories r ON r.namespace_id = g.namespace_id "
      "WHERE r.id = ? AND g.{1} = x.id))",
      kind, subject);
}

// Whether the account may know of the subject; what it may know is written down in facts.h.
Result<bool> may_see(db::Session& session, const GrantSubject& subject, std::int64_t subject_id,
                     const GrantTarget& target, std::int64_t target_id, std::int64_t account) {
  std::string sql;
  std::vector<db::Value> parameters{subject_id};
  if (subject.is_team) {
    sql = fmt::format("SELECT 1 FROM teams x WHERE x.id = ? AND (x.organization_id IN {} OR {})",
                      kOwnOrganizations, holds_role(target, "team_", "team_id"));
    parameters.emplace_back(account);
  } else {
    sql = fmt::format(
        "SELECT 1 FROM accounts x WHERE x.id = ? AND (x.id = ? "
        "OR EXISTS (SELECT 1 FROM organization_members m WHERE m.account_id = x.id AND m.organization_id IN "
        "{0}) "
        "OR EXISTS (SELECT 1 FROM robots b WHERE b.account_id = x.id AND b.organization_id IN {0}) "
        "OR EXISTS (SELECT 1 FROM robots b JOIN repositories r ON r.id = b.repository_id "
        "JOIN namespaces n ON n.id = r.namespace_id WHERE b.account_id = x.id AND "
        "(n.owner_id = ? OR r.owner_id = ? OR n.organization_id IN {0})) OR {1})",
        kOwnOrganizations, holds_role(target, "", "account_id"));
    parameters.insert(parameters.end(), 6, account);
  }
  parameters.insert(parameters.end(), target.is_namespace ? 1 : 2, target_id);
  const auto rows = session.query(sql, parameters);
  if (!rows) return rows.error();
  return !rows->empty();
}

Result<std::int64_t> find_target(db::Session& session, const GrantTarget& target) {
  const auto rows = session.query(target.is_namespace ? "SELECT id FROM namespaces WHERE name = ?"
                                                      : "SELECT id FROM repositories WHERE name = ?",
                                  {target.name});
  if (!rows) return rows.error();
  if (rows->empty())
    return Error{Errc::name_unknown,
                 fmt::format("there is no {} {}", target.is_namespace ? "namespace" : "repository",
                             oci::quote(target.name))};
  return rows->front().integer(0);
}

// 0 for nobody.
Result<std::int64_t> find_subject(db::Session& session, const GrantSubject& subject) {
  const auto slash = subject.name.find('/');
  const auto rows = subject.is_team
                        ? session.query(
                              "SELECT t.id FROM teams t JOIN organizations o ON o.id = t.organization_id "
                              "WHERE o.name = ? AND t.name = ?",
                              {subject.name.substr(0, slash), subject.name.substr(slash + 1)})
                        : session.query("SELECT id FROM accounts WHERE name = ?", {subject.name});
  if (!rows) return rows.error();
  return rows->empty() ? 0 : rows->front().integer(0);
}

Result<Found> find(db::Session& session, const GrantSubject& subject, const GrantTarget& target,
                   Namer namer) {
  const auto target_id = find_target(session, target);
  if (!target_id) return target_id.error();
  const auto subject_id = find_subject(session, subject);
  if (!subject_id) return subject_id.error();
  if (namer) {
    // Asked about nobody as well, so that the time does not tell.
    const auto sees = may_see(session, subject, *subject_id, target, *target_id, *namer);
    if (!sees) return sees.error();
    if (!*sees) return subject_unknown(subject, namer);
  }
  if (*subject_id == 0) return subject_unknown(subject, namer);
  return Found{*subject_id, *target_id};
}

// A repository's robot stays on its repository: its keepers answer for nothing else.
Result<void> check_robot(db::Session& session, const GrantSubject& subject, const GrantTarget& target,
                         const Found& found) {
  if (subject.is_team) return {};
  const auto rows = session.query(
      "SELECT r.id, r.name FROM robots b JOIN repositories r ON r.id = b.repository_id WHERE b.account_id = "
      "?",
      {found.subject_id});
  if (!rows) return rows.error();
  if (rows->empty() || (!target.is_namespace && rows->front().integer(0) == found.target_id)) return {};
  return Error{
      Errc::invalid_argument,
      fmt::format("{} is a robot of {} and can have a role there only; make one for the organization",
                  subject.name, rows->front().text(1))};
}

// What the event's own fields do not say.
std::string detail(const GrantTarget& target, std::string_view role) {
  if (!target.is_namespace) return std::string(role);
  // Names of namespaces and roles need no escaping.
  return fmt::format(R"({{"namespace":"{}","role":"{}"}})", target.name, role);
}

// One component of a name, of which accounts, robots, organizations and teams are made.
bool is_component(std::string_view text) {
  return text.find('/') == std::string_view::npos && oci::RepositoryName::parse(text).has_value();
}

// Bytes that are no name are not sent to the database, which may refuse them in its own way.
Result<void> check_names(const GrantSubject& subject, const GrantTarget& target, Namer namer) {
  if (const auto parsed = parse_grant_subject(render(subject)); !parsed)
    return subject_unknown(subject, namer);
  if (target.is_namespace && target.name.empty()) return {};
  if (const auto name = oci::RepositoryName::parse(target.name); !name) return name.error();
  return {};
}

}  // namespace

Result<GrantTarget> parse_grant_target(std::string_view text) {
  if (text == "/") return GrantTarget{true, ""};
  const bool is_namespace = text.ends_with('/');
  if (is_namespace) text.remove_suffix(1);
  const auto name = oci::RepositoryName::parse(text);
  if (!name) return name.error();
  if (is_namespace && text.find('/') != std::string_view::npos)
    return Error{Errc::name_invalid,
                 fmt::format("{} is no namespace: that is one component and a '/', as in \"team/\"",
                             oci::quote(text))};
  return GrantTarget{is_namespace, name->render()};
}

Result<GrantSubject> parse_grant_subject(std::string_view text) {
  const bool is_team = text.starts_with(kTeamPrefix);
  const std::string_view name = is_team ? text.substr(kTeamPrefix.size()) : text;
  const auto joint = name.find(is_team ? '/' : '+');
  if (joint == std::string_view::npos && !is_team && is_component(name))
    return GrantSubject{false, std::string(name)};
  if (joint != std::string_view::npos && is_component(name.substr(0, joint)) &&
      is_component(name.substr(joint + 1)))
    return GrantSubject{is_team, std::string(name)};
  return Error{
      Errc::name_invalid,
      fmt::format("{} is nobody who can have a role: that is an account such as \"alice\", a robot such "
                  "as \"acme+ci\", or a team such as \"team:acme/platform\"",
                  oci::quote(text))};
}

std::string render(const GrantSubject& subject) {
  return subject.is_team ? fmt::format("{}{}", kTeamPrefix, subject.name) : subject.name;
}

Result<void> Facts::State::change_grant(const GrantSubject& subject, const GrantTarget& target, Namer namer,
                                        const GrantWork& work) {
  if (const auto valid = check_names(subject, target, namer); !valid) return valid.error();
  Found found;
  bool nothing = true;  // was changed, for certain
  const auto done = database.write([&](db::Session& session) -> Result<void> {
    nothing = true;
    const auto both = find(session, subject, target, namer);
    if (!both) return both.error();
    found = *both;
    const auto changed = work(session, found.subject_id, found.target_id);
    if (!changed) return changed.error();
    nothing = !*changed;
    return {};
  });
  if (nothing) return done;
  // Also after an error: a commit whose answer was lost on the way is a commit all the same.
  if (subject.is_team && target.is_namespace)
    namespace_roles.forget_all();
  else if (subject.is_team)
    repository_roles.forget_all();
  else if (target.is_namespace)
    namespace_roles.forget(NamespaceKey<std::string_view>{found.subject_id, target.name});
  else
    repository_roles.forget(RepositoryKey{found.subject_id, found.target_id});
  return done;
}

Result<void> Facts::grant(const GrantSubject& subject, Role role, const GrantTarget& target,
                          const audit::Origin& origin, Namer namer) {
  if (role == Role::none || role == Role::owner)
    return Error{Errc::invalid_argument, fmt::format("the role {} cannot be granted", name(role))};
  const auto work = [&](db::Session& session, std::int64_t subject_id,
                        std::int64_t target_id) -> Result<bool> {
    if (auto fits = check_robot(session, subject, target, {subject_id, target_id}); !fits)
      return fits.error();
    const auto changed =
        session.execute(Table(subject, target).grant(), {target_id, subject_id, std::string(name(role))});
    if (!changed) return changed.error();
    if (*changed == 0) return false;  // it is the role that the subject has
    const auto rows = session.query(Table(subject, target).count(), {target_id});
    if (!rows) return rows.error();
    if (rows->front().integer(0) > state_->limits.grants)
      return Error{
          Errc::conflict,
          fmt::format("{} people and robots, or as many teams, have a role there, which is the most; "
                      "give a team one instead",
                      state_->limits.grants)};
    const auto recorded =
        state_->record(session, audit::Action::grant_set, target.is_namespace ? "" : target.name,
                       render(subject), detail(target, name(role)), origin);
    if (!recorded) return recorded.error();
    return true;
  };
  return state_->change_grant(subject, target, namer, work);
}

Result<void> Facts::revoke(const GrantSubject& subject, const GrantTarget& target,
                           const audit::Origin& origin, Namer namer) {
  const Error none(Errc::not_found,
                   fmt::format("{} has no grant there that could be removed", oci::quote(render(subject))));
  const auto work = [&](db::Session& session, std::int64_t subject_id,
                        std::int64_t target_id) -> Result<bool> {
    const auto changed = session.execute(Table(subject, target).revoke(), {target_id, subject_id});
    if (!changed) return changed.error();
    if (*changed == 0) return none;
    const auto recorded = state_->record(
        session, audit::Action::grant_removed, target.is_namespace ? "" : target.name, render(subject),
        target.is_namespace ? fmt::format(R"({{"namespace":"{}"}})", target.name) : std::string(), origin);
    if (!recorded) return recorded.error();
    return true;
  };
  auto done = state_->change_grant(subject, target, namer, work);
  // Whoever is not there has none, and is not told from others who have none.
  if (!done && namer && done.error().code == Errc::not_found) return none;
  return done;
}

}  // namespace bulkhead::access
