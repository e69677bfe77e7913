// Pages for people: HTML without scripts, which loads nothing but its icon, is kept by nobody and may be
// framed by nobody.
#pragma once

#include <fmt/format.h>

#include <chrono>
#include <concepts>
#include <string>
#include <string_view>
#include <utility>

#include "base/shown.h"
#include "http/response.h"

namespace bulkhead::api {

// Text that is HTML: written in the program, or made of that by html(). A text from outside is none, so that
// a page can hold it escaped only.
class Html {
 public:
  Html() = default;
  template <std::size_t kSize>
  Html(const char (&literal)[kSize]) : text_(literal, kSize - 1) {}  // NOLINT(google-explicit-constructor)

  const std::string& text() const { return text_; }
  bool empty() const { return text_.empty(); }
  Html& operator+=(const Html& more) {
    text_ += more.text_;
    return *this;
  }

 private:
  struct Made {};
  Html(Made, std::string text) : text_(std::move(text)) {}
  template <class... T>
  friend Html html(std::string_view format, const T&... arguments);
  std::string text_;
};

namespace html_detail {
template <class T>
std::string escaped(const T& argument) {
  if constexpr (std::same_as<T, Html>)
    return argument.text();
  else
    return shown(std::string_view(argument), Shown::html);
}
}  // namespace html_detail

// As fmt::format, with what is no Html made fit for an element's text and for an attribute in double quotes.
template <class... T>
Html html(std::string_view format, const T&... arguments) {
  const auto fill = [format](const auto&... texts) {
    return fmt::vformat(format, fmt::make_format_args(texts...));
  };
  return Html(Html::Made(), fill(html_detail::escaped(arguments)...));
}

struct Page {
  unsigned status = 200;
  std::string_view title;
  Html body;
  std::string next = {};  // where the browser goes by itself, "" for nowhere
  // Whether it has a form, whose sender its receiver wants to know.
  bool has_form = false;
  std::chrono::seconds wait{};  // of a 429 or 503, as in Error
};
// `host`: whose page it is, as people call it: "registry.example.com", or "" where nobody has said.
http::Response render(const Page& page, std::string_view host);

// The icon that they name, at kIconPath.
inline constexpr std::string_view kIconPath = "/favicon.svg";
http::Response icon();

}  // namespace bulkhead::api
