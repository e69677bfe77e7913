#include "net/tls.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "base/clock.h"
#include "crypto/local_ca.h"
#include "net/tests/fixture.h"

namespace bulkhead::net {
namespace {

using namespace std::chrono_literals;

// A blocking TLS client that trusts one authority.
class Client {
 public:
  Client(int socket, const std::filesystem::path& authority, int newest = 0, std::string protocols = {})
      : context_(::SSL_CTX_new(::TLS_client_method())), ssl_(::SSL_new(context_)) {
    EXPECT_EQ(::SSL_CTX_load_verify_locations(context_, authority.c_str(), nullptr), 1);
    ::SSL_free(ssl_);
    ssl_ = ::SSL_new(context_);
    ::SSL_set_verify(ssl_, SSL_VERIFY_PEER, nullptr);
    ::SSL_set1_host(ssl_, "localhost");
    if (newest != 0) {
      ::SSL_set_min_proto_version(ssl_, 0);
      ::SSL_set_max_proto_version(ssl_, newest);
      ::SSL_set_cipher_list(ssl_, "DEFAULT:@SECLEVEL=0");
    }
    if (!protocols.empty())
      ::SSL_set_alpn_protos(ssl_, reinterpret_cast<const unsigned char*>(protocols.data()),
                            static_cast<unsigned>(protocols.size()));
    ::SSL_set_fd(ssl_, socket);
    connected_ = ::SSL_connect(ssl_) == 1;
    ::ERR_clear_error();
  }
  ~Client() {
    ::SSL_free(ssl_);
    ::SSL_CTX_free(context_);
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  bool connected() const { return connected_; }
  std::string protocol() const {
    const unsigned char* chosen = nullptr;
    unsigned length = 0;
    ::SSL_get0_alpn_selected(ssl_, &chosen, &length);
    return {reinterpret_cast<const char*>(chosen), length};
  }
  std::string serial() const {
    X509* certificate = ::SSL_get1_peer_certificate(ssl_);
    const ASN1_INTEGER* number = ::X509_get0_serialNumber(certificate);
    std::string out(reinterpret_cast<const char*>(number->data), static_cast<std::size_t>(number->length));
    ::X509_free(certificate);
    return out;
  }
  bool write(std::string_view text) {
    return ::SSL_write(ssl_, text.data(), static_cast<int>(text.size())) == static_cast<int>(text.size());
  }
  std::string read_all() {
    std::string out;
    char buffer[16384];
    for (;;) {
      const int count = ::SSL_read(ssl_, buffer, sizeof buffer);
      if (count <= 0) return out;
      out.append(buffer, static_cast<std::size_t>(count));
    }
  }

 private:
  SSL_CTX* context_;
  SSL* ssl_;
  bool connected_ = false;
};

class TlsTest : public StreamTest {
 protected:
  TlsTest() : certificates_(make("ca")) {
    auto opened = TlsContext::open(certificates_.certificate, certificates_.private_key);
    EXPECT_TRUE(opened) << opened.error().message;
    context_ = std::move(*opened);
  }

  crypto::LocalCertificates make(const std::string& name) {
    crypto::ServerNames names;
    names.dns = {"localhost"};
    auto made = crypto::prepare_local_certificates(directory_ / name, names, SystemClock().now());
    EXPECT_TRUE(made) << made.error().message;
    return *made;
  }

  async::Task<Result<void>> handshake_and_end(Stream& stream) {
    auto done = co_await stream.handshake();
    stream.shutdown_write();
    co_return done;
  }

  // What a new client sees.
  template <class Look>
  auto look(const std::filesystem::path& authority, Look&& at, int newest = 0, std::string protocols = {}) {
    auto [server, client] = connected_pair();
    auto seen = std::async(std::launch::async, [&, fd = client.get()] {
      Client connected(fd, authority, newest, protocols);
      return at(connected);
    });
    Socket socket = adopt(std::move(server));
    SslPointer session = context_->accept(socket.native_handle());
    {
      Stream stream(std::move(socket), std::move(session), sweeper_);
      handshaken_ = bool(run(handshake_and_end(stream)));
    }
    return seen.get();
  }
  std::string serial(const std::filesystem::path& authority) {
    return look(authority, [](Client& client) { return client.connected() ? client.serial() : ""; });
  }
  void replace(const std::filesystem::path& file, const std::filesystem::path& by) {
    const auto before = std::filesystem::last_write_time(file);
    std::filesystem::copy_file(by, file, std::filesystem::copy_options::overwrite_existing);
    std::filesystem::last_write_time(file, before + 1s);
  }

  crypto::LocalCertificates certificates_;
  std::unique_ptr<TlsContext> context_;
  bool handshaken_ = false;
};

TEST_F(TlsTest, SpeaksHttp11ToAClientThatOffersMore) {
  const auto protocol = look(
      certificates_.ca_certificate, [](Client& client) { return client.protocol(); }, 0,
      "\x02h2\x08http/1.1");
  EXPECT_TRUE(handshaken_);
  EXPECT_EQ(protocol, "http/1.1");
}

TEST_F(TlsTest, RefusesOldVersions) {
  const bool old = look(
      certificates_.ca_certificate, [](Client& client) { return client.connected(); }, TLS1_1_VERSION);
  EXPECT_FALSE(old);
  EXPECT_FALSE(handshaken_);
  EXPECT_TRUE(look(
      certificates_.ca_certificate, [](Client& client) { return client.connected(); }, TLS1_2_VERSION));
}

TEST_F(TlsTest, NewCertificatesAreUsedWhenTheFilesChange) {
  const std::string before = serial(certificates_.ca_certificate);
  ASSERT_FALSE(before.empty());
  EXPECT_FALSE(context_->reload_if_changed().value()) << "nothing has changed";
  const auto other = make("other");
  replace(certificates_.certificate, other.certificate);
  replace(certificates_.private_key, other.private_key);
  EXPECT_TRUE(context_->reload_if_changed().value());
  EXPECT_FALSE(context_->reload_if_changed().value());
  const std::string after = serial(other.ca_certificate);
  EXPECT_FALSE(after.empty());
  EXPECT_NE(after, before);
}

TEST_F(TlsTest, WhatCannotBeUsedLeavesTheOldCertificateInUse) {
  const std::string before = serial(certificates_.ca_certificate);
  const auto other = make("other");
  const auto stays = certificates_.ca_certificate;
  replace(certificates_.private_key, other.private_key);
  const auto half = context_->reload_if_changed();
  ASSERT_FALSE(half);
  EXPECT_EQ(half.error().code, Errc::invalid_argument);
  EXPECT_NE(half.error().message.find(certificates_.private_key.string()), std::string::npos);
  EXPECT_EQ(serial(stays), before);

  std::filesystem::remove(certificates_.certificate);
  const auto absent = context_->reload_if_changed();
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().code, Errc::not_found);
  EXPECT_EQ(serial(stays), before);
}

TEST_F(TlsTest, OpenNamesTheFileThatIsWrong) {
  const auto nothing = directory_ / "nothing.pem";
  std::ofstream(nothing) << "not PEM";
  const auto certificate = TlsContext::open(nothing, certificates_.private_key);
  ASSERT_FALSE(certificate);
  EXPECT_NE(certificate.error().message.find(nothing.string()), std::string::npos);
  const auto key = TlsContext::open(certificates_.certificate, nothing);
  ASSERT_FALSE(key);
  EXPECT_NE(key.error().message.find(nothing.string()), std::string::npos);
}

TEST_F(TlsTest, AKeyWithAPasswordIsRefusedWithoutAsking) {
  std::FILE* source = std::fopen(certificates_.private_key.c_str(), "r");
  EVP_PKEY* key = ::PEM_read_PrivateKey(source, nullptr, nullptr, nullptr);
  std::fclose(source);
  ASSERT_NE(key, nullptr);
  const auto path = directory_ / "locked.key";
  std::FILE* out = std::fopen(path.c_str(), "w");
  char password[] = "secret";
  EXPECT_EQ(::PEM_write_PKCS8PrivateKey(out, key, ::EVP_aes_128_cbc(), password, 6, nullptr, nullptr), 1);
  std::fclose(out);
  ::EVP_PKEY_free(key);
  EXPECT_FALSE(TlsContext::open(certificates_.certificate, path));
}

async::Task<Result<std::string>> greet_and_send(Stream& stream, int file, std::uint64_t length,
                                                async::OffloadPool& pool) {
  if (auto done = co_await stream.handshake(); !done) co_return done.error();
  std::string text(64, '\0');
  auto count = co_await stream.read_some(std::as_writable_bytes(std::span(text)));
  if (!count) co_return count.error();
  text.resize(*count);
  auto written = co_await stream.write(std::chrono::seconds(30), as_bytes("one,"), as_bytes("two,"));
  if (!written) co_return written.error();
  auto sent = co_await stream.send_file(file, 3, length - 3, pool, std::chrono::seconds(30));
  stream.shutdown_write();
  if (!sent) co_return sent.error();
  co_return text;
}

TEST_F(TlsTest, CarriesTextAndFilesBothWays) {
  const std::string contents = noise((3 << 20) + 17);
  const FileDescriptor stored = file(contents);
  for (const std::size_t queue : {std::size_t{8}, std::size_t{0}}) {
    async::OffloadPool pool("files", 1, queue);
    auto [server, client] = connected_pair();
    auto received = std::async(std::launch::async, [&, fd = client.get()] {
      Client connected(fd, certificates_.ca_certificate);
      EXPECT_TRUE(connected.write("hello"));
      return connected.read_all();
    });
    Socket socket = adopt(std::move(server));
    SslPointer session = context_->accept(socket.native_handle());
    Stream stream(std::move(socket), std::move(session), sweeper_);
    EXPECT_EQ(run(greet_and_send(stream, stored.get(), contents.size(), pool)).value(), "hello");
    EXPECT_TRUE(received.get() == "one,two," + contents.substr(3));
  }
}

TEST_F(TlsTest, AHandshakeThatStandsStillMeetsItsDeadline) {
  auto [server, client] = connected_pair();
  Socket socket = adopt(std::move(server));
  SslPointer session = context_->accept(socket.native_handle());
  Stream stream(std::move(socket), std::move(session), sweeper_);
  stream.set_deadline(std::chrono::steady_clock::now() + 50ms);
  EXPECT_EQ(run(handshake_and_end(stream)).error().code, Errc::timeout);
}

TEST_F(TlsTest, PlainTextIsNotTls) {
  auto [server, client] = connected_pair();
  ASSERT_TRUE(send_all(client.get(), "GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
  Socket socket = adopt(std::move(server));
  SslPointer session = context_->accept(socket.native_handle());
  Stream stream(std::move(socket), std::move(session), sweeper_);
  EXPECT_EQ(run(handshake_and_end(stream)).error().code, Errc::unavailable);
}

}  // namespace
}  // namespace bulkhead::net
