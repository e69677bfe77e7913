#include "net/stream.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <cerrno>
#include <memory>

namespace bulkhead::net {
namespace {

constexpr std::uint64_t kFilePiece = 1 << 20;
constexpr std::size_t kTlsPiece = 128 << 10;

// Whether the page that holds `offset` is in memory, asked without waiting for it.
bool resident(int file, std::uint64_t offset) {
  char byte;
  const ::iovec piece{&byte, 1};
  const ssize_t count = ::preadv2(file, &piece, 1, static_cast<off_t>(offset), RWF_NOWAIT);
  // A file system without RWF_NOWAIT cannot be asked; reading is then as good as anywhere else.
  return count >= 0 || errno != EAGAIN;
}

// Reads the range into the page cache.
Result<void> load(int file, std::uint64_t offset, std::uint64_t length) {
  const auto scratch = std::make_unique<std::byte[]>(kTlsPiece);
  while (length > 0) {
    const ssize_t count = ::pread(file, scratch.get(), std::min<std::uint64_t>(length, kTlsPiece),
                                  static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return Error{Errc::corrupt, "a stored file is shorter than it was or cannot be read"};
    offset += static_cast<std::uint64_t>(count);
    length -= static_cast<std::uint64_t>(count);
  }
  return {};
}

}  // namespace

Stream::Stream(Socket socket, SslPointer tls, Sweeper& sweeper) : socket_(std::move(socket)), tls_(std::move(tls)) {
  socket_.native_non_blocking(true);
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
  if (tls_) ::SSL_shutdown(tls_.get());
  boost::system::error_code ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
}

Error Stream::failure(const boost::system::error_code& error) const {
  if (expired_) return {Errc::timeout, "the connection was too slow"};
  return {Errc::unavailable, "the connection ended: " + error.message()};
}

async::Task<Result<void>> Stream::wait(Socket::wait_type what) {
  if (expired_ || cancelled_) co_return failure(boost::asio::error::operation_aborted);
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
  if (tls_) {
    for (;;) {
      ::ERR_clear_error();
      const int count =
          ::SSL_read(tls_.get(), into.data(), static_cast<int>(std::min<std::size_t>(into.size(), 1 << 30)));
      if (count > 0) {
        read_ += static_cast<std::size_t>(count);
        co_return static_cast<std::size_t>(count);
      }
      if (::SSL_get_error(tls_.get(), count) == SSL_ERROR_ZERO_RETURN) co_return std::size_t{0};
      if (auto waited = co_await wait_for_tls(count); !waited) co_return waited.error();
    }
  }
  if (expired_ || cancelled_) co_return failure(boost::asio::error::operation_aborted);
  // Asio waits for readiness that never comes again when it is asked to read past the end.
  if (ended_) co_return std::size_t{0};
  auto [error, count] =
      co_await socket_.async_receive(boost::asio::buffer(into.data(), into.size()), async::kTuple);
  if (error == boost::asio::error::eof) {
    ended_ = true;
    co_return std::size_t{0};
  }
  if (error) co_return failure(error);
  read_ += count;
  co_return count;
}

async::Task<Result<void>> Stream::write_tls(Bytes bytes) {
  while (!bytes.empty()) {
    ::ERR_clear_error();
    const int count =
        ::SSL_write(tls_.get(), bytes.data(), static_cast<int>(std::min<std::size_t>(bytes.size(), 1 << 20)));
    if (count > 0) {
      written_ += static_cast<std::size_t>(count);
      bytes = bytes.subspan(static_cast<std::size_t>(count));
      continue;
    }
    if (auto waited = co_await wait_for_tls(count); !waited) co_return waited.error();
  }
  co_return Result<void>();
}

async::Task<Result<void>> Stream::write(Bytes first, Bytes second) {
  if (tls_) {
    if (auto written = co_await write_tls(first); !written) co_return written.error();
    co_return co_await write_tls(second);
  }
  for (;;) {
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
    auto count = static_cast<std::size_t>(sent);
    written_ += count;
    const std::size_t of_first = std::min(count, first.size());
    first = first.subspan(of_first);
    second = second.subspan(count - of_first);
    if (first.empty() && second.empty()) co_return Result<void>();
  }
}

async::Task<Result<void>> Stream::send_file(int file, std::uint64_t offset, std::uint64_t length,
                                            async::OffloadPool& pool, std::chrono::milliseconds idle) {
  if (tls_) co_return co_await send_file_tls(file, offset, length, pool, idle);
  std::uint64_t checked = offset;  // up to here the bytes were seen to be in memory
  while (length > 0) {
    const std::uint64_t piece = std::min(length, kFilePiece);
    if (offset + piece > checked) {
      if (!resident(file, offset) || !resident(file, offset + piece - 1)) {
        clear_deadline();
        auto loaded = co_await async::offload(pool, [file, offset, piece] { return load(file, offset, piece); });
        if (!loaded) co_return loaded.error();
      }
      checked = offset + piece;
    }
    auto position = static_cast<off_t>(offset);
    const ssize_t sent = ::sendfile(socket_.native_handle(), file, &position, piece);
    if (sent < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN) co_return failure({errno, boost::system::system_category()});
      set_deadline(std::chrono::steady_clock::now() + idle);
      if (auto waited = co_await wait(Socket::wait_write); !waited) co_return waited.error();
      continue;
    }
    if (sent == 0) co_return Error{Errc::corrupt, "a stored file is shorter than it was"};
    offset += static_cast<std::uint64_t>(sent);
    length -= static_cast<std::uint64_t>(sent);
    written_ += static_cast<std::uint64_t>(sent);
  }
  co_return Result<void>();
}

async::Task<Result<void>> Stream::send_file_tls(int file, std::uint64_t offset, std::uint64_t length,
                                                async::OffloadPool& pool, std::chrono::milliseconds idle) {
  const auto buffer = std::make_unique<std::byte[]>(kTlsPiece);
  while (length > 0) {
    const std::size_t piece = std::min<std::uint64_t>(length, kTlsPiece);
    clear_deadline();
    auto read = co_await async::offload(pool, [file, offset, piece, into = buffer.get()]() -> Result<std::size_t> {
      for (;;) {
        const ssize_t count = ::pread(file, into, piece, static_cast<off_t>(offset));
        if (count > 0) return static_cast<std::size_t>(count);
        if (count < 0 && errno == EINTR) continue;
        return Error{Errc::corrupt, "a stored file is shorter than it was or cannot be read"};
      }
    });
    if (!read) co_return read.error();
    set_deadline(std::chrono::steady_clock::now() + idle);
    if (auto written = co_await write_tls(Bytes(buffer.get(), *read)); !written) co_return written.error();
    offset += *read;
    length -= *read;
  }
  co_return Result<void>();
}

}  // namespace bulkhead::net
