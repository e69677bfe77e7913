// One client connection: a TCP or Unix socket, with or without TLS. System calls are tried at once and waited
// for only when they would block. Lives on one event loop; not synchronised; one read and one write at a
// time.
//
// Errors: Errc::timeout when the deadline passed, Errc::unavailable when the peer has gone or after cancel(),
// Errc::corrupt when a file to send is shorter than it was.
//
// sendfile(2) and OpenSSL cannot ask for errors instead of signals: the process must ignore SIGPIPE.
#pragma once

#include <algorithm>
#include <boost/asio/generic/stream_protocol.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "async/offload.h"
#include "async/task.h"
#include "base/bytes.h"
#include "base/error.h"
#include "net/sweeper.h"
#include "net/tls.h"

namespace bulkhead::net {

using Socket = boost::asio::generic::stream_protocol::socket;

class Stream final : public Timed {
 public:
  Stream(Socket socket, SslPointer tls, Sweeper& sweeper);
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  bool encrypted() const { return tls_ != nullptr; }
  // This side's address and port, "127.0.0.1:5000" or "[::1]:5000"; an IPv4 address that is mapped into IPv6
  // is the IPv4 address. "" for a Unix socket.
  std::string local_endpoint() const;

  // Whether the client's first byte is that of a request and not of a handshake; waits for it. Looks at it
  // only. The stream is then a plain one.
  async::Task<Result<bool>> begins_plainly();
  async::Task<Result<void>> handshake();
  // Waits until the peer has closed its side as well, or the deadline; reads nothing.
  async::Task<> wait_for_end();

  // At least one byte, or 0 at the end of the stream.
  async::Task<Result<std::size_t>> read_some(std::span<std::byte> into);
  // The same for bytes that nobody will look at, at most so many of them; they take no memory, and under TLS
  // they are not even decrypted, so nothing else can be read afterwards.
  async::Task<Result<std::size_t>> discard_some(std::size_t most);
  // All of both pieces, in as few segments as the socket takes. Like send_file(), it renews the deadline at
  // each step forward: a peer that takes nothing for `idle` ends it, one that is merely slow does not, unless
  // it is to finish_within() some time.
  async::Task<Result<void>> write(std::chrono::milliseconds idle, Bytes first, Bytes second = {});
  // All `length` bytes from `offset`. Bytes that are not in memory are read on `pool`, so that the loop does
  // not wait for a disk; when the pool is full the loop does, for that makes all its connections slower but
  // cuts none.
  async::Task<Result<void>> send_file(int file, std::uint64_t offset, std::uint64_t length,
                                      async::OffloadPool& pool, std::chrono::milliseconds idle);

  // From now on, until clear_deadline(), no step forward renews the deadline beyond that.
  void finish_within(std::chrono::milliseconds time) { latest_ = std::chrono::steady_clock::now() + time; }
  void clear_deadline() {
    latest_ = std::chrono::steady_clock::time_point::max();
    Timed::clear_deadline();
  }

  // No more will be written; the peer sees the end.
  void shutdown_write();
  // Ends pending operations and fails later ones with Errc::unavailable. A write that never has to wait for
  // its peer notices it too.
  void cancel();
  // After Errc::timeout: lets further operations run, as an answer that says so needs.
  void recover() { expired_ = false; }

  std::uint64_t bytes_read() const { return read_; }
  std::uint64_t bytes_written() const { return written_; }

 private:
  void expire() override;
  void renew(std::chrono::milliseconds idle) {
    set_deadline(std::min(std::chrono::steady_clock::now() + idle, latest_));
  }
  bool ended() const { return expired_ || cancelled_; }
  Error failure(const boost::system::error_code& error) const;
  Error ended_failure() const;
  async::Task<Result<std::size_t>> receive(std::span<std::byte> into);
  async::Task<Result<std::size_t>> read_tls(std::span<std::byte> into);
  async::Task<Result<void>> wait(Socket::wait_type what);
  // Waits for what OpenSSL asked for; the error ends the connection.
  async::Task<Result<void>> wait_for_tls(int result);
  async::Task<Result<void>> write_tls(std::chrono::milliseconds idle, Bytes bytes);
  async::Task<Result<void>> send_file_tls(int file, std::uint64_t offset, std::uint64_t length,
                                          async::OffloadPool& pool, std::chrono::milliseconds idle);
  // After a good deal of work without waiting: lets the loop's other connections have their turn.
  async::Task<> give_way(std::uint64_t done);

  Socket socket_;
  SslPointer tls_;
  std::chrono::steady_clock::time_point latest_ = std::chrono::steady_clock::time_point::max();
  bool expired_ = false;
  bool cancelled_ = false;
  bool at_end_ = false;  // the peer has sent its last byte
  std::uint64_t read_ = 0;
  std::uint64_t written_ = 0;
  std::uint64_t since_yield_ = 0;
};

}  // namespace bulkhead::net
