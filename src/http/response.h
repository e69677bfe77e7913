// An answer: a status, headers and a body that is text, shared bytes or a piece of an open file.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "async/task.h"
#include "base/error.h"

namespace bulkhead::http {

// Bytes kept alive by `owner`; for cached bodies that many answers share.
struct SharedBytes {
  std::shared_ptr<const void> owner;
  std::string_view bytes;
};

// A range of an open file, kept open by `owner`.
struct FileBytes {
  std::shared_ptr<const void> owner;
  int file = -1;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  // When set: the last bytes are sent only after it succeeded; on its error the connection is cut instead, so
  // that the client cannot take the answer for a complete one.
  std::function<async::Task<Result<void>>()> before_tail;
};

// Several ranges of an open file, each behind some text, and text at the end: a multipart body.
struct FileParts {
  struct Part {
    std::string before;
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
  };
  FileBytes file;  // its range is not used
  std::vector<Part> parts;
  std::string after;
};

using Body = std::variant<std::string, SharedBytes, FileBytes, FileParts>;
std::uint64_t body_length(const Body& body);

struct Response {
  unsigned status = 200;
  // Names are constants; values are checked for line breaks when they are written.
  std::vector<std::pair<std::string_view, std::string>> headers;
  Body body;
  // Sent as Content-Length instead of the body's own length: for HEAD.
  std::optional<std::uint64_t> stated_length;
  bool close = false;
  // Of a body in memory that somebody counts: let go when it has been sent or given up, and the time that its
  // reader has for it (zero: as long as it takes a little each idle_timeout).
  std::shared_ptr<const void> counted;
  std::chrono::milliseconds within{0};
  // What the answer does not say and the log does; not sent.
  std::string log_note;

  Response& header(std::string_view name, std::string value) & {
    headers.emplace_back(name, std::move(value));
    return *this;
  }
};

std::string_view reason(unsigned status);
// The status line and headers, ending with the empty line, appended to `out`. `more` are whole lines.
void write_head(std::string& out, const Response& response, bool keep_alive, bool with_length,
                std::string_view date, std::string_view more = {});

}  // namespace bulkhead::http
