// Organizations: a namespace that people share.
//
// Calls block. Thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "identity/people/directory.h"

namespace bulkhead::identity {

// What every member may do in the organization's repositories, without any grant.
enum class MemberAccess : std::uint8_t { none, reader, writer };
std::string_view name(MemberAccess access);
Result<MemberAccess> parse_member_access(std::string_view text);  // Errc::invalid_argument

enum class MemberRole : std::uint8_t { member, owner };
std::string_view name(MemberRole role);
Result<MemberRole> parse_member_role(std::string_view text);  // Errc::invalid_argument

struct Organization {
  std::int64_t id = 0;
  std::string name;
  std::string display_name;
  MemberAccess member_access = MemberAccess::none;
  Time created_at{};
  std::int64_t namespace_id = 0;  // of the namespace of its name
};

class Organizations {
 public:
  explicit Organizations(const Directory& directory) : directory_(directory) {}

  // Makes the namespace of its name, and `creator`, an active person, its first owner. Errc::name_invalid,
  // Errc::invalid_argument, Errc::not_found, Errc::conflict when the name is taken.
  Result<Organization> create(std::string_view name, std::string_view display_name, std::int64_t creator,
                              const audit::Origin& origin);

  // Errc::not_found.
  Result<Organization> find(std::string_view name) const;
  Result<Organization> find(std::int64_t id) const;
  // In byte order of their names after `after` (exclusive), at most `limit`.
  Result<std::vector<Organization>> list(std::string_view after, std::size_t limit) const;

  // Also the namespace, its repositories and its robots; all ids stay, and with them every grant and token.
  // Whoever takes the old name afterwards gets nothing old. Errc::conflict, Errc::name_invalid.
  Result<void> rename(std::int64_t id, std::string_view new_name, const audit::Origin& origin);
  // What is not given stays.
  Result<void> update(std::int64_t id, std::optional<std::string_view> display_name,
                      std::optional<MemberAccess> member_access, const audit::Origin& origin);
  // With its teams, robots, invitations and policy. Errc::conflict while it has repositories.
  Result<void> remove(std::int64_t id, const audit::Origin& origin);

 private:
  const Directory& directory_;
};

}  // namespace bulkhead::identity
