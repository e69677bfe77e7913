#include "http/server.h"

#include <sys/stat.h>

#include <regex>

#include "http/tests/server_fixture.h"

namespace bulkhead::http {
namespace {

TEST_F(ServerTest, AnswersAndKeepsTheConnection) {
  Client client(start());
  for (int i = 0; i < 3; ++i) {
    const Answer answer = client.ask(get("/hello"));
    EXPECT_EQ(answer.status, 200u);
    EXPECT_EQ(answer.body, "hello");
    EXPECT_EQ(answer.header("Connection"), "");
  }
  EXPECT_EQ(server_->counters().accepted, 1u);
  EXPECT_EQ(server_->counters().open, 1u);
}

TEST_F(ServerTest, DatesItsAnswersAsRfc9110Says) {
  Client client(start());
  const std::string date = client.ask(get("/hello")).header("Date");
  EXPECT_TRUE(std::regex_match(
      date, std::regex(
                "(Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-3][0-9] (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) "
                "20[0-9][0-9] [0-2][0-9]:[0-5][0-9]:[0-6][0-9] GMT")))
      << date;
}

TEST_F(ServerTest, AnswersPipelinedRequestsInOrder) {
  Client client(start());
  ASSERT_TRUE(client.send(put("/echo", "one") + put_chunked("/echo", "3\r\ntwo\r\n0\r\n\r\n") +
                          get("/status/404") + put("/echo", "") + put("/echo", "four")));
  EXPECT_EQ(client.receive().body, "one");
  EXPECT_EQ(client.receive().body, "two");
  EXPECT_EQ(client.receive().status, 404u);
  EXPECT_EQ(client.receive().body, "");
  EXPECT_EQ(client.receive().body, "four");
}

TEST_F(ServerTest, FindsTheNextRequestBehindABodyHoweverTheBytesArrive) {
  start();
  const std::string bytes =
      put_chunked("/trickle", "5\r\nhello\r\n0\r\nX: y\r\n\r\n") + put("/trickle", "abc") + get("/hello");
  for (std::size_t cut = 1; cut < bytes.size(); cut += 3) {
    Client client(port_);
    ASSERT_TRUE(client.send(bytes.substr(0, cut)));
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    ASSERT_TRUE(client.send(bytes.substr(cut)));
    EXPECT_EQ(client.receive().body, "5") << cut;
    EXPECT_EQ(client.receive().body, "3") << cut;
    EXPECT_EQ(client.receive().body, "hello") << cut;
  }
}

TEST_F(ServerTest, AChunkedBodyArrivesByteByByte) {
  Client client(start());
  for (const char c : put_chunked("/echo", "5\r\nhello\r\n1;a=b\r\n!\r\n0\r\n\r\n"))
    ASSERT_TRUE(client.send(std::string(1, c)));
  EXPECT_EQ(client.receive().body, "hello!");
  EXPECT_EQ(client.ask(get("/hello")).status, 200u);
}

TEST_F(ServerTest, LargeBodiesGoBothWays) {
  Client client(start());
  std::string body(6 << 20, '\0');
  for (std::size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>(i * 2654435761u >> 13);
  std::thread sender([&] { EXPECT_TRUE(client.send(put("/echo", body))); });
  const Answer answer = client.receive();
  sender.join();
  EXPECT_TRUE(answer.body == body);

  std::string chunks;
  for (std::size_t at = 0; at < body.size(); at += 100'000) {
    const std::string piece = body.substr(at, 100'000);
    char size[16];
    std::snprintf(size, sizeof size, "%zx\r\n", piece.size());
    chunks += size + piece + "\r\n";
  }
  std::thread chunk_sender([&] { EXPECT_TRUE(client.send(put_chunked("/echo", chunks + "0\r\n\r\n"))); });
  EXPECT_TRUE(client.receive().body == body);
  chunk_sender.join();
}

TEST_F(ServerTest, ABodyThatIsNotReadIsNotTakenForARequest) {
  Client client(start());
  const std::string smuggled = get("/status/299");
  const Answer answer = client.ask(put("/hello", smuggled));
  EXPECT_EQ(answer.status, 200u);
  EXPECT_EQ(answer.header("Connection"), "close");
  EXPECT_TRUE(client.at_end());
}

TEST_F(ServerTest, AnAnswerSurvivesABodyThatNobodyReads) {
  Client client(start());
  const std::string body(1 << 20, 'b');
  std::thread sender([&] { client.send(put("/status/413", body)); });
  EXPECT_EQ(client.receive().status, 413u);
  sender.join();
  client.end();
  EXPECT_TRUE(client.at_end()) << "an orderly end, not a reset";
}

TEST_F(ServerTest, AnAnswerSurvivesALargeBodyThatNobodyReads) {
  Client client(start());
  // Sent whole before the answer is looked at.
  EXPECT_TRUE(client.send(put("/status/413", std::string(64 << 20, 'b'))));
  EXPECT_EQ(client.receive().status, 413u);
}

TEST_F(ServerTest, AStopDoesNotWaitForWhoWasAnsweredEarly) {
  Client client(start());
  ASSERT_TRUE(client.send("PUT /status/401 HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n"));
  EXPECT_EQ(client.receive().status, 401u);
  const auto began = std::chrono::steady_clock::now();
  stop(std::chrono::seconds(30));
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(3));
}

TEST_F(ServerTest, PipelinedBytesBehindTheLastRequestDoNotResetTheConnection) {
  Client client(start());
  ASSERT_TRUE(client.send(get("/hello", "Connection: close\r\n") + get("/hello")));
  EXPECT_EQ(client.receive().body, "hello");
  client.end();
  EXPECT_TRUE(client.at_end());
}

TEST_F(ServerTest, TellsAWaitingClientToGoOnWhenTheBodyIsWanted) {
  Client client(start());
  const std::string request = put("/echo", "hello", "Expect: 100-continue\r\n");
  ASSERT_TRUE(client.send(request.substr(0, request.size() - 5)));
  EXPECT_EQ(client.receive().status, 100u);
  EXPECT_EQ(client.ask("hello").body, "hello");
  EXPECT_EQ(client.ask(get("/hello")).status, 200u);
}

TEST_F(ServerTest, RefusesBeforeTheBodyOfAWaitingClient) {
  Client client(start());
  const std::string request = put("/status/401", "hello", "Expect: 100-continue\r\n");
  const Answer answer = client.ask(request.substr(0, request.size() - 5));
  EXPECT_EQ(answer.status, 401u);
  EXPECT_EQ(answer.header("Connection"), "close");
  client.end();
  EXPECT_TRUE(client.at_end());
  EXPECT_EQ(observed().at(0).received, 0u);
}

TEST_F(ServerTest, HeadHasTheLengthAndNoBody) {
  Client client(start());
  ASSERT_TRUE(client.send("HEAD /text/77 HTTP/1.1\r\nHost: a\r\n\r\n" + get("/hello")));
  const Answer answer = client.receive(true);
  EXPECT_EQ(answer.status, 200u);
  EXPECT_EQ(answer.header("Content-Length"), "77");
  EXPECT_EQ(client.receive().body, "hello");
}

TEST_F(ServerTest, AnswersWithoutContentHaveNoBodyAndNoLength) {
  Client client(start());
  for (const std::string status : {"204", "304"}) {
    const Answer answer = client.ask(get("/status/" + status));
    EXPECT_EQ(answer.status, std::stoul(status));
    EXPECT_EQ(answer.header("Content-Length"), "");
  }
  EXPECT_EQ(client.ask(get("/hello")).body, "hello");
}

TEST_F(ServerTest, ClosesWhenAskedTo) {
  start();
  for (const std::string& request :
       {get("/hello", "Connection: close\r\n"), get("/close"), std::string("GET /hello HTTP/1.0\r\n\r\n"),
        std::string("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")}) {
    Client client(port_);
    const Answer answer = client.ask(request);
    EXPECT_EQ(answer.body, "hello");
    EXPECT_EQ(answer.header("Connection"), "close");
    EXPECT_TRUE(client.at_end());
  }
}

TEST_F(ServerTest, ABugIsAnsweredAndTheConnectionGoesOn) {
  Client client(start());
  EXPECT_EQ(client.ask(get("/throw")).status, 500u);
  EXPECT_EQ(client.ask(get("/hello")).status, 200u);
}

TEST_F(ServerTest, AnErrorOfTheHandlerKeepsTheConnection) {
  Client client(start());
  EXPECT_EQ(client.ask(get("/status/404")).status, 404u);
  EXPECT_EQ(client.ask(put("/echo", "x")).body, "x");
}

TEST_F(ServerTest, FramingThatCannotBeTrustedEndsTheConnection) {
  start();
  const auto answered_and_closed = [&](const std::string& bytes) {
    Client client(port_);
    const Answer answer = client.ask(bytes + get("/status/299"));
    EXPECT_EQ(answer.header("Connection"), "close");
    client.end();
    EXPECT_TRUE(client.at_end());
    return answer.status;
  };
  EXPECT_EQ(answered_and_closed("GET / HTTP/1.1\r\n\r\n"), 400u);
  EXPECT_EQ(answered_and_closed("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n"), 405u);
  EXPECT_EQ(answered_and_closed(put("/echo", "abc", "Transfer-Encoding: chunked\r\n")), 400u);
  EXPECT_EQ(answered_and_closed(put_chunked("/echo", "zz\r\n")), 400u);
  EXPECT_EQ(answered_and_closed(put_chunked("/echo", "3\r\nabcd\r\n0\r\n\r\n")), 400u);
}

TEST_F(ServerTest, ATlsClientOnThePlainPortIsAnsweredAtOnce) {
  Client client(start());
  const auto before = std::chrono::steady_clock::now();
  EXPECT_EQ(client.ask(std::string_view("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11)).status, 400u);
  EXPECT_LT(std::chrono::steady_clock::now() - before, limits_.header_timeout);
}

TEST_F(ServerTest, ABodyThatEndsEarlyIsAnErrorThatStays) {
  Client client(start());
  const std::string request = put("/error", "0123456789");
  ASSERT_TRUE(client.send(request.substr(0, request.size() - 3)));
  client.end();
  EXPECT_EQ(client.receive().body, "interrupted");
  Client chunked(port_);
  ASSERT_TRUE(chunked.send(put_chunked("/error", "5\r\nhe")));
  chunked.end();
  EXPECT_EQ(chunked.receive().body, "interrupted");
  Client malformed(port_);
  EXPECT_EQ(malformed.ask(put_chunked("/error", "5\r\nhello\r\n-\r\n")).body, "invalid_argument");
}

TEST_F(ServerTest, ReadAllHoldsItsLimit) {
  start();
  const std::string limit = std::to_string(8 << 20);
  Client stated(port_);
  const Answer refused = stated.ask("PUT /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 8388609\r\n\r\n");
  EXPECT_EQ(refused.status, 413u) << "before a byte of it has come";
  EXPECT_NE(refused.body.find(limit), std::string::npos);

  for (const std::size_t size : {std::size_t{8} << 20, (std::size_t{8} << 20) + 1}) {
    Client chunked(port_);
    char line[16];
    std::snprintf(line, sizeof line, "%zx\r\n", size);
    std::thread sender(
        [&] { chunked.send(put_chunked("/echo", line + std::string(size, 'x') + "\r\n0\r\n\r\n")); });
    EXPECT_EQ(chunked.receive().status, size == 8 << 20 ? 200u : 413u);
    sender.join();
  }
}

TEST_F(ServerTest, TellsWhatItAnswered) {
  Client client(start());
  client.ask(put("/echo", "hello"));
  client.ask("nonsense\r\n\r\n");
  ASSERT_TRUE(eventually([&] { return observed().size() == 2; }));
  const auto seen = observed();
  EXPECT_EQ(seen[0].route, "test");
  EXPECT_EQ(seen[0].status, 200u);
  EXPECT_EQ(seen[0].received, 5u);
  EXPECT_GT(seen[0].sent, 5u) << "head and body";
  EXPECT_EQ(seen[1].route, "other");
  EXPECT_EQ(seen[1].status, 400u);
  EXPECT_GT(seen[1].sent, 0u);
}

TEST_F(ServerTest, ManyClientsOnSeveralLoops) {
  start(3);
  std::vector<std::thread> clients;
  std::atomic<int> answered = 0;
  for (int i = 0; i < 8; ++i)
    clients.emplace_back([&] {
      for (int c = 0; c < 10; ++c) {
        Client client(port_);
        for (int r = 0; r < 5; ++r)
          if (client.ask(put("/echo", "x")).body == "x") ++answered;
      }
    });
  for (auto& client : clients) client.join();
  EXPECT_EQ(answered, 400);
  EXPECT_TRUE(eventually([&] { return server_->counters().open == 0; }));
  EXPECT_EQ(server_->counters().accepted, 80u);
}

TEST_F(ServerTest, ListensWhereItIsToldTo) {
  start();
  async::Loops loops(2);
  Server other(loops, *files_, limits_, hooks(), nullptr, Log::none());
  const auto taken = other.listen("127.0.0.1:" + std::to_string(port_));
  ASSERT_FALSE(taken) << "two servers would share the port's connections";
  EXPECT_EQ(taken.error().code, Errc::unavailable);
  for (const std::string_view address :
       {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:99999", "host.example:80", "[::1:80"}) {
    const auto wrong = other.listen(address);
    ASSERT_FALSE(wrong) << address;
    EXPECT_EQ(wrong.error().code, Errc::invalid_argument) << address;
  }
  for (const std::string_view address : {"localhost:0", "[::1]:0", "*:0"}) {
    const auto port = other.listen(address);
    ASSERT_TRUE(port) << address;
    loops.start();
    loops.stop();
  }
}

TEST_F(ServerTest, SeveralAddressesOfOneServerAllAnswer) {
  loops_ = std::make_unique<async::Loops>(1);
  files_ = std::make_unique<async::OffloadPool>("files", 1, 64);
  server_ = std::make_unique<Server>(*loops_, *files_, limits_, hooks(), nullptr, Log::none());
  std::vector<std::uint16_t> ports;
  for (int i = 0; i < 5; ++i) ports.push_back(server_->listen("127.0.0.1:0").value());
  ASSERT_TRUE(server_->listen_local(directory_ / "socket"));
  loops_->start();
  for (const std::uint16_t port : ports) EXPECT_EQ(Client(port).ask(get("/hello")).status, 200u);
  EXPECT_EQ(Client(directory_ / "socket").ask(get("/hello")).status, 200u);
  port_ = ports.front();
}

TEST_F(ServerTest, TheLocalSocketIsForThisUserOnly) {
  loops_ = std::make_unique<async::Loops>(1);
  files_ = std::make_unique<async::OffloadPool>("files", 1, 64);
  server_ = std::make_unique<Server>(*loops_, *files_, limits_, hooks(), nullptr, Log::none());
  const auto path = directory_ / "socket";
  const mode_t mask = ::umask(0);
  const auto listening = server_->listen_local(path);
  ::umask(mask);
  ASSERT_TRUE(listening) << listening.error().message;
  struct ::stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777u, 0600u);
  loops_->start();
  port_ = 1;
  EXPECT_EQ(Client(path).ask(get("/hello")).body, "hello");
  stop(std::chrono::seconds(1));
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(ServerTest, TheLocalSocketReplacesSocketsOnly) {
  async::Loops loops(1);
  files_ = std::make_unique<async::OffloadPool>("files", 1, 64);
  Server server(loops, *files_, limits_, hooks(), nullptr, Log::none());
  std::ofstream(directory_ / "precious") << "data";
  const auto refused = server.listen_local(directory_ / "precious");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::unavailable);
  EXPECT_TRUE(std::filesystem::is_regular_file(directory_ / "precious"));
  const auto long_path = server.listen_local(directory_ / std::string(120, 'x'));
  ASSERT_FALSE(long_path);
  EXPECT_EQ(long_path.error().code, Errc::invalid_argument);
  EXPECT_TRUE(server.listen_local(directory_ / "again"));
  EXPECT_TRUE(server.listen_local(directory_ / "again")) << "what a crash left behind";
}

}  // namespace
}  // namespace bulkhead::http
