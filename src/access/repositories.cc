// The part of Facts that changes and lists repositories.

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "access/facts_state.h"
#include "oci/quote.h"

namespace bulkhead::access {
namespace {

constexpr std::size_t kLongestPattern = 128;  // a tag's length

Result<void> check_pattern(std::string_view pattern) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("._-*").find(c) != std::string_view::npos;
  };
  if (pattern.size() <= kLongestPattern && std::ranges::all_of(pattern, fits)) return {};
  return Error{
      Errc::invalid_argument,
      fmt::format(
          "{} is no pattern of tags: at most {} characters of a-z, A-Z, 0-9, '.', '_', '-', and '*' for "
          "any run of characters",
          oci::quote(pattern), kLongestPattern)};
}

// Text that every database takes, before and after which the same names stand: names are ASCII without
// control characters, so a NUL sorts like an end and anything past ASCII sorts like DEL.
std::string comparable(std::string_view last) {
  const auto strange =
      std::ranges::find_if(last, [](char c) { return c == '\0' || static_cast<unsigned char>(c) > 0x7f; });
  std::string text(last.begin(), strange);
  if (strange != last.end() && *strange != '\0') text.push_back('\x7f');
  return text;
}

std::string_view name_of(Visibility visibility) {
  return visibility == Visibility::public_ ? "public" : "private";
}

}  // namespace

Result<void> Facts::State::change(const oci::RepositoryName& name, const RepositoryWork& work) {
  const auto done = database.write([&](db::Session& session) -> Result<void> {
    const auto repository = read_repository(session, name);
    if (!repository) return repository.error();
    if (*repository == nullptr) return repository_unknown(name);
    return work(session, **repository);
  });
  // Also after an error: a commit whose answer was lost on the way is a commit all the same.
  repositories.forget(name.render());
  return done;
}

void Facts::State::forget_role(std::int64_t account_id, std::int64_t target_id, const GrantTarget& target) {
  if (account_id == 0) return;
  if (target.is_namespace)
    namespace_roles.forget(NamespaceKey<std::string_view>{account_id, target.name});
  else
    repository_roles.forget(RepositoryKey{account_id, target_id});
}

Result<void> Facts::set_visibility(const oci::RepositoryName& name, Visibility visibility,
                                   const audit::Origin& origin) {
  return state_->change(name, [&](db::Session& session, const Repository& repository) -> Result<void> {
    if (repository.visibility == visibility) return {};
    const std::string text(name_of(visibility));
    const auto done =
        session.execute("UPDATE repositories SET visibility = ? WHERE id = ?", {text, repository.id});
    if (!done) return done.error();
    return state_->record(session, audit::Action::repository_visibility_changed, name.render(), "", text,
                          origin);
  });
}

Result<void> Facts::set_immutable_tags(const oci::RepositoryName& name, std::string_view pattern,
                                       const audit::Origin& origin) {
  if (const auto valid = check_pattern(pattern); !valid) return valid.error();
  return state_->change(name, [&](db::Session& session, const Repository& repository) -> Result<void> {
    if (repository.immutable_tags == pattern) return {};
    const auto done = session.execute("UPDATE repositories SET immutable_tags = ? WHERE id = ?",
                                      {std::string(pattern), repository.id});
    if (!done) return done.error();
    // A pattern needs no escaping.
    return state_->record(session, audit::Action::repository_policy_changed, name.render(), "",
                          fmt::format(R"({{"immutable_tags":"{}"}})", pattern), origin);
  });
}

Result<void> Facts::set_quota(std::string_view namespace_name, std::optional<std::uint64_t> bytes,
                              const audit::Origin& origin) {
  if (bytes && *bytes > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
    return Error{Errc::invalid_argument,
                 fmt::format("a quota of {} bytes is more than can be counted", *bytes)};
  if (!namespace_name.empty() && !oci::RepositoryName::parse(namespace_name))
    return namespace_unknown(namespace_name);
  const db::Value quota = bytes ? db::Value(static_cast<std::int64_t>(*bytes)) : db::Value();
  return state_->database.write([&](db::Session& session) -> Result<void> {
    const auto done = session.execute("UPDATE namespaces SET quota_bytes = ? WHERE name = ?",
                                      {quota, std::string(namespace_name)});
    if (!done) return done.error();
    if (*done == 0) return namespace_unknown(namespace_name);
    return state_->record(session, audit::Action::namespace_quota_changed, "",
                          fmt::format("{}/", namespace_name), bytes ? fmt::to_string(*bytes) : "none",
                          origin);
  });
}

Result<void> Facts::remove(const oci::RepositoryName& name, const audit::Origin& origin) {
  return state_->change(name, [&](db::Session& session, const Repository& repository) -> Result<void> {
    // Before the links go that the sum is taken over.
    const auto lowered = session.execute(
        "UPDATE namespaces SET used_bytes = used_bytes - (SELECT COALESCE(SUM(b.size), 0) FROM "
        "repository_blobs r "
        "JOIN blobs b ON b.digest = r.digest WHERE r.repository_id = ?) WHERE id = ?",
        {repository.id, repository.namespace_id});
    if (!lowered) return lowered.error();
    for (const std::string_view sql :
         {"DELETE FROM tags WHERE repository_id = ?", "DELETE FROM manifests WHERE repository_id = ?",
          "DELETE FROM repository_blobs WHERE repository_id = ?",
          "DELETE FROM repository_grants WHERE repository_id = ?", "DELETE FROM repositories WHERE id = ?"}) {
      if (const auto done = session.execute(sql, {repository.id}); !done) return done.error();
    }
    return state_->record(session, audit::Action::repository_deleted, name.render(), "", {}, origin);
  });
}

Result<std::vector<std::string>> Facts::catalog(const Principal& principal, std::string_view last,
                                                std::size_t limit) {
  // One branch for each reason to read, each answered from an index: the cost is that of what the caller may
  // read. Deciding row by row would walk every repository that is not the caller's.
  std::vector<std::string_view> branches;
  std::vector<db::Value> parameters;
  const auto size =
      static_cast<std::int64_t>(std::min<std::size_t>(limit, std::numeric_limits<std::int32_t>::max()));
  const auto branch = [&](std::string_view sql, std::optional<std::int64_t> account_id) {
    branches.push_back(sql);
    if (account_id) parameters.emplace_back(*account_id);
    parameters.emplace_back(comparable(last));
    parameters.emplace_back(size);
  };
  if (!principal.anonymous() || state_->anonymous_pull)
    branch(
        "SELECT r.name FROM repositories r WHERE r.visibility = 'public' AND r.name > ? ORDER BY r.name "
        "LIMIT ?",
        {});
  if (!principal.anonymous()) {
    branch(
        "SELECT r.name FROM namespaces n JOIN repositories r ON r.namespace_id = n.id "
        "WHERE n.owner_id = ? AND r.name > ? ORDER BY r.name LIMIT ?",
        principal.account_id);
    branch(
        "SELECT r.name FROM namespace_grants g JOIN repositories r ON r.namespace_id = g.namespace_id "
        "WHERE g.account_id = ? AND r.name > ? ORDER BY r.name LIMIT ?",
        principal.account_id);
    branch(
        "SELECT r.name FROM repository_grants g JOIN repositories r ON r.id = g.repository_id "
        "WHERE g.account_id = ? AND r.name > ? ORDER BY r.name LIMIT ?",
        principal.account_id);
  }
  if (principal.administrator)
    branch(
        "SELECT r.name FROM namespaces n JOIN repositories r ON r.namespace_id = n.id "
        "WHERE n.name = '' AND r.name > ? ORDER BY r.name LIMIT ?",
        {});
  std::vector<std::string> names;
  if (branches.empty() || limit == 0) return names;

  std::string sql;
  for (std::size_t i = 0; i < branches.size(); ++i)
    sql += fmt::format("{}SELECT name FROM ({}) AS reason_{}", i == 0 ? "" : " UNION ", branches[i], i);
  sql = fmt::format("SELECT name FROM ({}) AS readable ORDER BY name LIMIT ?", sql);
  parameters.emplace_back(size);
  const auto done = state_->database.read([&](db::Session& session) -> Result<void> {
    const auto rows = session.query(sql, parameters);
    if (!rows) return rows.error();
    names.clear();
    for (const db::Row& row : *rows) names.push_back(row.text(0));
    return {};
  });
  if (!done) return done.error();
  return names;
}

}  // namespace bulkhead::access
