// Each limit of http/limits.h, tripped.
#include "http/limits.h"

#include "http/tests/server_fixture.h"

namespace bulkhead::http {
namespace {

using namespace std::chrono_literals;

class LimitsTest : public ServerTest {
 protected:
  // The status of the answer to these bytes, after which the server must close.
  unsigned refused(const std::string& bytes) {
    Client client(port_);
    const Answer answer = client.ask(bytes);
    EXPECT_EQ(answer.header("Connection"), "close");
    client.end();
    EXPECT_TRUE(client.at_end());
    return answer.status;
  }
};

TEST_F(LimitsTest, HeaderBytes) {
  limits_.header_bytes = 200;
  start();
  const std::size_t rest = get("/hello", "X: \r\n").size();
  EXPECT_EQ(Client(port_).ask(get("/hello", "X: " + std::string(200 - rest, 'x') + "\r\n")).status, 200u);
  EXPECT_EQ(refused(get("/hello", "X: " + std::string(201 - rest, 'x') + "\r\n")), 431u);
  EXPECT_EQ(refused("GET /" + std::string(5000, 'x')), 431u);
}

TEST_F(LimitsTest, DefaultHeaderBytesAcrossManySegments) {
  start();
  const std::size_t rest = get("/headers", "X: \r\n").size();
  Client client(port_);
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(
        client.ask(get("/headers", "X: " + std::string(limits_.header_bytes - rest, 'x') + "\r\n")).body,
        "2");
  EXPECT_EQ(refused(get("/headers", "X: " + std::string(limits_.header_bytes - rest + 1, 'x') + "\r\n")),
            431u);
}

TEST_F(LimitsTest, TargetBytes) {
  limits_.target_bytes = 100;
  start();
  EXPECT_EQ(Client(port_).ask(get("/" + std::string(99, 'p'))).status, 200u);
  EXPECT_EQ(refused(get("/" + std::string(100, 'p'))), 414u);
}

TEST_F(LimitsTest, Headers) {
  limits_.headers = 4;
  start();
  EXPECT_EQ(Client(port_).ask(get("/headers", "A: 1\r\nB: 2\r\nC: 3\r\n")).body, "4");
  EXPECT_EQ(refused(get("/headers", "A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\n")), 431u);
}

TEST_F(LimitsTest, HeaderTimeout) {
  limits_.header_timeout = 200ms;
  start();
  Client client(port_);
  ASSERT_TRUE(client.send("GET /hello HTTP/1.1\r\nHo"));
  EXPECT_EQ(client.receive().status, 408u);
  client.end();
  EXPECT_TRUE(client.at_end());
}

TEST_F(LimitsTest, HeaderTimeoutIsNotPutOffByMoreHeaders) {
  limits_.header_timeout = 300ms;
  start();
  Client client(port_);
  ASSERT_TRUE(client.send("GET /hello HTTP/1.1\r\n"));
  const auto before = std::chrono::steady_clock::now();
  while (!client.within(50ms) && std::chrono::steady_clock::now() - before < 20s)
    if (!client.send("X: y\r\n")) break;
  EXPECT_EQ(client.receive().status, 408u);
  EXPECT_LT(std::chrono::steady_clock::now() - before, 20s);
}

TEST_F(LimitsTest, HeaderTimeoutCountsFromTheRequestsFirstByte) {
  limits_.header_timeout = 200ms;
  start();
  Client client(port_);
  EXPECT_EQ(client.ask(get("/hello")).status, 200u);
  EXPECT_FALSE(client.within(1200ms)) << "a connection between requests has the idle timeout";
  EXPECT_EQ(client.ask(get("/hello")).status, 200u);
}

TEST_F(LimitsTest, IdleTimeout) {
  limits_.idle_timeout = 200ms;
  start();
  Client silent(port_);
  EXPECT_TRUE(silent.at_end());
  Client client(port_);
  EXPECT_EQ(client.ask(get("/hello")).status, 200u);
  EXPECT_TRUE(client.at_end());
  EXPECT_TRUE(eventually([&] { return server_->counters().open == 0; }));
}

TEST_F(LimitsTest, IdleTimeoutEndsAReaderThatTakesNothing) {
  limits_.idle_timeout = 200ms;
  store(std::string(32 << 20, 'f'));
  start();
  Client of_text(port_, 4096);
  ASSERT_TRUE(of_text.send(get("/text/33554432")));
  Client of_file(port_, 4096);
  ASSERT_TRUE(of_file.send(get("/file?0-33554431")));
  ASSERT_TRUE(eventually([&] { return server_->counters().accepted == 2; }));
  EXPECT_TRUE(eventually([&] { return server_->counters().open == 0; }));
  EXPECT_LT(of_text.receive().body.size(), 32u << 20);
  EXPECT_LT(of_file.receive().body.size(), 32u << 20);
}

TEST_F(LimitsTest, IdleTimeoutDoesNotEndASlowReader) {
  limits_.idle_timeout = 1500ms;
  store(std::string(12 << 20, 'f'));
  start();
  Client client(port_, 256 << 10);
  ASSERT_TRUE(client.send(get("/file?0-12582911")));
  const auto before = std::chrono::steady_clock::now();
  std::size_t total = 0;
  while (total < 12 << 20) {
    std::this_thread::sleep_for(20ms);
    const std::size_t count = client.take_some(64 << 10);
    if (count == 0) break;
    total += count;
  }
  EXPECT_GE(total, 12u << 20);
  EXPECT_GT(std::chrono::steady_clock::now() - before, 2s);
}

TEST_F(LimitsTest, BodyRateEndsABodyThatStandsStill) {
  limits_.body_rate = 1000;
  limits_.body_grace = 300ms;
  start();
  const std::string request = put("/echo", std::string(1000, 'x'));
  EXPECT_EQ(refused(request.substr(0, request.size() - 900)), 408u);
  EXPECT_EQ(refused(put_chunked("/echo", "5\r\nhe")), 408u);
}

TEST_F(LimitsTest, BodyRateEndsATrickle) {
  limits_.body_rate = 1000;
  limits_.body_grace = 1000ms;
  start();
  Client client(port_);
  ASSERT_TRUE(client.send("PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n"));
  const auto before = std::chrono::steady_clock::now();
  while (!client.within(20ms) && std::chrono::steady_clock::now() - before < 20s)
    if (!client.send("x")) break;
  EXPECT_EQ(client.receive().status, 408u);
}

TEST_F(LimitsTest, BodyRateLetsASteadyBodyPass) {
  limits_.body_rate = 100;
  limits_.body_grace = 500ms;
  start();
  Client client(port_);
  ASSERT_TRUE(client.send("PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2000\r\n\r\n"));
  for (int i = 0; i < 20; ++i) {
    std::this_thread::sleep_for(100ms);
    ASSERT_TRUE(client.send(std::string(100, 'x'))) << "four times as much as it must";
  }
  EXPECT_EQ(client.receive().body.size(), 2000u);
}

TEST_F(LimitsTest, LingerEndsWhoIsWaitedForInVain) {
  limits_.linger = 300ms;
  start();
  Client client(port_);
  ASSERT_TRUE(client.send("PUT /status/401 HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n"));
  EXPECT_EQ(client.receive().status, 401u);
  EXPECT_TRUE(client.at_end()) << "it sends no more at once";
  EXPECT_EQ(server_->counters().open, 1u);
  EXPECT_TRUE(eventually([&] { return server_->counters().open == 0; }));
}

TEST_F(LimitsTest, LingerBytesAreReadAndNoMore) {
  limits_.linger_bytes = 100'000;
  start();
  Client client(port_);
  ASSERT_TRUE(client.send("PUT /status/401 HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n"));
  std::atomic<std::uint64_t> sent = 0;
  std::thread sender([&] {
    const std::string piece(100'000, 'b');
    while (client.send(piece)) sent += piece.size();
  });
  EXPECT_EQ(client.receive().status, 401u);
  sender.join();
  EXPECT_LT(sent, 100u << 20) << "what sockets hold";
}

TEST_F(LimitsTest, Connections) {
  limits_.connections = 2;
  start();
  Client first(port_);
  Client second(port_);
  EXPECT_EQ(first.ask(get("/hello")).status, 200u);
  EXPECT_EQ(second.ask(get("/hello")).status, 200u);
  Client third(port_);
  EXPECT_FALSE(third.within(5s)) << "closed at once";
  EXPECT_EQ(server_->counters().refused, 1u);
  EXPECT_EQ(first.ask(get("/close")).status, 200u);
  ASSERT_TRUE(eventually([&] { return server_->counters().open == 1; }));
  Client fourth(port_);
  EXPECT_EQ(fourth.ask(get("/hello")).status, 200u);
}

TEST_F(LimitsTest, ConnectionsPerAddress) {
  limits_.connections_per_address = 1;
  start();
  ASSERT_EQ(server_->counters().refused, 0u);
  auto first = std::make_unique<Client>(port_);
  EXPECT_EQ(first->ask(get("/hello")).status, 200u);
  Client second(port_);
  EXPECT_FALSE(second.within(5s));
  EXPECT_EQ(server_->counters().refused, 1u);
  first.reset();
  ASSERT_TRUE(eventually([&] { return server_->counters().open == 0; }));
  Client third(port_);
  EXPECT_EQ(third.ask(get("/hello")).status, 200u);
}

}  // namespace
}  // namespace bulkhead::http
