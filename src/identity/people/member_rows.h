// What belongs to a transaction that makes or unmakes a member. Internal to identity/.
#pragma once

#include <optional>

#include "identity/people/members.h"

namespace bulkhead::identity {

// Where a membership comes from: somebody's decision here, or a directory's. A directory's comes and goes
// with it; the other stays.
enum class Source : std::uint8_t { direct, sso };
std::string_view name(Source source);

Result<std::optional<MemberRole>> read_member_role(db::Session& session, std::int64_t organization_id,
                                                   std::int64_t account_id);

// With the event, when it is a change. Does not look whether an owner is left.
Result<void> put_member(Change& change, const Organization& organization, const Account& account,
                        MemberRole role, Source source);
// With all that hung on the membership, and the event.
Result<void> erase_member(Change& change, const Organization& organization, const Account& account);

}  // namespace bulkhead::identity
