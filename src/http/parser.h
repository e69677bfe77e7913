// The one wrapper of Beast's HTTP/1.1 parser; it reads heads. It adds what a server on the open network must
// refuse and Beast lets pass: folded headers, repeated Content-Length, transfer codings other than chunked,
// missing, repeated or malformed Host, and limits on the head that hold before anything is parsed (RFC 9112;
// request smuggling).
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "http/limits.h"
#include "http/request.h"

namespace bulkhead::http {

// A request that is answered by the protocol layer itself; the connection closes after it.
struct Refusal {
  unsigned status = 400;
  std::string message;
};

class RequestParser {
 public:
  explicit RequestParser(const Limits& limits);
  ~RequestParser();

  enum class Head { incomplete, complete, refused };
  // Looks for a whole head at the front of `buffer`; call again with more bytes while incomplete. When
  // complete, request() refers into `buffer` and head_bytes() of it are used up. What cannot become a head is
  // refused at its first bytes.
  Head parse(std::string_view buffer);
  std::size_t head_bytes() const { return head_bytes_; }
  const Request& request() const { return request_; }
  const Refusal& refusal() const { return refusal_; }

  // Ready for the connection's next request.
  void reset();

 private:
  struct Beast;
  bool refuse(unsigned status, std::string message);
  bool check_beginning(std::string_view buffer, std::size_t from);
  bool check_head(std::string_view head);
  bool check_single_fields();
  bool interpret();
  bool interpret_target();
  bool interpret_header(const HeaderView& header);

  const Limits& limits_;
  Request request_;
  Refusal refusal_;
  std::size_t scanned_ = 0;
  std::size_t head_bytes_ = 0;
  std::unique_ptr<Beast> beast_;
};

}  // namespace bulkhead::http
