// A server in this process with a handler that does what the path says.
#pragma once

#include <fcntl.h>
#include <signal.h>

#include <boost/asio/steady_timer.hpp>
#include <cstdlib>
#include <fstream>
#include <map>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

#include "base/testing/temporary_directory.h"
#include "http/server.h"
#include "http/tests/client.h"

namespace bulkhead::http {

struct Observed {
  std::string route;
  unsigned status = 0;
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
};

// What the requests ask of it:
//   /hello       "hello", whatever the method; does not read a body
//   /echo        the body, read whole (at most 8 MiB)
//   /trickle     the body's size, read one byte at a time
//   /status/N    that status, with the body "N"
//   /close       an answer that closes
//   /throw       a bug
//   /error       the name of read_body's second error
//   /text/N      N bytes of text
//   /wait        "waited", after the test's go()
//   /file?a-b    bytes a to b of the file
//   /checked?a-b the same with a check before the tail, which does what `sound` says
//   /headers     how many headers the request has
class TestHandler {
 public:
  async::Task<Response> handle(Exchange& exchange);

  void go() { gone_ = true; }
  std::atomic<bool> sound = true;
  std::atomic<int> checks = 0;
  std::atomic<int> waiting = 0;
  FileDescriptor file;

 private:
  async::Task<Response> echo(Exchange& exchange);
  async::Task<Response> trickle(Exchange& exchange);
  async::Task<Response> error(Exchange& exchange);
  async::Task<Response> wait();
  async::Task<Result<void>> check();
  Response piece(const Request& request, bool checked);

  std::atomic<bool> gone_ = false;
};

class ServerTest : public testing::Test {
 protected:
  ServerTest();
  ~ServerTest() override;

  // Limits and TLS are set before.
  std::uint16_t start(std::size_t loops = 1);
  void stop(std::chrono::milliseconds deadline);
  // Opens /file's file with these bytes.
  void store(std::string_view contents);

  static std::string get(std::string_view path, std::string_view headers = "") {
    return "GET " + std::string(path) + " HTTP/1.1\r\nHost: test\r\n" + std::string(headers) + "\r\n";
  }
  static std::string put(std::string_view path, std::string_view body, std::string_view headers = "") {
    return "PUT " + std::string(path) +
           " HTTP/1.1\r\nHost: test\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
           std::string(headers) + "\r\n" + std::string(body);
  }
  static std::string put_chunked(std::string_view path, std::string_view chunks) {
    return "PUT " + std::string(path) + " HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n" +
           std::string(chunks);
  }

  // Waits, with a limit, until it is so.
  template <class Condition>
  static bool eventually(Condition&& condition) {
    for (int i = 0; i < 3000 && !condition(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return condition();
  }
  std::vector<Observed> observed() const {
    const std::lock_guard lock(mutex_);
    return observed_;
  }
  Hooks hooks();

  const TemporaryDirectory temporary_;
  const std::filesystem::path directory_ = temporary_.path();
  Limits limits_;
  std::unique_ptr<net::TlsContext> tls_;
  TestHandler handler_;
  std::unique_ptr<async::Loops> loops_;
  std::unique_ptr<async::OffloadPool> files_;
  std::unique_ptr<Server> server_;
  std::uint16_t port_ = 0;

 private:
  mutable std::mutex mutex_;
  std::vector<Observed> observed_;
};

inline async::Task<Response> TestHandler::echo(Exchange& exchange) {
  Response response;
  auto body = co_await exchange.read_all(8 << 20);
  if (body) {
    response.body = std::move(*body);
  } else {
    response.status = body.error().code == Errc::timeout     ? 408
                      : body.error().code == Errc::too_large ? 413
                                                             : 400;
    response.body = body.error().message;
  }
  co_return response;
}

inline async::Task<Response> TestHandler::trickle(Exchange& exchange) {
  std::byte one{};
  Response response;
  for (;;) {
    auto count = co_await exchange.read_body(std::span(&one, 1));
    if (!count) response.status = 400;
    if (!count || *count == 0) break;
  }
  response.body = std::to_string(exchange.body_bytes());
  co_return response;
}

inline async::Task<Response> TestHandler::error(Exchange& exchange) {
  std::byte buffer[1024];
  Response response;
  int errors = 0;
  while (errors < 2) {
    auto count = co_await exchange.read_body(buffer);
    if (count && *count == 0) break;
    if (count) continue;
    ++errors;
    response.body = std::string(name(count.error().code));
  }
  co_return response;
}

inline async::Task<Response> TestHandler::wait() {
  ++waiting;
  boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
  while (!gone_) {
    timer.expires_after(std::chrono::milliseconds(10));
    co_await timer.async_wait(async::kTuple);
  }
  Response response;
  response.body = std::string("waited");
  co_return response;
}

inline async::Task<Result<void>> TestHandler::check() {
  ++checks;
  if (!sound) co_return Error{Errc::corrupt, "the file has rotted"};
  co_return Result<void>();
}

inline Response TestHandler::piece(const Request& request, bool checked) {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  const char* end = request.query.data() + request.query.size();
  const auto dash = std::from_chars(request.query.data(), end, first);
  std::from_chars(dash.ptr + 1, end, last);
  FileBytes body{nullptr, file.get(), first, last - first + 1, nullptr};
  if (checked) body.before_tail = [this] { return check(); };
  Response response;
  response.status = 206;
  response.body = std::move(body);
  return response;
}

inline async::Task<Response> TestHandler::handle(Exchange& exchange) {
  const std::string_view path = exchange.request().path;
  Response response;
  exchange.route = "test";
  if (path == "/echo") co_return co_await echo(exchange);
  if (path == "/trickle") co_return co_await trickle(exchange);
  if (path == "/error") co_return co_await error(exchange);
  if (path == "/wait") co_return co_await wait();
  if (path == "/file" || path == "/checked") co_return piece(exchange.request(), path == "/checked");
  if (path == "/throw") throw std::runtime_error("a bug");
  if (path == "/close") response.close = true;
  if (path == "/headers") {
    response.body = std::to_string(exchange.request().headers.size());
  } else if (path.starts_with("/text/")) {
    response.body = std::string(std::stoul(std::string(path.substr(6))), 't');
  } else if (path.starts_with("/status/")) {
    response.body = std::string(path.substr(8));
    response.status = static_cast<unsigned>(std::stoul(std::get<std::string>(response.body)));
  } else {
    response.body = std::string("hello");
  }
  co_return response;
}

inline ServerTest::ServerTest() { ::signal(SIGPIPE, SIG_IGN); }

inline ServerTest::~ServerTest() {
  stop(std::chrono::milliseconds(0));
  // The order of the program: the server, then the pools, then what the coroutines hold.
  server_.reset();
  files_.reset();
  loops_.reset();
}

inline Hooks ServerTest::hooks() {
  Hooks hooks;
  hooks.handle = [this](Exchange& exchange) { return handler_.handle(exchange); };
  hooks.refuse = [](Exchange&, unsigned status, std::string_view message) {
    Response response;
    response.status = status;
    response.body = std::string(message);
    return response;
  };
  hooks.observe = [this](const Exchange& exchange, unsigned status, std::chrono::nanoseconds,
                         std::uint64_t sent) {
    const std::lock_guard lock(mutex_);
    observed_.push_back({std::string(exchange.route), status, sent, exchange.body_bytes()});
  };
  return hooks;
}

inline std::uint16_t ServerTest::start(std::size_t loops) {
  loops_ = std::make_unique<async::Loops>(loops);
  files_ = std::make_unique<async::OffloadPool>("files", 1, 64);
  server_ = std::make_unique<Server>(*loops_, *files_, limits_, hooks(), tls_.get(), Log::none());
  const auto port = server_->listen("127.0.0.1:0");
  EXPECT_TRUE(port) << port.error().message;
  port_ = *port;
  loops_->start();
  return port_;
}

inline void ServerTest::stop(std::chrono::milliseconds deadline) {
  if (!server_ || port_ == 0) return;
  server_->stop(deadline);
  loops_->stop();
  port_ = 0;
}

inline void ServerTest::store(std::string_view contents) {
  const auto path = directory_ / "file";
  std::ofstream(path, std::ios::binary) << contents;
  auto opened = open_file(path, O_RDONLY);
  ASSERT_TRUE(opened);
  handler_.file = std::move(*opened);
}

}  // namespace bulkhead::http
