// The outbound client against servers of this process that do what no good server does.
#include <gmock/gmock.h>
#include <poll.h>

#include <atomic>
#include <functional>
#include <thread>

#include "base/clock.h"
#include "crypto/local_ca.h"
#include "http/client.h"
#include "http/tests/server_fixture.h"

namespace bulkhead::http {
namespace {

using namespace std::chrono_literals;

// Listens on 127.0.0.1 and hands each connection, with the request's head, to a function, one at a time.
class RawServer {
 public:
  using Handler = std::function<void(int socket, const std::string& request)>;

  explicit RawServer(Handler handler)
      : handler_(std::move(handler)), listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    ::sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::socklen_t size = sizeof address;
    EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<::sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(listener_.get(), 16), 0);
    EXPECT_EQ(::getsockname(listener_.get(), reinterpret_cast<::sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~RawServer() {
    stopping_ = true;
    thread_.join();
  }
  RawServer(const RawServer&) = delete;
  RawServer& operator=(const RawServer&) = delete;

  std::string url(std::string_view host = "127.0.0.1") const {
    return "http://" + std::string(host) + ":" + std::to_string(port_) + "/x";
  }
  int connections() const { return connections_; }
  bool stopping() const { return stopping_; }

 private:
  void serve() {
    while (!stopping_) {
      ::pollfd waiting{listener_.get(), POLLIN, 0};
      if (::poll(&waiting, 1, 20) <= 0) continue;
      const FileDescriptor socket(::accept(listener_.get(), nullptr, nullptr));
      ++connections_;
      const ::timeval patience{5, 0};
      ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
      std::string request;
      char piece[4096];
      while (request.find("\r\n\r\n") == std::string::npos) {
        const ssize_t count = ::recv(socket.get(), piece, sizeof piece, 0);
        if (count <= 0) break;
        request.append(piece, static_cast<std::size_t>(count));
      }
      handler_(socket.get(), request);
    }
  }

  Handler handler_;
  FileDescriptor listener_;
  std::uint16_t port_ = 0;
  std::atomic<bool> stopping_ = false;
  std::atomic<int> connections_ = 0;
  std::thread thread_;
};

bool send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

RawServer::Handler always(std::string answer) {
  return [answer = std::move(answer)](int socket, const std::string&) { send_all(socket, answer); };
}

std::string ok(std::string_view body) {
  return "HTTP/1.1 200 OK\r\nContent-Type: text/x\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + std::string(body);
}

// May ask this machine, without TLS.
OutboundOptions local() {
  OutboundOptions options;
  options.allowed_networks = {*IpNetwork::parse("127.0.0.0/8")};
  options.plain_hosts = {"127.0.0.1", "localhost"};
  return options;
}

Result<Fetched> ask(const std::string& url, const OutboundOptions& options = local()) {
  Outgoing request;
  request.url = url;
  return make_outbound_client(options)->fetch(request);
}

Errc code_of(const Result<Fetched>& fetched) {
  EXPECT_FALSE(fetched.has_value());
  return fetched.has_value() ? Errc::internal : fetched.error().code;
}

TEST(OutboundClient, BringsStatusTypeAndBody) {
  RawServer server(always(ok("hello")));
  const auto fetched = ask(server.url());
  ASSERT_TRUE(fetched.has_value()) << fetched.error().message;
  EXPECT_EQ(fetched->status, 200u);
  EXPECT_EQ(fetched->content_type, "text/x");
  EXPECT_EQ(fetched->body, "hello");
}

TEST(OutboundClient, SendsMethodHeadersAndBody) {
  std::string seen;
  {
    RawServer server([&](int socket, const std::string& request) {
      seen = request;
      send_all(socket, ok(""));
    });
    Outgoing request;
    request.method = "POST";
    request.url = server.url();
    request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
    request.authorization = Secret<>(std::string("Basic abc"));
    request.body = Secret<>(std::string("a=1"));
    ASSERT_TRUE(make_outbound_client(local())->fetch(request).has_value());
  }
  EXPECT_THAT(seen, ::testing::StartsWith("POST /x HTTP/1.1\r\n"));
  EXPECT_THAT(seen, ::testing::HasSubstr("\r\nAuthorization: Basic abc\r\n"));
  EXPECT_THAT(seen, ::testing::HasSubstr("\r\nContent-Type: application/x-www-form-urlencoded\r\n"));
  EXPECT_THAT(seen, ::testing::HasSubstr("\r\nContent-Length: 3\r\n"));
  EXPECT_THAT(seen, ::testing::EndsWith("\r\n\r\na=1"));
}

TEST(OutboundClient, RefusesHeadersThatWouldBeMore) {
  RawServer server(always(ok("")));
  Outgoing request;
  request.url = server.url();
  request.headers = {{"X", "a\r\nY: b"}};
  EXPECT_EQ(code_of(make_outbound_client(local())->fetch(request)), Errc::invalid_argument);
  EXPECT_EQ(server.connections(), 0);
}

TEST(OutboundClient, FollowsNoRedirect) {
  RawServer elsewhere(always(ok("stolen")));
  RawServer server(
      always("HTTP/1.1 302 Found\r\nLocation: " + elsewhere.url() + "\r\nContent-Length: 0\r\n\r\n"));
  const auto fetched = ask(server.url());
  ASSERT_TRUE(fetched.has_value());
  EXPECT_EQ(fetched->status, 302u);
  EXPECT_EQ(elsewhere.connections(), 0);
}

TEST(OutboundClient, StopsAtTheLimitWhateverTheLengthSays) {
  std::atomic<std::size_t> sent{0};
  RawServer server([&](int socket, const std::string&) {
    // 100 MB, without a word on how much it is.
    bool open = send_all(socket, "HTTP/1.1 200 OK\r\n\r\n");
    const std::string piece(1 << 20, 'x');
    for (int i = 0; open && i < 100; ++i) {
      open = send_all(socket, piece);
      if (open) sent += piece.size();
    }
  });
  EXPECT_EQ(code_of(ask(server.url())), Errc::too_large);
  EXPECT_LT(sent, std::size_t{50} << 20);
}

TEST(OutboundClient, TakesExactlyTheLimit) {
  OutboundOptions options = local();
  options.largest_body = 10;
  RawServer fits(always(ok("0123456789")));
  EXPECT_EQ(ask(fits.url(), options)->body, "0123456789");
  RawServer larger(always(ok("0123456789x")));
  EXPECT_EQ(code_of(ask(larger.url(), options)), Errc::too_large);
}

TEST(OutboundClient, ARequestLowersTheLimitButNeverRaisesIt) {
  RawServer server(always(ok("0123456789")));
  OutboundOptions options = local();
  options.largest_body = 9;
  Outgoing request;
  request.url = server.url();
  request.largest_body = 1000;
  EXPECT_EQ(code_of(make_outbound_client(options)->fetch(request)), Errc::too_large);
  options.largest_body = 1000;
  request.largest_body = 9;
  EXPECT_EQ(code_of(make_outbound_client(options)->fetch(request)), Errc::too_large);
}

TEST(OutboundClient, StopsAtTooLongAHead) {
  RawServer server([](int socket, const std::string&) {
    bool open = send_all(socket, "HTTP/1.1 200 OK\r\n");
    const std::string line = "X-Long: " + std::string(1000, 'x') + "\r\n";
    for (int i = 0; open && i < 100'000; ++i) open = send_all(socket, line);
  });
  EXPECT_EQ(code_of(ask(server.url())), Errc::too_large);
}

TEST(OutboundClient, DoesNotWaitForAServerThatStalls) {
  OutboundOptions options = local();
  options.timeout = 300ms;
  RawServer server([](int socket, const std::string&) {
    char byte = 0;
    static_cast<void>(::recv(socket, &byte, 1, 0));  // until the client goes away
  });
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(code_of(ask(server.url(), options)), Errc::unavailable);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 3s);
}

TEST(OutboundClient, DoesNotWaitForAServerThatTrickles) {
  OutboundOptions options = local();
  options.timeout = 20s;
  options.stalled = 1s;
  RawServer server([](int socket, const std::string&) {
    bool open = send_all(socket, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
    for (int i = 0; open && i < 150; ++i) {
      open = send_all(socket, "x");
      std::this_thread::sleep_for(100ms);
    }
  });
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(code_of(ask(server.url(), options)), Errc::unavailable);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 10s);
}

TEST(OutboundClient, AnAnswerCutShortIsNone) {
  RawServer server(always("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"));
  EXPECT_EQ(code_of(ask(server.url())), Errc::unavailable);
}

TEST(OutboundClient, ReachesNoAddressThatIsNotPublic) {
  RawServer server(always(ok("inside")));
  OutboundOptions options = local();
  options.allowed_networks.clear();
  EXPECT_EQ(code_of(ask(server.url(), options)), Errc::denied);
  // What counts is the address that the name has when it is connected to.
  EXPECT_EQ(code_of(ask(server.url("localhost"), options)), Errc::denied);
  options.plain_hosts.emplace_back("127.1");
  EXPECT_NE(code_of(ask(server.url("127.1"), options)), Errc::internal);
  EXPECT_EQ(server.connections(), 0);
}

TEST(OutboundClient, AnotherAllowedNetworkDoesNotHelp) {
  RawServer server(always(ok("inside")));
  OutboundOptions options = local();
  options.allowed_networks = {*IpNetwork::parse("10.0.0.0/8"), *IpNetwork::parse("::/0")};
  EXPECT_EQ(code_of(ask(server.url(), options)), Errc::denied);
  EXPECT_EQ(server.connections(), 0);
}

TEST(OutboundClient, RefusesUrlsThatAreNotToBeUsed) {
  RawServer server(always(ok("inside")));
  OutboundOptions options = local();
  options.plain_hosts.clear();
  EXPECT_EQ(code_of(ask(server.url(), options)), Errc::invalid_argument);
  for (const char* url : {"", "example.com", "file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/",
                          "https://user@127.0.0.1/", "https://user:pw@127.0.0.1/", "https:///x", "https:/x",
                          "HTTPS://127.0.0.1/", "https://127.0.0.1/\r\nX: y", "dict://127.0.0.1:11211/stat"})
    EXPECT_EQ(code_of(ask(url)), Errc::invalid_argument) << url;
  EXPECT_EQ(code_of(ask("https://127.0.0.1/" + std::string(10'000, 'x'))), Errc::invalid_argument);
  EXPECT_EQ(server.connections(), 0);
}

TEST(OutboundClient, TakesNoProxyFromTheEnvironment) {
  RawServer proxy(always(ok("from the proxy")));
  RawServer server(always(ok("from the server")));
  ::setenv("http_proxy", proxy.url().c_str(), 1);
  ::setenv("all_proxy", proxy.url().c_str(), 1);
  const auto fetched = ask(server.url());
  ::unsetenv("http_proxy");
  ::unsetenv("all_proxy");
  ASSERT_TRUE(fetched.has_value());
  EXPECT_EQ(fetched->body, "from the server");
  EXPECT_EQ(proxy.connections(), 0);
}

TEST(OutboundClient, NobodyThereIsUnavailable) {
  std::string url;
  {
    RawServer gone(always(""));
    url = gone.url();
  }
  EXPECT_EQ(code_of(ask(url)), Errc::unavailable);
}

class OutboundTls : public ServerTest {
 protected:
  OutboundTls() {
    crypto::ServerNames names;
    names.dns = {"localhost"};
    const auto made = crypto::prepare_local_certificates(directory_ / "tls", names, SystemClock().now());
    EXPECT_TRUE(made) << made.error().message;
    auto context = net::TlsContext::open(made->certificate, made->private_key);
    EXPECT_TRUE(context) << context.error().message;
    tls_ = std::move(*context);
    authority_ = made->ca_certificate;
  }
  std::string url(std::string_view host) {
    return "https://" + std::string(host) + ":" + std::to_string(port_) + "/hello";
  }
  std::filesystem::path authority_;
};

TEST_F(OutboundTls, TrustsTheAuthorityThatIsNamed) {
  start();
  OutboundOptions options = local();
  EXPECT_EQ(code_of(ask(url("localhost"), options)), Errc::unavailable);
  options.authorities = authority_;
  const auto fetched = ask(url("localhost"), options);
  ASSERT_TRUE(fetched.has_value()) << fetched.error().message;
  EXPECT_EQ(fetched->body, "hello");
}

TEST_F(OutboundTls, HoldsTheCertificateToTheName) {
  start();
  OutboundOptions options = local();
  options.authorities = authority_;
  EXPECT_EQ(code_of(ask(url("127.0.0.1"), options)), Errc::unavailable);
}

TEST(PublicAddress, IsNoneOfTheSpecialOnes) {
  for (const char* address :
       {"8.8.8.8", "1.1.1.1", "100.63.255.255", "172.15.0.1", "172.32.0.1", "192.167.1.1", "223.255.255.255",
        "2606:4700::1111", "2a00:1450:4001:80b::200e", "2001:4860:4860::8888"})
    EXPECT_TRUE(is_public_address(address)) << address;
  for (const char* address : {"0.0.0.0",
                              "0.1.2.3",
                              "10.0.0.1",
                              "100.64.0.1",
                              "127.0.0.1",
                              "127.255.255.254",
                              "169.254.169.254",
                              "172.16.0.1",
                              "172.31.255.255",
                              "192.0.0.1",
                              "192.0.2.1",
                              "192.168.1.1",
                              "198.18.0.1",
                              "198.51.100.1",
                              "203.0.113.1",
                              "224.0.0.1",
                              "239.255.255.250",
                              "240.0.0.1",
                              "255.255.255.255",
                              "::",
                              "::1",
                              "::ffff:127.0.0.1",
                              "::ffff:8.8.8.8",
                              "::127.0.0.1",
                              "64:ff9b::7f00:1",
                              "64:ff9b:1::1",
                              "100::1",
                              "2001::1",
                              "2001:db8::1",
                              "2002:7f00:1::",
                              "3fff::1",
                              "fc00::1",
                              "fd12:3456::1",
                              "fe80::1",
                              "fec0::1",
                              "ff02::1",
                              "5f00::1"})
    EXPECT_FALSE(is_public_address(address)) << address;
  for (const char* text : {"", "localhost", "127.0.0.1/8", "8.8.8.8 ", "fe80::1%eth0", "0x7f.1"})
    EXPECT_FALSE(is_public_address(text)) << text;
}

}  // namespace
}  // namespace bulkhead::http
