// What commands print. say() formats one piece of text like fmt::print, but each text among its arguments is
// made safe to show first (base/shown.h), so that nothing that somebody else chose drives a terminal or
// forges a line. Nothing else in the program writes to standard output or standard error, which the test
// layout.printing holds it to.
//
// Output that cannot be written (a full disk, a pipe that nobody reads) throws OutputFailed: what a command
// was run for has not happened, so it ends there. Standard error is written as well as it goes.
#pragma once

#include <fmt/format.h>

#include <concepts>
#include <exception>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/error.h"
#include "base/shown.h"

namespace bulkhead {

class OutputFailed : public std::exception {
 public:
  explicit OutputFailed(int error_number);
  const char* what() const noexcept override { return message_.c_str(); }

 private:
  std::string message_;  // "cannot write the output: No space left on device"
};

// Text of several lines, each made safe: a table, a page of the reference.
void say_lines(std::string_view text);
// A JSON document, on a line of its own.
void say_json(std::string_view document);
// The same as say_lines() to standard error.
void tell_lines(std::string_view text);
// Throws OutputFailed where something could not be written.
void flush_output();
// Gives standard input, output and error a place where this process was started without one: a database must
// never be opened as standard output.
void hold_standard_streams();

// Whether the environment's locale (LC_ALL, LC_CTYPE, LANG) can show more than ASCII.
bool locale_has_utf8();

// On a terminal whose locale has no UTF-8, both write what it can show (ascii() of base/shown.h); a pipe gets
// every byte.
//
// As it is, to standard output and to standard error: for what was made safe, or drawn by this program.
void say_exactly(std::string_view text);
void tell_exactly(std::string_view text);

namespace say_detail {

// Texts are made safe; numbers stay what they are.
template <class T>
auto safe(const T& argument) {
  if constexpr (std::convertible_to<const T&, std::string_view>)
    return shown(std::string_view(argument));
  else
    return argument;
}
template <class T>
using Safe = decltype(safe(std::declval<const T&>()));

}  // namespace say_detail

template <class... T>
void say(fmt::format_string<say_detail::Safe<T>...> format, const T&... arguments) {
  say_exactly(fmt::format(format, say_detail::safe(arguments)...));
}
// To standard error: for whoever sits there, not for whoever reads the output.
template <class... T>
void tell(fmt::format_string<say_detail::Safe<T>...> format, const T&... arguments) {
  tell_exactly(fmt::format(format, say_detail::safe(arguments)...));
}

}  // namespace bulkhead
