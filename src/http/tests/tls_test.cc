// The server over TLS, from an OpenSSL client's side.
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/clock.h"
#include "crypto/local_ca.h"
#include "http/tests/server_fixture.h"

namespace bulkhead::http {
namespace {

class TlsClient {
 public:
  TlsClient(std::uint16_t port, const std::filesystem::path& authority)
      : plain_(port), context_(::SSL_CTX_new(::TLS_client_method())) {
    EXPECT_EQ(::SSL_CTX_load_verify_locations(context_, authority.c_str(), nullptr), 1);
    ::SSL_CTX_set_verify(context_, SSL_VERIFY_PEER, nullptr);
    ssl_ = ::SSL_new(context_);
    ::SSL_set_fd(ssl_, plain_.descriptor());
    EXPECT_EQ(::SSL_connect(ssl_), 1);
  }
  ~TlsClient() {
    ::SSL_free(ssl_);
    ::SSL_CTX_free(context_);
  }
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  bool send(std::string_view bytes) {
    return ::SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size())) == static_cast<int>(bytes.size());
  }
  // What arrives until `size` bytes have or the end comes.
  std::string receive(std::size_t size) {
    std::string out;
    char buffer[16384];
    while (out.size() < size) {
      const int count =
          ::SSL_read(ssl_, buffer, static_cast<int>(std::min(sizeof buffer, size - out.size())));
      if (count <= 0) {
        ended_ = ::SSL_get_error(ssl_, count) == SSL_ERROR_ZERO_RETURN;
        break;
      }
      out.append(buffer, static_cast<std::size_t>(count));
    }
    return out;
  }
  std::string receive_all() { return receive(std::string::npos); }
  bool ended_orderly() const { return ended_; }

 private:
  Client plain_;
  SSL_CTX* context_;
  SSL* ssl_ = nullptr;
  bool ended_ = false;
};

class TlsServerTest : public ServerTest {
 protected:
  TlsServerTest() {
    crypto::ServerNames names;
    names.dns = {"localhost"};
    auto made = crypto::prepare_local_certificates(directory_ / "tls", names, SystemClock().now());
    EXPECT_TRUE(made) << made.error().message;
    authority_ = made->ca_certificate;
    auto context = net::TlsContext::open(made->certificate, made->private_key);
    EXPECT_TRUE(context) << context.error().message;
    tls_ = std::move(*context);
  }
  std::filesystem::path authority_;
};

TEST_F(TlsServerTest, AnswersPipelinedRequestsOfAllSizes) {
  start();
  TlsClient client(port_, authority_);
  ASSERT_TRUE(client.send(get("/hello") + put_chunked("/echo", "3\r\nabc\r\n0\r\n\r\n") + get("/text/100") +
                          get("/text/300000", "Connection: close\r\n")));
  const std::string all = client.receive_all();
  EXPECT_NE(all.find("\r\n\r\nhelloHTTP/1.1 200 OK\r\n"), std::string::npos);
  EXPECT_NE(all.find("\r\n\r\nabcHTTP/1.1 200 OK\r\n"), std::string::npos);
  EXPECT_TRUE(all.ends_with("\r\n\r\n" + std::string(300'000, 't')));
  EXPECT_TRUE(client.ended_orderly());
}

TEST_F(TlsServerTest, SendsFilesAndCutsThemShort) {
  const std::string contents(2'000'000, 'f');
  store(contents);
  start();
  TlsClient client(port_, authority_);
  ASSERT_TRUE(client.send(get("/checked?0-1999999", "Connection: close\r\n")));
  EXPECT_TRUE(client.receive_all().ends_with("\r\n\r\n" + contents));
  handler_.sound = false;
  TlsClient unlucky(port_, authority_);
  ASSERT_TRUE(unlucky.send(get("/checked?0-1999999")));
  const std::string cut = unlucky.receive_all();
  EXPECT_NE(cut.find("Content-Length: 2000000\r\n"), std::string::npos);
  EXPECT_LT(cut.size(), contents.size());
}

TEST_F(TlsServerTest, AnAnswerSurvivesABodyThatNobodyReads) {
  start();
  TlsClient client(port_, authority_);
  ASSERT_TRUE(client.send(put("/status/413", std::string(200'000, 'b'))));
  EXPECT_TRUE(client.receive_all().starts_with("HTTP/1.1 413 "));
  EXPECT_TRUE(client.ended_orderly());
}

TEST_F(TlsServerTest, ANewCertificateServesNewConnections) {
  start();
  TlsClient before(port_, authority_);
  crypto::ServerNames names;
  names.dns = {"localhost"};
  auto other = crypto::prepare_local_certificates(directory_ / "other", names, SystemClock().now());
  ASSERT_TRUE(other);
  for (const auto& [to, from] : {std::pair{directory_ / "tls/server.pem", other->certificate},
                                 std::pair{directory_ / "tls/server.key", other->private_key}}) {
    const auto written = std::filesystem::last_write_time(to);
    std::filesystem::copy_file(from, to, std::filesystem::copy_options::overwrite_existing);
    std::filesystem::last_write_time(to, written + std::chrono::seconds(1));
  }
  ASSERT_TRUE(tls_->reload_if_changed().value());
  TlsClient after(port_, other->ca_certificate);
  for (TlsClient* client : {&before, &after}) {
    ASSERT_TRUE(client->send(get("/hello", "Connection: close\r\n")));
    EXPECT_TRUE(client->receive_all().ends_with("\r\n\r\nhello"));
  }
}

TEST_F(TlsServerTest, AHandshakeThatStandsStillIsEnded) {
  limits_.header_timeout = std::chrono::milliseconds(200);
  start();
  Client client(port_);
  ASSERT_TRUE(client.send("\x16\x03\x01"));
  EXPECT_TRUE(client.at_end());
  EXPECT_TRUE(eventually([&] { return server_->counters().open == 0; }));
}

TEST_F(TlsServerTest, APlainRequestIsToldSo) {
  limits_.hsts = std::chrono::hours(1);
  start();
  for (const std::string method : {"GET", "PATCH"}) {
    Client client(port_);
    const Answer answer = client.ask(method + " /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(answer.status, 400u);
    EXPECT_NE(answer.body.find("HTTPS"), std::string::npos);
    EXPECT_EQ(answer.header("Strict-Transport-Security"), "");
    EXPECT_EQ(answer.header("Connection"), "close");
  }
}

TEST_F(TlsServerTest, WhatIsNoRequestEitherIsNotAnswered) {
  limits_.header_timeout = std::chrono::milliseconds(200);
  start();
  for (const std::string bytes : {"SSH-2.0-x\r\n", "G", "GET / HTTP/9.9\r\n\r\n"}) {
    Client client(port_);
    ASSERT_TRUE(client.send(bytes));
    EXPECT_TRUE(client.at_end()) << bytes;
  }
}

TEST_F(TlsServerTest, SaysHowLongToStayWithTls) {
  limits_.hsts = std::chrono::hours(1);
  start();
  for (const auto& [host, said] :
       {std::pair("registry.example", true), std::pair("localhost", false), std::pair("LOCALHOST:1", false),
        std::pair("a.localhost", false), std::pair("notlocalhost", true), std::pair("127.0.0.1", true)}) {
    TlsClient client(port_, authority_);
    ASSERT_TRUE(
        client.send(fmt::format("GET /hello HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", host)));
    const std::string answer = client.receive_all();
    EXPECT_EQ(answer.find("Strict-Transport-Security: max-age=3600\r\n") != std::string::npos, said) << host;
  }
}

TEST_F(TlsServerTest, TheLocalSocketIsPlain) {
  loops_ = std::make_unique<async::Loops>(1);
  files_ = std::make_unique<async::OffloadPool>("files", 1, 64);
  server_ = std::make_unique<Server>(*loops_, *files_, limits_, hooks(), tls_.get(), Log::none());
  ASSERT_TRUE(server_->listen_local(directory_ / "socket"));
  loops_->start();
  port_ = 1;
  EXPECT_EQ(Client(directory_ / "socket").ask(get("/hello")).body, "hello");
}

}  // namespace
}  // namespace bulkhead::http
