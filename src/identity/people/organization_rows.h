// How organizations are read from their table. Internal to identity/.
#pragma once

#include <string_view>

#include "identity/people/organizations.h"

namespace bulkhead::identity {

// The columns that organization_from() reads, from the table organizations under the name `o`; callers append
// what they need after them.
inline constexpr std::string_view kOrganizationColumns =
    "o.id, o.name, o.display_name, o.member_role, o.created_at, "
    "(SELECT n.id FROM namespaces n WHERE n.organization_id = o.id)";
inline constexpr std::size_t kOrganizationColumnCount = 6;

Organization organization_from(const db::Row& row);
Error no_organization(std::int64_t id);
Result<Organization> read_organization(db::Session& session, std::int64_t id);

}  // namespace bulkhead::identity
