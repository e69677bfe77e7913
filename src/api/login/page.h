// The pages of logging in: HTML without scripts, which loads nothing, is kept by nobody and may be framed by
// nobody.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "http/response.h"

namespace bulkhead::api {

// Fit for an element's text and for an attribute in double quotes.
std::string escape_html(std::string_view text);

struct Page {
  unsigned status = 200;
  std::string_view title;
  std::string body;       // HTML; what comes from outside is escaped
  std::string next = {};  // where the browser goes by itself, "" for nowhere
  // Whether it has a form, whose sender its receiver wants to know.
  bool has_form = false;
  std::chrono::seconds wait{};  // of a 429 or 503, as in Error
};
http::Response render(const Page& page);

}  // namespace bulkhead::api
