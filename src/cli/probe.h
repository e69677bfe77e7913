// One request to a server without a credential, and what is to be seen of it from outside: for status and
// doctor.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"

namespace bulkhead::cli {

struct Question {
  std::string method = "GET";
  std::string path;  // "/readyz"
  std::string body = {};
};
struct Seen {
  unsigned status = 0;
  std::string body;                            // as far as it is looked at
  std::map<std::string, std::string> headers;  // by their names in lower case; the last of each
  std::chrono::milliseconds took{};
  std::optional<Time> certificate_until;  // of the server's, over TLS

  std::string header(const std::string& name) const;
  // How far its clock is ahead of this machine's, to the second; nothing where it does not say.
  std::optional<std::chrono::seconds> ahead() const;
};

// `server` is a URL without a path, `ca` a PEM file to trust, or "". Errc::unavailable, with cause and cure,
// where nothing was answered. Redirects are not followed.
Result<Seen> probe(const std::string& server, const std::string& ca, const Question& question);

// Why curl could not reach a server, and what to do about it; `code` is a CURLcode.
Error unreachable(std::string_view server, int code, std::string_view reason);

}  // namespace bulkhead::cli
