// Whatever a person types as their name, the filter asks the same question: it has the shape of the template,
// and the name stands in its values as it is. The input's first line is the template, the rest is the name.
// What is compared as a name has one form.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "ldap/filter.h"
#include "ldap/names.h"
#include "ldap/url.h"

namespace {

using namespace bulkhead::ldap;

void require(bool promise) {
  if (!promise) std::abort();
}

// Of a value of the template: what it says once the placeholders are gone.
std::string replaced(std::string text, std::string_view placeholder, std::string_view value) {
  for (std::size_t at = 0; (at = text.find(placeholder, at)) != text.npos; at += value.size())
    text.replace(at, placeholder.size(), value);
  return text;
}

void check(std::string_view text, FilterKind kind, std::string_view value) {
  if (!check_filter(text, kind)) return;
  if (value.empty()) return;  // refused before a filter is made; two stars with nothing between are none
  const auto before = parse_filter(text);
  const auto after = parse_filter(fill_in(text, value, "cn=x"));
  require(before && after && before->shape == after->shape && before->values.size() == after->values.size());
  for (std::size_t i = 0; i < before->values.size(); ++i) {
    const auto& was = before->values[i];
    // Braces that were written as escapes look like placeholders in the value, and are none.
    if (text.find('\\') != text.npos || value.find('{') != value.npos) continue;
    require(after->values[i].bytes == replaced(replaced(was.bytes, "{name}", value), "{dn}", "cn=x"));
  }
  if (kind == FilterKind::user) require(parse_filter(fill_any(text)).has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t end = input.find('\n');
  const std::string_view text = input.substr(0, end);
  const std::string_view value = end == input.npos ? std::string_view() : input.substr(end + 1);

  check(text, FilterKind::user, value);
  check(text, FilterKind::group, value);
  for (const char* fixed :
       {"(uid={name})", "(&(objectClass=person)(|(uid={name})(mail={name}@example.org)))"})
    check(fixed, FilterKind::user, value);

  const auto alone = parse_filter("(a=" + escape(input) + ")");
  require(alone && alone->shape == "(a=#)" && alone->values.front().bytes == input);
  if (const auto url = parse_url(input)) require(parse_url(url->render()) == url);
  static_cast<void>(parse_urls(input));

  // One form for all spellings is its own form.
  const std::string name = comparable_name(text);
  require(comparable_name(name) == name && name.size() <= 3 * text.size());
  static_cast<void>(comparable_dn(text));
  return 0;
}
