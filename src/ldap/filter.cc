#include "ldap/filter.h"

#include <algorithm>
#include <array>

namespace bulkhead::ldap {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";
constexpr std::string_view kName = "{name}";
constexpr std::string_view kDn = "{dn}";
constexpr std::size_t kLongestTemplate = 1024;

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '@';
}

Error wrong(std::string_view kind, std::string_view what) {
  return {Errc::invalid_argument, std::string(kind) + " " + std::string(what)};
}

// Appends `text` with each placeholder replaced by what `replace` says.
template <class Replace>
std::string substitute(std::string_view text, Replace replace) {
  std::string filled;
  while (!text.empty()) {
    std::size_t taken = 1;
    if (text.starts_with(kName) || text.starts_with(kDn)) {
      taken = text.starts_with(kName) ? kName.size() : kDn.size();
      filled += replace(text.substr(0, taken));
    } else {
      filled += text.front();
    }
    text.remove_prefix(taken);
  }
  return filled;
}

// Whether braces are there only as placeholders of the kind.
bool has_only(std::string_view text, FilterKind kind) {
  const std::string rest = substitute(text, [kind](std::string_view placeholder) {
    return kind == FilterKind::user && placeholder == kDn ? std::string("{") : std::string();
  });
  return rest.find_first_of("{}") == std::string::npos;
}

}  // namespace

std::string escape(std::string_view value) {
  std::string text;
  text.reserve(value.size());
  for (const char c : value) {
    if (is_plain(c)) {
      text += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    text += {'\\', kHex[byte >> 4u], kHex[byte & 0x0fu]};
  }
  return text;
}

bool has_placeholder(std::string_view text, std::string_view placeholder) {
  return text.find(placeholder) != std::string_view::npos;
}

std::string fill_in(std::string_view text, std::string_view name, std::string_view dn) {
  return substitute(text,
                    [&](std::string_view placeholder) { return escape(placeholder == kName ? name : dn); });
}

std::string fill_any(std::string_view text) {
  std::string filled = substitute(text, [](std::string_view) { return std::string("*"); });
  const auto both_stars = [](char a, char b) { return a == '*' && b == '*'; };
  filled.erase(std::unique(filled.begin(), filled.end(), both_stars), filled.end());
  return filled;
}

Result<void> check_filter(std::string_view text, FilterKind kind) {
  const std::string_view what = kind == FilterKind::user ? "user_filter" : "group_filter";
  if (text.size() > kLongestTemplate) return wrong(what, "is longer than 1024 bytes");
  const auto parsed = parse_filter(text);
  if (!parsed) return wrong(what, "is not a filter as RFC 4515 writes them, such as (uid={name})");
  if (!has_only(text, kind))
    return wrong(what,
                 kind == FilterKind::user
                     ? "may hold no braces but those of {name}; write \\7b and \\7d for others"
                     : "may hold no braces but those of {name} and {dn}; write \\7b and \\7d for others");
  if (kind == FilterKind::group) {
    if (!has_placeholder(text, kName) && !has_placeholder(text, kDn))
      return wrong(what, "must hold {dn} or {name}, which stand for the person");
    return {};
  }
  if (!has_placeholder(text, kName)) return wrong(what, "must hold {name}, which stands for the person");
  for (const ParsedFilter::Value& value : parsed->values) {
    const bool fits = value.matchable && !value.in_negation;
    if (value.braces && !fits)
      return wrong(what, "may hold {name} only in (attribute={name}) and outside of (!...)");
  }
  return {};
}

}  // namespace bulkhead::ldap
