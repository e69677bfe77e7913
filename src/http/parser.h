// The one wrapper of Beast's HTTP/1.1 parser. It adds what a server on the open network must refuse and Beast lets
// pass: folded headers, repeated Content-Length, transfer codings other than chunked, missing or repeated Host, and
// limits on the head that hold before anything is parsed (RFC 9112; request smuggling).
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"
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
  // Looks for a whole head at the front of `buffer`; call again with more bytes while incomplete. When complete, request()
  // refers into `buffer` and head_bytes() of it are used up.
  Head parse(std::string_view buffer);
  std::size_t head_bytes() const { return head_bytes_; }
  const Request& request() const { return request_; }
  const Refusal& refusal() const { return refusal_; }

  // Decodes a chunked body: takes encoded bytes from the front of `in`, puts content into `out`.
  struct Decoded {
    std::size_t consumed = 0;
    std::size_t produced = 0;
    bool done = false;
  };
  std::optional<Decoded> decode(std::string_view in, std::span<std::byte> out);  // nullopt: malformed

  // Ready for the connection's next request.
  void reset();

 private:
  struct Beast;
  bool refuse(unsigned status, std::string message);
  bool check_head(std::string_view head);
  bool interpret();

  const Limits& limits_;
  Request request_;
  Refusal refusal_;
  std::size_t scanned_ = 0;
  std::size_t head_bytes_ = 0;
  std::unique_ptr<Beast> beast_;
};

}  // namespace bulkhead::http
