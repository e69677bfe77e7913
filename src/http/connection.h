// One client connection's life: handshake, then requests until either side has enough. Internal to http/.
#pragma once

#include <boost/intrusive/list.hpp>
#include <memory>
#include <optional>
#include <string>

#include "http/crowd.h"
#include "http/server.h"
#include "net/stream.h"

namespace bulkhead::http {

// What the connections of one server share; read-only but for the counters.
struct Shared {
  async::OffloadPool& files;
  Limits limits;
  Hooks hooks;
  Log& log;
  std::atomic<bool> stopping{false};
  Counters counters;
};

class Connection
    : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  Connection(Shared& shared, net::Socket socket, net::SslPointer tls, net::Sweeper& sweeper,
             std::string address, std::optional<Networks> networks);

  async::Task<> run();
  // On the connection's loop: ends it if it is between requests, or at any point when `now`.
  void stop(bool now);

  // Where it counts (crowd.h); nothing for a local one.
  const std::optional<Networks>& networks() const { return networks_; }
  // On the connection's loop: whether it is between requests, and since when.
  bool idle() const { return idle_; }
  net::Instant idle_since() const { return idle_since_; }

 private:
  async::Task<bool> read_head();
  async::Task<bool> serve();  // false: close
  async::Task<bool> send(const Response& response, bool keep_alive, bool head_request);
  async::Task<Result<void>> send_file(std::string_view head, const FileBytes& file);
  async::Task<> refuse(unsigned status, std::string_view message);
  // Sends `file`'s parts; before the last one, what is to be known of the file.
  async::Task<Result<void>> send_parts(std::string_view head, const FileParts& file);
  // RFC 9112 section 9.6. Reads what the client still sends, within limits, until it closes: closing with
  // bytes unread resets the connection, and whoever is writing then hears of that before the answer. Past the
  // limit on bytes nothing more is read, which stops the client from sending and lets it read the answer.
  async::Task<> linger();
  // The line of Strict-Transport-Security, or "".
  std::string hsts_line() const;
  net::Instant in(std::chrono::milliseconds time) const { return std::chrono::steady_clock::now() + time; }

  Shared& shared_;
  net::Stream stream_;
  std::string address_;
  std::optional<Networks> networks_;
  RequestParser parser_;
  InputBuffer input_;
  std::string head_;
  bool idle_ = false;
  net::Instant idle_since_{};
  bool plain_by_mistake_ = false;  // a plain request came to a port that speaks TLS
};

}  // namespace bulkhead::http
