// Files on their way to a client. What the page cache holds goes out at once: by sendfile(2) on a plain
// connection, by a read that does not wait and OpenSSL on an encrypted one. What it does not hold is first
// read on the pool.
#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "net/stream.h"

namespace bulkhead::net {
namespace {

constexpr std::uint64_t kFilePiece = 1 << 20;
constexpr std::size_t kScratch = 128 << 10;
// Two TLS records: each encrypted connection that sends a file holds one such buffer, and there may be
// thousands.
constexpr std::size_t kTlsPiece = 32 << 10;

Error shorter() { return {Errc::corrupt, "a stored file is shorter than it was or cannot be read"}; }

// Whether the page that holds `offset` is in memory, asked without waiting for it.
bool resident(int file, std::uint64_t offset) {
  char byte = 0;
  const ::iovec piece{&byte, 1};
  const ssize_t count = ::preadv2(file, &piece, 1, static_cast<off_t>(offset), RWF_NOWAIT);
  // A file system without RWF_NOWAIT cannot be asked; reading is then as good as anywhere else.
  return count >= 0 || errno != EAGAIN;
}

// Reads the range into the page cache.
Result<void> load(int file, std::uint64_t offset, std::uint64_t length) {
  const auto scratch = std::make_unique<std::byte[]>(kScratch);
  while (length > 0) {
    const ssize_t count =
        ::pread(file, scratch.get(), std::min<std::uint64_t>(length, kScratch), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return shorter();
    offset += static_cast<std::uint64_t>(count);
    length -= static_cast<std::uint64_t>(count);
  }
  return {};
}

Result<std::size_t> read_at(int file, std::uint64_t offset, std::span<std::byte> into) {
  for (;;) {
    const ssize_t count = ::pread(file, into.data(), into.size(), static_cast<off_t>(offset));
    if (count > 0) return static_cast<std::size_t>(count);
    if (count == 0 || errno != EINTR) return shorter();
  }
}

// What of the range is in memory; 0 when nothing is or nobody can tell.
std::size_t read_resident(int file, std::uint64_t offset, std::span<std::byte> into) {
  const ::iovec piece{into.data(), into.size()};
  const ssize_t count = ::preadv2(file, &piece, 1, static_cast<off_t>(offset), RWF_NOWAIT);
  return count > 0 ? static_cast<std::size_t>(count) : 0;
}

}  // namespace

async::Task<Result<void>> Stream::send_file(int file, std::uint64_t offset, std::uint64_t length,
                                            async::OffloadPool& pool, std::chrono::milliseconds idle) {
  if (tls_) co_return co_await send_file_tls(file, offset, length, pool, idle);
  const std::uint64_t end = offset + length;
  std::uint64_t checked = offset;  // up to here the bytes were seen to be in memory
  renew(idle);
  while (offset < end) {
    if (ended()) co_return ended_failure();
    if (offset == checked) {
      const std::uint64_t piece = std::min(end - offset, kFilePiece);
      if (!resident(file, offset) || !resident(file, offset + piece - 1)) {
        clear_deadline();
        auto loaded =
            co_await async::offload(pool, [file, offset, piece] { return load(file, offset, piece); });
        if (!loaded && loaded.error().code != Errc::unavailable) co_return loaded.error();
        renew(idle);
      }
      checked = offset + piece;
    }
    auto position = static_cast<off_t>(offset);
    const ssize_t sent = ::sendfile(socket_.native_handle(), file, &position, checked - offset);
    if (sent < 0) {
      if (errno == EINTR) continue;
      if (errno == EIO) co_return shorter();
      if (errno != EAGAIN) co_return failure({errno, boost::system::system_category()});
      if (auto waited = co_await wait(Socket::wait_write); !waited) co_return waited.error();
      continue;
    }
    if (sent == 0) co_return shorter();
    const auto count = static_cast<std::uint64_t>(sent);
    offset += count;
    written_ += count;
    renew(idle);
    co_await give_way(count);
  }
  co_return Result<void>();
}

async::Task<Result<void>> Stream::send_file_tls(int file, std::uint64_t offset, std::uint64_t length,
                                                async::OffloadPool& pool, std::chrono::milliseconds idle) {
  const auto buffer = std::make_unique<std::byte[]>(kTlsPiece);
  while (length > 0) {
    const std::span<std::byte> into(buffer.get(), std::min<std::uint64_t>(length, kTlsPiece));
    std::size_t count = read_resident(file, offset, into);
    if (count == 0) {
      clear_deadline();
      auto read = co_await async::offload(pool, [file, offset, into] { return read_at(file, offset, into); });
      if (!read && read.error().code == Errc::unavailable) read = read_at(file, offset, into);
      if (!read) co_return read.error();
      count = *read;
    }
    renew(idle);
    if (auto written = co_await write_tls(idle, into.first(count)); !written) co_return written.error();
    offset += count;
    length -= count;
  }
  co_return Result<void>();
}

}  // namespace bulkhead::net
