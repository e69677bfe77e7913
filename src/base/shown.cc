#include "base/shown.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "base/utf8.h"

namespace bulkhead {
namespace {

struct Range {
  char32_t first;
  char32_t last;
};

// Unicode's Default_Ignorable_Code_Point and Bidi_Control (DerivedCoreProperties.txt, UAX 9), line and
// paragraph separators, interlinear annotations, noncharacters. Not among them: the variation selectors
// U+FE00 to U+FE0F, which choose between two looks of the character before them, and the joiners, which
// is_joiner_in_place() judges. In order.
constexpr std::array kHidden{
    Range{0x00ad, 0x00ad},    // soft hyphen
    Range{0x034f, 0x034f},    // combining grapheme joiner
    Range{0x061c, 0x061c},    // Arabic letter mark
    Range{0x115f, 0x1160},    // Hangul fillers
    Range{0x17b4, 0x17b5},    // Khmer inherent vowels
    Range{0x180b, 0x180f},    // Mongolian selectors and vowel separator
    Range{0x200b, 0x200f},    // zero width, direction marks
    Range{0x2028, 0x202e},    // line and paragraph ends, direction
    Range{0x2060, 0x206f},    // invisible operators, isolates, deprecated formats
    Range{0x3164, 0x3164},    // Hangul filler
    Range{0xfdd0, 0xfdef},    // noncharacters
    Range{0xfeff, 0xfeff},    // byte order mark
    Range{0xffa0, 0xffa0},    // half-width Hangul filler
    Range{0xfff0, 0xfffb},    // reserved, interlinear annotations
    Range{0x1bca0, 0x1bca3},  // shorthand formats
    Range{0x1d173, 0x1d17a},  // musical formats
    Range{0xe0000, 0xe0fff},  // tags, variation selectors
};

bool is_hidden(char32_t point) {
  if (is_control(point) || (point & 0xfffe) == 0xfffe) return true;
  const auto* const found = std::ranges::lower_bound(kHidden, point, {}, &Range::last);
  return found != kHidden.end() && found->first <= point;
}

// U+200C and U+200D are the business of letters in many scripts, and of emoji; between Latin letters they
// only make two names that look the same.
constexpr char32_t kFirstOfJoined = 0x0590;
bool is_joiner_in_place(char32_t before, char32_t point, std::string_view rest) {
  if ((point != 0x200c && point != 0x200d) || before < kFirstOfJoined || rest.empty()) return false;
  const auto after = take_code_point(rest);
  return after && *after >= kFirstOfJoined && !is_hidden(*after);
}

void escape_utf16(std::string& out, char32_t point) {
  auto to = std::back_inserter(out);
  if (point < 0x10000) {
    fmt::format_to(to, "\\u{:04x}", static_cast<unsigned>(point));
    return;
  }
  const auto above = static_cast<unsigned>(point) - 0x10000;
  fmt::format_to(to, "\\u{:04x}\\u{:04x}", 0xd800 + (above >> 10), 0xdc00 + (above & 0x3ff));
}

void write_hidden(std::string& out, char32_t point, Shown as) {
  auto to = std::back_inserter(out);
  switch (as) {
    case Shown::json: escape_utf16(out, point); return;
    case Shown::document:
      // The line breaks and tabs of a document stand between its values.
      if (point == '\n' || point == '\t' || point == '\r')
        out.push_back(static_cast<char>(point));
      else
        escape_utf16(out, point);
      return;
    case Shown::toml: fmt::format_to(to, "\\U{:08x}", static_cast<unsigned>(point)); return;
    case Shown::lines:
      if (point == '\n') {
        out.push_back('\n');
        return;
      }
      break;
    case Shown::line:
    case Shown::html: break;
  }
  switch (point) {
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default: fmt::format_to(to, "\\u{{{:x}}}", static_cast<unsigned>(point));
  }
}

void write_bad_byte(std::string& out, char byte, Shown as) {
  if (as == Shown::json || as == Shown::document || as == Shown::toml)
    out += "\xef\xbf\xbd";
  else
    fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(byte));
}

// ASCII that the form itself gives a meaning; nothing for the rest.
std::string_view entity(char c, Shown as) {
  if (as == Shown::json || as == Shown::toml) {
    if (c == '"') return "\\\"";
    if (c == '\\') return "\\\\";
  }
  if (as != Shown::html) return {};
  switch (c) {
    case '&': return "&amp;";
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '"': return "&quot;";
    case '\'': return "&#39;";
    default: return {};
  }
}

}  // namespace

std::string shown(std::string_view outside, Shown as) {
  std::string out;
  out.reserve(outside.size());
  char32_t before = 0;
  for (std::string_view rest = outside; !rest.empty();) {
    const char first = rest.front();
    if (first >= ' ' && first <= '~') {
      if (const std::string_view written = entity(first, as); !written.empty())
        out += written;
      else
        out.push_back(first);
      before = static_cast<unsigned char>(first);
      rest.remove_prefix(1);
      continue;
    }
    const std::string_view from = rest;
    const auto point = take_code_point(rest);
    if (!point) {
      write_bad_byte(out, first, as);
      rest.remove_prefix(1);
      before = 0;
      continue;
    }
    if (is_hidden(*point) && !is_joiner_in_place(before, *point, rest))
      write_hidden(out, *point, as);
    else
      out += from.substr(0, from.size() - rest.size());
    before = *point;
  }
  return out;
}

std::string ascii(std::string_view text) {
  // What this program's own sentences have in them.
  struct Sign {
    char32_t point;
    std::string_view text;
  };
  static constexpr std::array kSigns = {Sign{U'\u2026', "..."}, Sign{U'\u2013', "-"}, Sign{U'\u2014', "-"},
                                        Sign{U'\u2018', "'"},   Sign{U'\u2019', "'"}, Sign{U'\u201c', "\""},
                                        Sign{U'\u201d', "\""},  Sign{U'\u2192', "->"}};
  std::string out;
  while (!text.empty()) {
    if (const char c = text.front(); static_cast<unsigned char>(c) < 0x80) {
      out.push_back(c);
      text.remove_prefix(1);
      continue;
    }
    const std::string_view before = text;
    const auto point = take_code_point(text);
    if (!point) {
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(before.front()));
      text = before.substr(1);
      continue;
    }
    const auto* const sign = std::ranges::find(kSigns, *point, &Sign::point);
    if (sign != kSigns.end())
      out += sign->text;
    else
      fmt::format_to(std::back_inserter(out), "\\u{{{:x}}}", static_cast<unsigned>(*point));
  }
  return out;
}

bool shows(std::string_view text) { return shown(text) == text; }

std::string quote(std::string_view text) {
  constexpr std::size_t kShown = 80;
  std::string out = "\"";
  for (const char character : text.substr(0, kShown)) {
    if (character == '"' || character == '\\') {
      out += {'\\', character};
    } else if (character >= ' ' && character <= '~') {
      out += character;
    } else {
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(character));
    }
  }
  out += text.size() > kShown ? "...\"" : "\"";
  return out;
}

std::string shell_quote(std::string_view text) {
  const bool plain = !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("/._-+:,@%").find(c) != std::string_view::npos;
  });
  if (plain) return std::string(text);
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

}  // namespace bulkhead
