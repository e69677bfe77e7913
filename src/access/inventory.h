// What there is to manage: namespaces and what they hold, and the roles that were given, a page at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "access/facts.h"
#include "db/database.h"

namespace bulkhead::access {

struct NamespaceDetails {
  std::string name;   // "" is the installation's own
  std::string owner;  // the account's or the organization's name; "" for the installation's own
  bool of_organization = false;
  std::optional<std::int64_t> quota_bytes;
  std::int64_t used_bytes = 0;
};

// All namespaces, or those of one account: its own and those of the organizations that it is an owner of;
// with `only`, those of these ids, at most a hundred. By name after `after`, at most `limit`; the
// installation's own has the name "/" in this order, which is the first.
Result<std::vector<NamespaceDetails>> read_namespaces(
    db::Session& session, std::optional<std::int64_t> owner_id, std::string_view after, std::size_t limit,
    const std::optional<std::vector<std::int64_t>>& only = {});
// Errc::name_unknown.
Result<NamespaceDetails> read_namespace(db::Session& session, std::string_view name);

struct GivenRole {
  GrantSubject subject;
  Role role = Role::none;
};

// The roles given on the target itself, by render(subject) after `after`, at most `limit`. A target that is
// not there has none.
Result<std::vector<GivenRole>> read_given_roles(db::Session& session, const GrantTarget& target,
                                                std::string_view after, std::size_t limit);
// None, or the one of this subject.
Result<std::optional<GivenRole>> read_given_role(db::Session& session, const GrantTarget& target,
                                                 const GrantSubject& subject);

// A role as people write it: "acme+ci" or "team:acme/devs", on "acme/app", "acme/" or "/".
struct WrittenGrant {
  std::string target;
  std::string subject;
  std::string role;
};

// All roles given anywhere, by target, then subject. As many as there are: for those who look after all.
Result<std::vector<WrittenGrant>> read_all_given_roles(db::Session& session);

}  // namespace bulkhead::access
