#include "ldap/names.h"

#include <fmt/format.h>
#include <ldap.h>
#include <locale.h>
#include <wctype.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/utf8.h"

namespace bulkhead::ldap {
namespace {

// RFC 4514 section 3, and the long names of the same (RFC 4519).
constexpr std::array<std::pair<std::string_view, std::string_view>, 18> kTypes = {{
    {"2.5.4.3", "cn"},
    {"commonname", "cn"},
    {"2.5.4.7", "l"},
    {"localityname", "l"},
    {"2.5.4.8", "st"},
    {"stateorprovincename", "st"},
    {"2.5.4.10", "o"},
    {"organizationname", "o"},
    {"2.5.4.11", "ou"},
    {"organizationalunitname", "ou"},
    {"2.5.4.6", "c"},
    {"countryname", "c"},
    {"2.5.4.9", "street"},
    {"streetaddress", "street"},
    {"0.9.2342.19200300.100.1.25", "dc"},
    {"domaincomponent", "dc"},
    {"0.9.2342.19200300.100.1.1", "uid"},
    {"userid", "uid"},
}};

std::string_view view(const berval& value) { return {value.bv_val, value.bv_len}; }

std::string small_ascii(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

std::string comparable_type(std::string_view type) {
  std::string small = small_ascii(type);
  const auto known = std::ranges::find(kTypes, std::string_view(small),
                                       &std::pair<std::string_view, std::string_view>::first);
  return known == kTypes.end() ? small : std::string(known->second);
}

// Of Unicode, whatever the locale of the process is; without one ASCII letters alone are made small.
class Letters {
 public:
  Letters() : locale_(::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)) {}
  Letters(const Letters&) = delete;
  Letters& operator=(const Letters&) = delete;
  ~Letters() {
    if (locale_ != nullptr) ::freelocale(locale_);
  }

  char32_t small(char32_t point) const {
    if (point >= U'A' && point <= U'Z') return point - U'A' + U'a';
    if (point < 0x80 || locale_ == nullptr) return point;
    return static_cast<char32_t>(::towlower_l(static_cast<wint_t>(point), locale_));
  }

 private:
  locale_t locale_;
};

void append_utf8(std::string& out, char32_t point) {
  const auto put = [&](char32_t byte) { out += static_cast<char>(byte); };
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xc0 | point >> 6);
    put(0x80 | (point & 0x3f));
  } else if (point < 0x10000) {
    put(0xe0 | point >> 12);
    put(0x80 | (point >> 6 & 0x3f));
    put(0x80 | (point & 0x3f));
  } else {
    put(0xf0 | point >> 18);
    put(0x80 | (point >> 12 & 0x3f));
    put(0x80 | (point >> 6 & 0x3f));
    put(0x80 | (point & 0x3f));
  }
}

// Lengths stand before the parts, so that no value can look like two.
std::string comparable_part(const LDAPAVA& part) {
  const std::string value = (part.la_flags & LDAP_AVA_BINARY) != 0
                                ? "#" + to_hex(as_bytes(view(part.la_value)))
                                : comparable_name(view(part.la_value));
  return fmt::format("{}={}:{}", comparable_type(view(part.la_attr)), value.size(), value);
}

}  // namespace

std::string comparable_name(std::string_view text) {
  const Letters letters;
  std::string out;
  bool space = false;
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view before = rest;
    const auto point = take_code_point(rest);
    if (point && (*point == U' ' || *point == 0xa0)) {
      space = true;
      continue;
    }
    if (space && !out.empty()) out += ' ';
    space = false;
    if (point) {
      append_utf8(out, letters.small(*point));
    } else {  // not text: byte by byte
      out += before.front();
      rest = before.substr(1);
    }
  }
  return out;
}

std::string comparable_dn(std::string_view text) {
  LDAPDN parsed = nullptr;
  const int result = ::ldap_str2dn(std::string(text).c_str(), &parsed, LDAP_DN_FORMAT_LDAPV3);
  const std::unique_ptr<LDAPRDN, decltype(&::ldap_dnfree)> dn(parsed, &::ldap_dnfree);
  if (result != LDAP_SUCCESS || dn == nullptr) return comparable_name(text);
  std::string out;
  for (LDAPRDN* rdn = dn.get(); *rdn != nullptr; ++rdn) {
    std::vector<std::string> parts;
    for (LDAPAVA** part = *rdn; *part != nullptr; ++part) parts.push_back(comparable_part(**part));
    std::ranges::sort(parts);
    for (const std::string& part : parts) out += part + '+';
    out += ',';
  }
  return out;
}

std::string comparable_group(const Settings& settings, std::string_view text) {
  return settings.group_name_attribute == "dn" ? comparable_dn(text) : comparable_name(text);
}

}  // namespace bulkhead::ldap
