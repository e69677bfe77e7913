// What an entry says about a person. All of it is text that somebody else wrote.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "ldap/connection.h"
#include "ldap/directory.h"

namespace bulkhead::ldap {

// An id as text, and back. Well-formed UTF-8 without control characters stands for itself; other bytes
// (Active Directory's objectGUID) and what begins with "hex:" are written as "hex:" and lower-case hex, so
// that no two values are written alike.
std::string render_id(std::string_view bytes);
std::optional<std::string> parse_id(std::string_view text);

// The values that are text to show: not empty, well-formed UTF-8, without control characters; sorted, each
// once.
std::vector<std::string> texts(const Entry& entry, std::string_view attribute);

// Without groups. Of several names the first in byte order. Errc::unavailable when the entry has not exactly
// one id, since the settings name the wrong attribute then.
Result<Person> read_person(const Entry& entry, const Settings& settings, const Limits& limits);

// The attributes that read_person() reads.
std::vector<std::string> person_attributes(const Settings& settings);

}  // namespace bulkhead::ldap
