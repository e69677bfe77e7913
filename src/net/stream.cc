#include "net/stream.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>

namespace bulkhead::net {
namespace {

// A connection gives way to the others of its loop after this many bytes.
constexpr std::uint64_t kTurn = 4 << 20;

}  // namespace

Stream::Stream(Socket socket, SslPointer tls, Sweeper& sweeper)
    : socket_(std::move(socket)), tls_(std::move(tls)) {
  socket_.native_non_blocking(true);
  // accept(2) does not inherit it, and a child process must not keep a client's connection open.
  ::fcntl(socket_.native_handle(), F_SETFD, FD_CLOEXEC);
  sweeper.add(*this);
}

void Stream::expire() {
  expired_ = true;
  boost::system::error_code ignored;
  socket_.cancel(ignored);
}

void Stream::cancel() {
  cancelled_ = true;
  boost::system::error_code ignored;
  socket_.cancel(ignored);
}

void Stream::shutdown_write() {
  if (tls_) {
    ::SSL_shutdown(tls_.get());
    ::ERR_clear_error();
  }
  boost::system::error_code ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
}

Error Stream::failure(const boost::system::error_code& error) const {
  if (expired_) return {Errc::timeout, "the connection was too slow"};
  return {Errc::unavailable, "the connection ended: " + error.message()};
}

Error Stream::ended_failure() const { return failure(boost::asio::error::operation_aborted); }

async::Task<> Stream::give_way(std::uint64_t done) {
  since_yield_ += done;
  if (since_yield_ < kTurn) co_return;
  since_yield_ = 0;
  co_await boost::asio::post(boost::asio::use_awaitable);
}

async::Task<Result<void>> Stream::wait(Socket::wait_type what) {
  if (ended()) co_return ended_failure();
  since_yield_ = 0;
  auto [error] = co_await socket_.async_wait(what, async::kTuple);
  if (error) co_return failure(error);
  co_return Result<void>();
}

async::Task<Result<void>> Stream::wait_for_tls(int result) {
  switch (::SSL_get_error(tls_.get(), result)) {
    case SSL_ERROR_WANT_READ: co_return co_await wait(Socket::wait_read);
    case SSL_ERROR_WANT_WRITE: co_return co_await wait(Socket::wait_write);
    default: break;
  }
  ::ERR_clear_error();
  co_return Error{Errc::unavailable, "the TLS connection failed"};
}

std::string Stream::local_endpoint() const {
  ::sockaddr_storage storage{};
  ::socklen_t size = sizeof storage;
  char text[INET6_ADDRSTRLEN] = {};
  if (::getsockname(const_cast<Socket&>(socket_).native_handle(), reinterpret_cast<::sockaddr*>(&storage),
                    &size) != 0)
    return {};
  if (storage.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const ::sockaddr_in&>(storage);
    ::inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
    return fmt::format("{}:{}", text, ntohs(v4.sin_port));
  }
  if (storage.ss_family != AF_INET6) return {};
  const auto& v6 = reinterpret_cast<const ::sockaddr_in6&>(storage);
  if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
    ::inet_ntop(AF_INET, v6.sin6_addr.s6_addr + 12, text, sizeof text);
    return fmt::format("{}:{}", text, ntohs(v6.sin6_port));
  }
  ::inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
  return fmt::format("[{}]:{}", text, ntohs(v6.sin6_port));
}

async::Task<Result<bool>> Stream::begins_plainly() {
  char first = 0;
  for (;;) {
    const ssize_t count = ::recv(socket_.native_handle(), &first, 1, MSG_PEEK);
    if (count == 0) co_return Error{Errc::unavailable, "the connection ended before it began"};
    if (count > 0) break;
    if (errno == EINTR) continue;
    if (errno != EAGAIN) co_return failure({errno, boost::system::system_category()});
    if (auto waited = co_await wait(Socket::wait_read); !waited) co_return waited.error();
  }
  // A handshake's first byte is 22 (RFC 8446 section 5.1); a method's is a letter.
  const bool plain = first >= 'A' && first <= 'Z';
  if (plain) tls_.reset();
  co_return plain;
}

async::Task<> Stream::wait_for_end() { (void)co_await wait(Socket::wait_error); }

async::Task<Result<void>> Stream::handshake() {
  if (!tls_) co_return Result<void>();
  for (;;) {
    ::ERR_clear_error();
    const int result = ::SSL_do_handshake(tls_.get());
    if (result == 1) co_return Result<void>();
    if (auto waited = co_await wait_for_tls(result); !waited) co_return waited.error();
  }
}

async::Task<Result<std::size_t>> Stream::read_some(std::span<std::byte> into) {
  return tls_ ? read_tls(into) : receive(into);
}

async::Task<Result<std::size_t>> Stream::discard_some(std::size_t most) {
  for (;;) {
    if (ended()) co_return ended_failure();
    if (at_end_) co_return std::size_t{0};
    // tcp(7): with MSG_TRUNC the bytes go nowhere.
    const ssize_t count = ::recv(socket_.native_handle(), nullptr, most, MSG_TRUNC | MSG_DONTWAIT);
    if (count > 0) {
      read_ += static_cast<std::size_t>(count);
      co_await give_way(static_cast<std::uint64_t>(count));
      co_return static_cast<std::size_t>(count);
    }
    if (count == 0) {
      at_end_ = true;
      co_return std::size_t{0};
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) co_return failure({errno, boost::system::system_category()});
    if (auto waited = co_await wait(Socket::wait_read); !waited) co_return waited.error();
  }
}

async::Task<Result<std::size_t>> Stream::read_tls(std::span<std::byte> into) {
  if (ended()) co_return ended_failure();
  for (;;) {
    ::ERR_clear_error();
    const int count =
        ::SSL_read(tls_.get(), into.data(), static_cast<int>(std::min<std::size_t>(into.size(), 1 << 30)));
    if (count > 0) {
      read_ += static_cast<std::size_t>(count);
      co_await give_way(static_cast<std::uint64_t>(count));
      co_return static_cast<std::size_t>(count);
    }
    if (::SSL_get_error(tls_.get(), count) == SSL_ERROR_ZERO_RETURN) co_return std::size_t{0};
    if (auto waited = co_await wait_for_tls(count); !waited) co_return waited.error();
  }
}

async::Task<Result<std::size_t>> Stream::receive(std::span<std::byte> into) {
  if (ended()) co_return ended_failure();
  // Asio waits for readiness that never comes again when it is asked to read past the end.
  if (at_end_) co_return std::size_t{0};
  auto [error, count] =
      co_await socket_.async_receive(boost::asio::buffer(into.data(), into.size()), async::kTuple);
  if (error == boost::asio::error::eof) {
    at_end_ = true;
    co_return std::size_t{0};
  }
  if (error) co_return failure(error);
  read_ += count;
  co_return count;
}

async::Task<Result<void>> Stream::write_tls(std::chrono::milliseconds idle, Bytes bytes) {
  while (!bytes.empty()) {
    if (ended()) co_return ended_failure();
    ::ERR_clear_error();
    const int count =
        ::SSL_write(tls_.get(), bytes.data(), static_cast<int>(std::min<std::size_t>(bytes.size(), 1 << 20)));
    if (count > 0) {
      written_ += static_cast<std::size_t>(count);
      bytes = bytes.subspan(static_cast<std::size_t>(count));
      renew(idle);
      co_await give_way(static_cast<std::uint64_t>(count));
      continue;
    }
    if (auto waited = co_await wait_for_tls(count); !waited) co_return waited.error();
  }
  co_return Result<void>();
}

async::Task<Result<void>> Stream::write(std::chrono::milliseconds idle, Bytes first, Bytes second) {
  renew(idle);
  if (tls_) {
    if (auto written = co_await write_tls(idle, first); !written) co_return written.error();
    co_return co_await write_tls(idle, second);
  }
  for (;;) {
    if (ended()) co_return ended_failure();
    ::iovec pieces[2] = {{const_cast<std::byte*>(first.data()), first.size()},
                         {const_cast<std::byte*>(second.data()), second.size()}};
    ::msghdr message{};
    message.msg_iov = pieces;
    message.msg_iovlen = second.empty() ? 1 : 2;
    const ssize_t sent = ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN) co_return failure({errno, boost::system::system_category()});
      if (auto waited = co_await wait(Socket::wait_write); !waited) co_return waited.error();
      continue;
    }
    const auto count = static_cast<std::size_t>(sent);
    written_ += count;
    const std::size_t of_first = std::min(count, first.size());
    first = first.subspan(of_first);
    second = second.subspan(count - of_first);
    if (first.empty() && second.empty()) co_return Result<void>();
    renew(idle);
  }
}

}  // namespace bulkhead::net
