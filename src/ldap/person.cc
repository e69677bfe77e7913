#include "ldap/person.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/utf8.h"

namespace bulkhead::ldap {
namespace {

constexpr std::string_view kHexMark = "hex:";

bool is_text(std::string_view bytes) {
  if (bytes.empty()) return false;
  while (!bytes.empty()) {
    const auto point = take_code_point(bytes);
    if (!point || is_control(*point)) return false;
  }
  return true;
}

std::string first_text(const Entry& entry, std::string_view attribute) {
  auto found = texts(entry, attribute);
  return found.empty() ? "" : std::move(found.front());
}

}  // namespace

std::string render_id(std::string_view bytes) {
  if (is_text(bytes) && !bytes.starts_with(kHexMark)) return std::string(bytes);
  return std::string(kHexMark) + to_hex(as_bytes(bytes));
}

std::optional<std::string> parse_id(std::string_view text) {
  std::optional<std::string> bytes(text);
  if (text.starts_with(kHexMark)) bytes = from_hex(text.substr(kHexMark.size()));
  if (!bytes || bytes->empty() || render_id(*bytes) != text) return std::nullopt;
  return bytes;
}

std::vector<std::string> texts(const Entry& entry, std::string_view attribute) {
  std::vector<std::string> found;
  if (const Attribute* const values = entry.find(attribute))
    std::copy_if(values->values.begin(), values->values.end(), std::back_inserter(found), is_text);
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

Result<Person> read_person(const Entry& entry, const Settings& settings, const Limits& limits) {
  const Attribute* const id = entry.find(settings.id_attribute);
  if (id == nullptr || id->count != 1 || id->values.size() != 1 || id->values.front().empty())
    return Error{Errc::unavailable,
                 fmt::format("the directory shows no single {} of at most {} bytes for this person; check "
                             "id_attribute, and what bind_dn may read",
                             settings.id_attribute, limits.value_bytes)};
  if (!is_text(entry.dn) || entry.dn.size() > limits.value_bytes)
    return Error{Errc::unavailable,
                 fmt::format("the person's entry has a distinguished name of more than {} bytes, "
                             "or one that is not text",
                             limits.value_bytes)};
  Person person;
  person.id = render_id(id->values.front());
  person.dn = entry.dn;
  person.name = first_text(entry, settings.name_attribute);
  person.display_name = first_text(entry, settings.display_name_attribute);
  person.email = first_text(entry, settings.email_attribute);
  return person;
}

std::vector<std::string> person_attributes(const Settings& settings) {
  std::vector<std::string> names = {settings.id_attribute, settings.name_attribute,
                                    settings.display_name_attribute, settings.email_attribute};
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

}  // namespace bulkhead::ldap
