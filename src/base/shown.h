// Makes text from outside safe to show: on a terminal, in a log, on a page, in a message. Everything that a
// terminal obeys, that changes the order of a line or hides in it is written out instead: the controls C0,
// DEL and C1; marks and overrides of direction; what has no width, or is never seen; tags; bytes that are no
// UTF-8. What a person can see stays as it is, in whatever script.
//
// Whoever prints text that somebody else chose passes it through here (base/say.h does so by itself), and
// whoever keeps such text for others to see can ask shows() first.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace bulkhead {

enum class Shown : std::uint8_t {
  line,      // one line of text: \u{202e}, \n, \x9b for a byte
  lines,     // the same, and line feeds stay
  json,      // what stands between the quotes of a JSON string (RFC 8259 section 7); a bad byte is U+FFFD
  document,  // JSON that is written already: the same text, with every such character as \u202e
  toml,      // what stands between the quotes of a basic string
  html,      // an element's text or an attribute in double quotes
};
std::string shown(std::string_view outside, Shown as = Shown::line);

// What a terminal without UTF-8 can show of a text that is safe already: the usual signs as ASCII has them,
// all else written out as \u{e9}.
std::string ascii(std::string_view text);

// Whether it is one line of UTF-8 that shown() leaves as it is.
bool shows(std::string_view text);

// In double quotes, cut after 80 bytes, and with everything but printable ASCII as \xNN: a value in an error
// message, where what it looks like is less use than what it is.
std::string quote(std::string_view text);

// For people: fit for one argument of a shell.
std::string shell_quote(std::string_view text);

}  // namespace bulkhead
