#include "net/stream.h"

#include <boost/asio/steady_timer.hpp>

#include "net/tests/fixture.h"

namespace bulkhead::net {
namespace {

using namespace std::chrono_literals;

async::Task<Result<std::string>> read_once(Stream& stream) {
  std::string text(4096, '\0');
  auto count = co_await stream.read_some(std::as_writable_bytes(std::span(text)));
  if (!count) co_return count.error();
  text.resize(*count);
  co_return text;
}

async::Task<Result<void>> write_both(Stream& stream, std::string_view first, std::string_view second,
                                     std::chrono::milliseconds idle) {
  auto written = co_await stream.write(idle, as_bytes(first), as_bytes(second));
  stream.shutdown_write();
  co_return written;
}

async::Task<Result<void>> send(Stream& stream, int file, std::uint64_t offset, std::uint64_t length,
                               async::OffloadPool& pool) {
  auto sent = co_await stream.send_file(file, offset, length, pool, std::chrono::seconds(30));
  stream.shutdown_write();
  co_return sent;
}

TEST_F(StreamTest, ReadsWhatArrivedThenTheEnd) {
  auto [server, client] = connected_pair();
  Stream stream(adopt(std::move(server)), nullptr, sweeper_);
  ASSERT_TRUE(send_all(client.get(), "hello"));
  EXPECT_EQ(run(read_once(stream)).value(), "hello");
  ::shutdown(client.get(), SHUT_WR);
  EXPECT_EQ(run(read_once(stream)).value(), "");
  EXPECT_EQ(stream.bytes_read(), 5u);
}

TEST_F(StreamTest, WritesBothPiecesToASlowReader) {
  auto [server, client] = connected_pair();
  Stream stream(adopt(std::move(server)), nullptr, sweeper_);
  const std::string first = noise(3'000'000);
  const std::string second = noise(5'000'001);
  auto received = std::async(std::launch::async, [fd = client.get()] {
    std::this_thread::sleep_for(100ms);
    return read_all(fd);
  });
  ASSERT_TRUE(run(write_both(stream, first, second, kLong)));
  EXPECT_TRUE(received.get() == first + second);
  EXPECT_EQ(stream.bytes_written(), first.size() + second.size());
}

TEST_F(StreamTest, AReaderThatTakesNothingEndsAWrite) {
  auto [server, client] = connected_pair();
  Stream stream(adopt(std::move(server)), nullptr, sweeper_);
  const std::string text(64 << 20, 'x');
  const auto result = run(write_both(stream, text, {}, 100ms));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::timeout);
}

TEST_F(StreamTest, AReaderThatIsMerelySlowDoesNot) {
  auto [server, client] = connected_pair();
  const int small = 64 << 10;
  ::setsockopt(server.get(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
  Stream stream(adopt(std::move(server)), nullptr, sweeper_);
  const std::string text(16 << 20, 'x');
  const auto start = std::chrono::steady_clock::now();
  auto received = std::async(std::launch::async, [fd = client.get()] {
    std::size_t total = 0;
    std::string piece(2 << 20, '\0');
    for (;;) {
      std::this_thread::sleep_for(300ms);
      const ssize_t count = ::recv(fd, piece.data(), piece.size(), MSG_WAITALL);
      if (count <= 0) return total;
      total += static_cast<std::size_t>(count);
    }
  });
  ASSERT_TRUE(run(write_both(stream, text, {}, 1200ms)));
  EXPECT_EQ(received.get(), text.size());
  EXPECT_GT(std::chrono::steady_clock::now() - start, 2s) << "the whole took longer than it may stand still";
}

TEST_F(StreamTest, APeerThatHasGoneIsUnavailable) {
  auto [server, client] = connected_pair();
  Stream stream(adopt(std::move(server)), nullptr, sweeper_);
  { const FileDescriptor gone = std::move(client); }
  const std::string text(8 << 20, 'x');
  const auto result = run(write_both(stream, text, {}, kLong));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::unavailable);
}

async::Task<Result<std::string>> read_by(Stream& stream, std::chrono::milliseconds time) {
  stream.set_deadline(std::chrono::steady_clock::now() + time);
  co_return co_await read_once(stream);
}

TEST_F(StreamTest, TheDeadlineEndsAReadAndRecoverAllowsAnother) {
  auto [server, client] = connected_pair();
  Stream stream(adopt(std::move(server)), nullptr, sweeper_);
  EXPECT_EQ(run(read_by(stream, 50ms)).error().code, Errc::timeout);
  ASSERT_TRUE(send_all(client.get(), "late"));
  EXPECT_EQ(run(read_once(stream)).error().code, Errc::timeout);
  EXPECT_EQ(run(write_both(stream, "x", {}, kLong)).error().code, Errc::timeout);
  stream.recover();
  EXPECT_EQ(run(read_once(stream)).value(), "late");
}

async::Task<Result<std::string>> read_until_cancelled(Stream& stream, boost::asio::io_context& io) {
  boost::asio::steady_timer timer(io, std::chrono::milliseconds(50));
  timer.async_wait([&stream](boost::system::error_code) { stream.cancel(); });
  co_return co_await read_once(stream);
}

TEST_F(StreamTest, CancelEndsAPendingReadAndWhatComesAfter) {
  auto [server, client] = connected_pair();
  Stream stream(adopt(std::move(server)), nullptr, sweeper_);
  EXPECT_EQ(run(read_until_cancelled(stream, io_)).error().code, Errc::unavailable);
  ASSERT_TRUE(send_all(client.get(), "more"));
  stream.recover();
  EXPECT_EQ(run(read_once(stream)).error().code, Errc::unavailable);
  EXPECT_EQ(run(write_both(stream, "x", {}, kLong)).error().code, Errc::unavailable);
}

TEST_F(StreamTest, NoChildProcessInheritsTheSocket) {
  auto [server, client] = connected_pair();
  Socket socket = adopt(std::move(server));
  const int descriptor = socket.native_handle();
  const Stream stream(std::move(socket), nullptr, sweeper_);
  EXPECT_EQ(::fcntl(descriptor, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

class SendFile : public StreamTest,
                 public testing::WithParamInterface<std::pair<std::uint64_t, std::uint64_t>> {};

TEST_P(SendFile, SendsExactlyTheRange) {
  static const std::string contents = noise((5 << 20) + 123);
  const auto [offset, length] = GetParam();
  auto [server, client] = connected_pair();
  Stream stream(adopt(std::move(server)), nullptr, sweeper_);
  async::OffloadPool pool("files", 1, 8);
  const FileDescriptor stored = file(contents);
  auto received = std::async(std::launch::async, read_all, client.get());
  ASSERT_TRUE(run(send(stream, stored.get(), offset, length, pool)));
  EXPECT_TRUE(received.get() == contents.substr(offset, length));
  EXPECT_EQ(stream.bytes_written(), length);
}

INSTANTIATE_TEST_SUITE_P(Ranges, SendFile,
                         testing::Values(std::pair{0, (5 << 20) + 123}, std::pair{0, 0}, std::pair{0, 1},
                                         std::pair{(5 << 20) + 122, 1}, std::pair{4095, 2},
                                         std::pair{(1 << 20) - 1, (1 << 20) + 2}, std::pair{77, 4 << 20}));

TEST_F(StreamTest, AFileThatBecameShorterIsCorrupt) {
  auto [server, client] = connected_pair();
  Stream stream(adopt(std::move(server)), nullptr, sweeper_);
  async::OffloadPool pool("files", 1, 8);
  const FileDescriptor stored = file("short");
  auto received = std::async(std::launch::async, read_all, client.get());
  const auto result = run(send(stream, stored.get(), 0, 6, pool));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::corrupt);
  EXPECT_LT(received.get().size(), 6u) << "nothing is made up for what is missing";
}

TEST_F(StreamTest, AFullPoolDoesNotCutATransfer) {
  auto [server, client] = connected_pair();
  Stream stream(adopt(std::move(server)), nullptr, sweeper_);
  async::OffloadPool full("files", 1, 0);
  const std::string contents = noise(3 << 20);
  const FileDescriptor stored = file(contents);
  auto received = std::async(std::launch::async, read_all, client.get());
  ASSERT_TRUE(run(send(stream, stored.get(), 0, contents.size(), full)));
  EXPECT_TRUE(received.get() == contents);
}

TEST_F(StreamTest, AFileEndsWithTheReaderThatTakesNothing) {
  auto [server, client] = connected_pair();
  Stream stream(adopt(std::move(server)), nullptr, sweeper_);
  async::OffloadPool pool("files", 1, 8);
  const FileDescriptor stored = file(std::string(32 << 20, 'x'));
  const auto result = run(stream.send_file(stored.get(), 0, 32 << 20, pool, 100ms));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::timeout);
}

}  // namespace
}  // namespace bulkhead::net
