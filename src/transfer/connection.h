// HTTP to one registry at a time, over libcurl: a handle whose connections are kept between requests. What
// answers is not trusted:
//
// - Heads, and bodies that are kept, are bounded; a body without a bound goes to a sink, piece by piece.
// - Redirects are followed for GET and HEAD only, five at most, never from https to http, and a credential
//   goes to the scheme, host and port that it was meant for and nowhere else.
// - A server that sends nothing for a minute is given up.
//
// Proxies of the environment are used, as they are for other clients, but not for this machine. Whoever runs
// the command chooses what is connected to: private addresses are as good as public ones.
//
// One request at a time; not thread-safe.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/secret.h"

namespace bulkhead::transfer {

// What may be told to stop: a request that is under way ends with Errc::interrupted soon after.
using Stop = std::atomic<bool>;

struct Request {
  std::string method = "GET";
  std::string url;
  std::vector<std::string> headers = {};  // whole lines
  Secret<> authorization = {};            // the header's value; "" for none
  std::optional<std::string_view> body = {};
  std::size_t largest_body = std::size_t{64} << 10;  // of an answer that is kept
  // Takes the body of a 200 or 206 instead, after its head; false ends the request with what `refusal` says.
  std::function<bool(const struct Answer&, std::string_view)> sink = {};
};

struct Answer {
  unsigned status = 0;
  std::multimap<std::string, std::string> headers = {};  // names in lower case
  std::string body = {};
  std::string url = {};                      // what answered, behind redirects
  std::chrono::seconds retry_after{};        // zero where it does not say
  std::optional<std::uint64_t> length = {};  // Content-Length

  std::string_view header(const std::string& name) const;  // the first of them, or ""
};

class Connection {
 public:
  // `authority`: a PEM file to trust, or "". `stop` must outlive it.
  Connection(std::string authority, const Stop& stop);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Errc::unavailable where nothing answers, or the answer breaks off; Errc::too_large past a bound;
  // Errc::denied for a redirect that is not followed; Errc::interrupted when stopped, or by the sink.
  Result<Answer> send(const Request& request);

 private:
  struct State;
  Result<Answer> once(const Request& request, const std::string& url, bool with_authorization);
  std::unique_ptr<State> state_;
};

// "https://host:port" of a URL, with the port that its scheme stands for; Errc::invalid_argument for what is
// none of http or https, or holds a user.
Result<std::string> origin_of(const std::string& url);
// The host alone, in lower case; "" for none.
std::string host_of(const std::string& url);
// `reference` as it stands in an answer of `base`. Errc::invalid_argument.
Result<std::string> resolve_url(const std::string& base, const std::string& reference);
// Path and query of a URL.
std::string target_of(const std::string& url);

}  // namespace bulkhead::transfer
