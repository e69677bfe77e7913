#include "crypto/local_ca.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>

#include "base/file.h"
#include "base/testing/temporary_directory.h"
#include "crypto/hash.h"

namespace bulkhead::crypto {
namespace {

namespace fs = std::filesystem;
using std::chrono::days;
using testing::HasSubstr;

const Time kStart = std::chrono::sys_days(std::chrono::year(2026) / 1 / 31) + std::chrono::hours(8);

fs::perms mode_of(const fs::path& path) { return fs::status(path).permissions() & fs::perms::mask; }

using X509Pointer = std::unique_ptr<X509, decltype(&X509_free)>;

X509Pointer load(const fs::path& path) {
  const auto text = read_file(path, 1 << 16);
  const std::unique_ptr<BIO, decltype(&BIO_free_all)> bio(
      BIO_new_mem_buf(text->data(), static_cast<int>(text->size())), BIO_free_all);
  return {PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), X509_free};
}

// What a TLS client that trusts `ca` and connects to `host` at that time makes of the server's certificate.
int verification_error(const fs::path& ca, const fs::path& server, const std::string& host, Time at) {
  const auto trusted = load(ca);
  const auto leaf = load(server);
  const std::unique_ptr<X509_STORE, decltype(&X509_STORE_free)> store(X509_STORE_new(), X509_STORE_free);
  X509_STORE_add_cert(store.get(), trusted.get());
  const std::unique_ptr<X509_STORE_CTX, decltype(&X509_STORE_CTX_free)> context(X509_STORE_CTX_new(),
                                                                                X509_STORE_CTX_free);
  X509_STORE_CTX_init(context.get(), store.get(), leaf.get(), nullptr);
  X509_STORE_CTX_set_purpose(context.get(), X509_PURPOSE_SSL_SERVER);
  X509_VERIFY_PARAM* const parameters = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_X509_STRICT);
  X509_VERIFY_PARAM_set_time(parameters, std::chrono::system_clock::to_time_t(
                                             std::chrono::time_point_cast<std::chrono::seconds>(at)));
  if (is_ip_address(host))
    X509_VERIFY_PARAM_set1_ip_asc(parameters, host.c_str());
  else
    X509_VERIFY_PARAM_set1_host(parameters, host.data(), host.size());
  X509_verify_cert(context.get());
  return X509_STORE_CTX_get_error(context.get());
}

class LocalCa : public testing::Test {
 protected:
  fs::path directory() const { return temporary_.path() / "tls"; }
  std::string contents(const char* file) const {
    const auto text = read_file(directory() / file, 1 << 16);
    EXPECT_TRUE(text) << file;
    return text ? *text : "";
  }
  void overwrite(const char* file, std::string_view text) const {
    ASSERT_TRUE(replace_file(directory() / file, as_bytes(text)));
  }
  LocalCertificates prepare(Time now = kStart) { return prepare(names_, now); }
  LocalCertificates prepare(const ServerNames& names, Time now = kStart) {
    auto result = prepare_local_certificates(directory(), names, now);
    EXPECT_TRUE(result) << result.error().message;
    return result ? *result : LocalCertificates{};
  }
  int verification(const std::string& host, Time at) const {
    return verification_error(directory() / "ca.pem", directory() / "server.pem", host, at);
  }

  TemporaryDirectory temporary_;
  const ServerNames names_{{"localhost", "registry.example.org"}, {"127.0.0.1", "::1"}};
};

TEST_F(LocalCa, ClientsThatTrustItAcceptTheServerUnderEachNameAndNoOther) {
  prepare();
  for (const char* host : {"localhost", "registry.example.org", "REGISTRY.example.org", "127.0.0.1", "::1"})
    EXPECT_EQ(verification(host, kStart), X509_V_OK) << host;
  EXPECT_EQ(verification("example.org", kStart), X509_V_ERR_HOSTNAME_MISMATCH);
  EXPECT_EQ(verification("127.0.0.2", kStart), X509_V_ERR_IP_ADDRESS_MISMATCH);
}

TEST_F(LocalCa, ServerCertificateIsValidFor90DaysAndTheAuthorityFor5Years) {
  prepare();
  EXPECT_EQ(verification("localhost", kStart + days(89)), X509_V_OK);
  EXPECT_EQ(verification("localhost", kStart + days(91)), X509_V_ERR_CERT_HAS_EXPIRED);
  EXPECT_EQ(verification("localhost", kStart - days(1)), X509_V_ERR_CERT_NOT_YET_VALID);
  const auto authority = Certificate::parse(contents("ca.pem"));
  ASSERT_TRUE(authority);
  EXPECT_EQ(authority->valid_until(), kStart + days(5 * 365));
}

TEST_F(LocalCa, AuthorityMaySignServersOnly) {
  prepare();
  const auto authority = load(directory() / "ca.pem");
  EXPECT_EQ(X509_check_ca(authority.get()), 1);
  EXPECT_EQ(X509_get_pathlen(authority.get()), 0);
  EXPECT_EQ(X509_get_key_usage(authority.get()), static_cast<unsigned>(KU_KEY_CERT_SIGN | KU_CRL_SIGN));
  const auto server = load(directory() / "server.pem");
  EXPECT_EQ(X509_check_ca(server.get()), 0);
  EXPECT_EQ(X509_get_key_usage(server.get()), static_cast<unsigned>(KU_DIGITAL_SIGNATURE));
  EXPECT_EQ(X509_get_extended_key_usage(server.get()), static_cast<unsigned>(XKU_SSL_SERVER));
  EXPECT_EQ(EVP_PKEY_get_bits(X509_get0_pubkey(authority.get())), 256);
  EXPECT_EQ(EVP_PKEY_get_base_id(X509_get0_pubkey(server.get())), EVP_PKEY_EC);
}

TEST_F(LocalCa, KeysAreClosedToOthersAndTheChainIsComplete) {
  const auto made = prepare();
  EXPECT_TRUE(made.ca_created);
  EXPECT_EQ(made.ca_certificate, directory() / "ca.pem");
  EXPECT_EQ(made.certificate, directory() / "server.pem");
  EXPECT_EQ(made.private_key, directory() / "server.key");
  EXPECT_EQ(mode_of(directory()), fs::perms::owner_all);
  for (const char* file : {"ca.key", "server.key"})
    EXPECT_EQ(mode_of(directory() / file), fs::perms::owner_read | fs::perms::owner_write) << file;
  EXPECT_TRUE(contents("server.pem").ends_with(contents("ca.pem")));
  EXPECT_THAT(contents("ca.pem"), testing::Not(HasSubstr("PRIVATE")));
  EXPECT_THAT(contents("server.pem"), testing::Not(HasSubstr("PRIVATE")));
}

TEST_F(LocalCa, FingerprintIsTheSha256OfTheDerForm) {
  const auto made = prepare();
  const auto authority = load(made.ca_certificate);
  unsigned char* der = nullptr;
  const int size = i2d_X509(authority.get(), &der);
  ASSERT_GT(size, 0);
  const std::string bytes(reinterpret_cast<char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  EXPECT_EQ(made.ca_fingerprint, to_hex(as_bytes(hash(HashAlgorithm::sha256, as_bytes(bytes)))));
}

TEST_F(LocalCa, IsReusedWhileMoreThan30DaysRemain) {
  const auto first = prepare();
  const auto server = contents("server.pem");
  const auto key = contents("server.key");
  const auto again = prepare(kStart + days(59));
  EXPECT_FALSE(again.ca_created);
  EXPECT_EQ(again.ca_fingerprint, first.ca_fingerprint);
  EXPECT_EQ(contents("server.pem"), server);
  EXPECT_EQ(contents("server.key"), key);
}

TEST_F(LocalCa, ServerCertificateIsRenewedUnderTheSameAuthority) {
  const auto first = prepare();
  const auto server = contents("server.pem");
  const auto again = prepare(kStart + days(61));
  EXPECT_FALSE(again.ca_created);
  EXPECT_EQ(again.ca_fingerprint, first.ca_fingerprint);
  EXPECT_NE(contents("server.pem"), server);
  EXPECT_EQ(verification("localhost", kStart + days(150)), X509_V_OK);
}

TEST_F(LocalCa, AnotherNameNeedsAnotherServerCertificateAndFewerDoNot) {
  const auto first = prepare();
  const auto server = contents("server.pem");
  prepare({{"localhost"}, {}});
  EXPECT_EQ(contents("server.pem"), server);
  auto more = names_;
  more.addresses.push_back("192.0.2.7");
  const auto again = prepare(more);
  EXPECT_EQ(again.ca_fingerprint, first.ca_fingerprint);
  EXPECT_NE(contents("server.pem"), server);
  EXPECT_EQ(verification("192.0.2.7", kStart), X509_V_OK);
  EXPECT_EQ(verification("localhost", kStart), X509_V_OK);
}

TEST_F(LocalCa, ServerCertificateNeverOutlivesTheAuthority) {
  prepare();
  const Time late = kStart + days(5 * 365 - 40);
  EXPECT_FALSE(prepare(late).ca_created);
  const auto server = Certificate::parse(contents("server.pem"));
  ASSERT_TRUE(server);
  EXPECT_EQ(server->valid_until(), kStart + days(5 * 365));
}

TEST_F(LocalCa, AnAuthorityNearItsEndIsReplacedWithTheServerCertificate) {
  const auto first = prepare();
  const Time late = kStart + days(5 * 365 - 29);
  const auto again = prepare(late);
  EXPECT_TRUE(again.ca_created);
  EXPECT_NE(again.ca_fingerprint, first.ca_fingerprint);
  EXPECT_EQ(verification("localhost", late + days(80)), X509_V_OK);
}

TEST_F(LocalCa, CaCertificateIsRestoredFromTheKeyFile) {
  const auto first = prepare();
  const auto pem = contents("ca.pem");
  fs::remove(directory() / "ca.pem");
  EXPECT_EQ(prepare().ca_fingerprint, first.ca_fingerprint);
  EXPECT_EQ(contents("ca.pem"), pem);
  overwrite("ca.pem", "rubbish");
  EXPECT_FALSE(prepare().ca_created);
  EXPECT_EQ(contents("ca.pem"), pem);
}

TEST_F(LocalCa, AnUnreadableAuthorityIsAnErrorAndIsLeftAlone) {
  prepare();
  const auto good = contents("ca.key");
  TemporaryDirectory other;
  ASSERT_TRUE(prepare_local_certificates(other.path() / "tls", names_, kStart));
  const auto other_certificate = read_file(other.path() / "tls" / "ca.pem", 1 << 16);
  const auto end_of_key = good.find("-----BEGIN CERTIFICATE");
  ASSERT_NE(end_of_key, std::string::npos);
  for (const std::string& bad : {std::string(), std::string("rubbish"), good.substr(0, end_of_key),
                                 good.substr(end_of_key), good.substr(0, end_of_key) + *other_certificate}) {
    overwrite("ca.key", bad);
    const auto result = prepare_local_certificates(directory(), names_, kStart);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Errc::corrupt);
    EXPECT_THAT(result.error().message, HasSubstr((directory() / "ca.key").string()));
    EXPECT_EQ(contents("ca.key"), bad);
  }
}

TEST_F(LocalCa, AnAuthorityKeyOpenToOthersIsAnErrorThatSaysWhatMendsIt) {
  prepare();
  fs::permissions(directory() / "ca.key", fs::perms::group_read, fs::perm_options::add);
  const auto result = prepare_local_certificates(directory(), names_, kStart);
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message, HasSubstr("chmod 0600"));
}

TEST_F(LocalCa, AServerKeyThatIsLostOpenOrOfAnotherCertificateIsReplaced) {
  prepare();
  const auto expect_new_pair = [&] {
    const auto before = contents("server.pem");
    prepare();
    EXPECT_NE(contents("server.pem"), before);
    const auto key = PrivateKey::parse(contents("server.key"));
    const auto certificate = Certificate::parse(contents("server.pem"));
    ASSERT_TRUE(key && certificate);
    EXPECT_TRUE(certificate->belongs_to(*key));
    EXPECT_EQ(mode_of(directory() / "server.key"), fs::perms::owner_read | fs::perms::owner_write);
  };
  fs::remove(directory() / "server.key");
  expect_new_pair();
  overwrite("server.key", PrivateKey::generate().pem().reveal());
  expect_new_pair();
  overwrite("server.key", "rubbish");
  expect_new_pair();
  fs::permissions(directory() / "server.key", fs::perms::others_read, fs::perm_options::add);
  expect_new_pair();
  overwrite("server.pem", contents("ca.pem"));
  expect_new_pair();
}

TEST_F(LocalCa, RefusesWhatIsNotANameOrAnAddress) {
  const auto refused = [&](const ServerNames& names) {
    const auto result = prepare_local_certificates(directory(), names, kStart);
    return !result && result.error().code == Errc::invalid_argument;
  };
  EXPECT_TRUE(refused({}));
  for (const std::string& name :
       {std::string(), std::string("a,DNS:evil.example"), std::string("a b"), std::string("-a"),
        std::string("a-"), std::string("a..b"), std::string("a."), std::string(".a"),
        std::string("*.example.org"),
        std::string("b\xc3\xbc"
                    "cher.example"),
        std::string("a\0b", 3), std::string("127.0.0.1"), std::string(64, 'a'), std::string(254, 'a')})
    EXPECT_TRUE(refused({{name}, {}})) << name;
  for (const std::string& address :
       {std::string(), std::string("localhost"), std::string("256.0.0.1"), std::string("[::1]"),
        std::string("1.2.3"), std::string("127.0.0.1:5000"), std::string("fe80::1%eth0"),
        std::string("127.0.0.1\0", 10)})
    EXPECT_TRUE(refused({{}, {address}})) << address;
  ServerNames many;
  for (int i = 0; i < 101; ++i) many.dns.push_back("n" + std::to_string(i));
  EXPECT_TRUE(refused(many));
  EXPECT_FALSE(fs::exists(directory())) << "names are checked before anything is made";
  many.dns.pop_back();
  EXPECT_TRUE(prepare_local_certificates(directory(), many, kStart));
}

TEST(PrivateKey, AnEncryptedKeyIsRefusedWithoutAskingForItsPassword) {
  EVP_PKEY* raw = EVP_EC_gen("P-256");
  const std::unique_ptr<BIO, decltype(&BIO_free_all)> bio(BIO_new(BIO_s_mem()), BIO_free_all);
  ASSERT_EQ(PEM_write_bio_PKCS8PrivateKey(bio.get(), raw, EVP_aes_256_cbc(), "password", 8, nullptr, nullptr),
            1);
  EVP_PKEY_free(raw);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  EXPECT_FALSE(PrivateKey::parse(std::string_view(data, static_cast<std::size_t>(size))));
}

}  // namespace
}  // namespace bulkhead::crypto
