// Names as directories compare them: letter case and how many spaces there are do not matter
// (caseIgnoreMatch, RFC 4517 section 4.2.11, prepared as RFC 4518 says in short), and of a distinguished name
// (RFC 4514) neither do the spelling of escapes and attribute types, nor the order within a relative one
// (distinguishedNameMatch, section 4.2.15).
//
// Each function makes one form of all spellings, for comparing alone. Pure.
#pragma once

#include <string>
#include <string_view>

#include "ldap/directory.h"

namespace bulkhead::ldap {

std::string comparable_name(std::string_view text);
// What is no distinguished name is compared as a name.
std::string comparable_dn(std::string_view text);
// A group as the settings name them: by a distinguished name, or by an attribute that is taken to be a name.
std::string comparable_group(const Settings& settings, std::string_view text);

}  // namespace bulkhead::ldap
