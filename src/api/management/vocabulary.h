// Descriptions that several resources use.
#pragma once

#include "api/management/schema.h"

namespace bulkhead::api::management {

inline constexpr std::string_view kRoleWords[] = {"reader", "writer", "maintainer"};
inline constexpr std::string_view kActionWords[] = {"pull", "push", "delete"};
inline constexpr std::string_view kMemberRoleWords[] = {"member", "owner"};
inline constexpr std::string_view kMemberAccessWords[] = {"none", "reader", "writer"};

// What is given as a name is looked at more closely by whoever makes the thing.
inline constexpr Schema kGivenName = text(1, 255);
inline constexpr Schema kAnyName = text(0, 255, kNameCharacters);
inline constexpr Schema kDisplayName = text(0, 128);
inline constexpr Schema kDescription = text(0, 256);
inline constexpr Schema kEmail = text(0, 254, kPrintable, "email");
inline constexpr Schema kPassword = secret_text(4096);
inline constexpr Schema kCode = secret_text(64);
inline constexpr Schema kSecret = text(1, 200, kVisible);  // shown once
inline constexpr Schema kFlag = boolean();
inline constexpr Schema kTime = text(1, 40, kVisible, "date-time");
inline constexpr Schema kId = integer(1, INT64_MAX);
inline constexpr Schema kCount = integer(0, INT64_MAX);
inline constexpr Schema kRole = choice(kRoleWords);
inline constexpr Schema kMemberRole = choice(kMemberRoleWords);
inline constexpr Schema kMemberAccess = choice(kMemberAccessWords);
inline constexpr Schema kPattern = text(0, 255);
inline constexpr Schema kSeconds = integer(0, INT64_C(31'536'000));
inline constexpr Schema kAddress = text(0, 64, kPrintable);
inline constexpr Schema kClient = text(0, 1024);
inline constexpr Schema kNetwork = text(1, 64, kVisible);
inline constexpr Schema kNetworks = list(kNetwork, 64);
inline constexpr Schema kAction = choice(kActionWords);
inline constexpr Schema kActions = list(kAction, 3);

}  // namespace bulkhead::api::management
