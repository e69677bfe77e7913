// One client connection: a TCP or Unix socket, with or without TLS. System calls are tried at once and waited for only
// when they would block. Lives on one event loop; not synchronised; one read and one write at a time.
//
// Errors: Errc::timeout when the deadline passed, Errc::unavailable when the peer has gone.
#pragma once

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
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

  async::Task<Result<void>> handshake();

  // At least one byte, or 0 at the end of the stream.
  async::Task<Result<std::size_t>> read_some(std::span<std::byte> into);
  // All of both pieces, in as few segments as the socket takes.
  async::Task<Result<void>> write(Bytes first, Bytes second = {});
  // All `length` bytes from `offset`. Bytes that are not in memory are read on `pool`, so that the loop does not wait
  // for a disk. `idle` renews the deadline at each step forward.
  async::Task<Result<void>> send_file(int file, std::uint64_t offset, std::uint64_t length,
                                      async::OffloadPool& pool, std::chrono::milliseconds idle);

  // No more will be written; the peer sees the end.
  void shutdown_write();
  // Ends pending operations and fails later ones with Errc::unavailable.
  void cancel();
  // After Errc::timeout: lets further operations run, as an answer that says so needs.
  void recover() { expired_ = false; }

  std::uint64_t bytes_read() const { return read_; }
  std::uint64_t bytes_written() const { return written_; }

 private:
  void expire() override;
  Error failure(const boost::system::error_code& error) const;
  // Waits for what OpenSSL asked for; the error ends the connection.
  async::Task<Result<void>> wait_for_tls(int result);
  async::Task<Result<void>> wait(Socket::wait_type what);
  async::Task<Result<void>> write_tls(Bytes bytes);
  async::Task<Result<void>> send_file_tls(int file, std::uint64_t offset, std::uint64_t length,
                                          async::OffloadPool& pool, std::chrono::milliseconds idle);

  Socket socket_;
  SslPointer tls_;
  bool expired_ = false;
  bool cancelled_ = false;
  bool ended_ = false;  // the peer has sent its last byte
  std::uint64_t read_ = 0;
  std::uint64_t written_ = 0;
};

}  // namespace bulkhead::net
