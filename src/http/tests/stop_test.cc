// The end of a server: what may finish, what is cut, and what is destroyed in the middle.
#include <future>

#include "http/tests/server_fixture.h"

namespace bulkhead::http {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kSize = 24 << 20;

class StopTest : public ServerTest {
 protected:
  std::future<void> stopping(std::chrono::milliseconds deadline) {
    return std::async(std::launch::async, [this, deadline] { stop(deadline); });
  }
  std::string whole_file() {
    store(std::string(kSize, 'f'));
    return get("/file?0-" + std::to_string(kSize - 1));
  }
};

TEST_F(StopTest, EndsIdleConnectionsAtOnce) {
  start(2);
  Client silent(port_);
  Client used(port_);
  EXPECT_EQ(used.ask(get("/hello")).status, 200u);
  ASSERT_TRUE(eventually([&] { return server_->counters().open == 2; }));
  const auto before = std::chrono::steady_clock::now();
  stop(20s);
  EXPECT_LT(std::chrono::steady_clock::now() - before, 10s);
  EXPECT_TRUE(silent.at_end());
  EXPECT_TRUE(used.at_end());
}

TEST_F(StopTest, TakesNoNewConnections) {
  const std::uint16_t port = start(2);
  stop(0ms);
  const FileDescriptor socket(::socket(AF_INET, SOCK_STREAM, 0));
  ::sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_NE(::connect(socket.get(), reinterpret_cast<::sockaddr*>(&address), sizeof address), 0);
}

TEST_F(StopTest, LetsARequestFinishAndSaysThatItCloses) {
  start();
  Client client(port_);
  ASSERT_TRUE(client.send(get("/wait")));
  ASSERT_TRUE(eventually([&] { return handler_.waiting == 1; }));
  auto stopped = stopping(30s);
  std::this_thread::sleep_for(100ms);
  EXPECT_EQ(stopped.wait_for(0s), std::future_status::timeout);
  handler_.go();
  const Answer answer = client.receive();
  EXPECT_EQ(answer.body, "waited");
  EXPECT_EQ(answer.header("Connection"), "close");
  EXPECT_TRUE(client.at_end());
  stopped.get();
}

TEST_F(StopTest, LetsATransferFinish) {
  const std::string request = whole_file();
  start();
  Client client(port_);
  ASSERT_TRUE(client.send(request));
  ASSERT_TRUE(client.within(20s));
  auto stopped = stopping(30s);
  std::this_thread::sleep_for(100ms);
  EXPECT_EQ(client.receive().body.size(), kSize);
  stopped.get();
}

TEST_F(StopTest, CutsATransferAtItsDeadline) {
  const std::string request = whole_file();
  start();
  Client client(port_, 4096);
  ASSERT_TRUE(client.send(request));
  ASSERT_TRUE(client.within(20s));
  const auto before = std::chrono::steady_clock::now();
  stop(300ms);
  EXPECT_LT(std::chrono::steady_clock::now() - before, 10s);
  EXPECT_LT(client.receive().body.size(), kSize);
}

TEST_F(StopTest, CutsABodyThatIsBeingReadAtItsDeadline) {
  start();
  Client client(port_);
  ASSERT_TRUE(client.send("PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc"));
  ASSERT_TRUE(eventually([&] { return server_->counters().open == 1; }));
  const auto before = std::chrono::steady_clock::now();
  stop(200ms);
  EXPECT_LT(std::chrono::steady_clock::now() - before, 10s);
}

// A handler that never comes back is still there when the loops end; what it holds goes with them.
TEST_F(StopTest, EndsInSpiteOfAHandlerThatDoesNot) {
  start(2);
  Client client(port_);
  ASSERT_TRUE(client.send(get("/wait")));
  ASSERT_TRUE(eventually([&] { return handler_.waiting == 1; }));
  const auto before = std::chrono::steady_clock::now();
  stop(0ms);
  EXPECT_LT(std::chrono::steady_clock::now() - before, 15s);
  server_.reset();
  files_.reset();
  loops_.reset();
  EXPECT_EQ(client.receive().status, 0u);
}

TEST_F(StopTest, DestroysConnectionsInEveryState) {
  store(std::string(kSize, 'f'));
  start(2);
  Client idle(port_);
  Client half(port_);
  ASSERT_TRUE(half.send("GET /hel"));
  Client body(port_);
  ASSERT_TRUE(body.send("PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n"));
  Client reader(port_, 4096);
  ASSERT_TRUE(reader.send(get("/file?0-1000000")));
  Client waiting(port_);
  ASSERT_TRUE(waiting.send(get("/wait")));
  ASSERT_TRUE(eventually([&] { return handler_.waiting == 1 && server_->counters().open == 5; }));
  loops_->stop();
  port_ = 0;
  server_.reset();
  files_.reset();
  loops_.reset();
  EXPECT_EQ(idle.receive().status, 0u);
  EXPECT_EQ(waiting.receive().status, 0u);
}

}  // namespace
}  // namespace bulkhead::http
