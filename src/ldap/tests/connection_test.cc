// Directories that cannot be trusted, reached or waited for.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <thread>

#include "base/file.h"
#include "ldap/directory.h"
#include "ldap/testing/slapd_server.h"

namespace bulkhead::ldap {
namespace {

using ::testing::HasSubstr;
using testing::SilentServer;
using testing::SlapdServer;

constexpr std::string_view kAlice = R"(dn: uid=alice,ou=people,dc=example,dc=org
objectClass: inetOrgPerson
uid: alice
cn: Alice Example
sn: Example
userPassword: correct horse

)";

class ConnectionTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    ::signal(SIGPIPE, SIG_IGN);
    server_ = std::make_unique<SlapdServer>(kAlice);
  }
  static void TearDownTestSuite() { server_.reset(); }

  static Settings settings(std::string url, bool start_tls = false) {
    Settings settings;
    settings.url = std::move(url);
    settings.start_tls = start_tls;
    settings.bind_dn = SlapdServer::kSearcher;
    settings.user_base = SlapdServer::kPeople;
    return settings;
  }
  static Options options(std::filesystem::path authorities = server_->authorities()) {
    Options options;
    options.authorities = std::move(authorities);
    options.limits.timeout = std::chrono::seconds(20);
    return options;
  }

  // "" for a success.
  static std::string log_in(const Settings& settings, const Options& options,
                            std::string password = "correct horse") {
    const auto person =
        Directory(options).authenticate(settings, Secret<>(std::string(SlapdServer::kSearcherPassword)),
                                        "alice", Secret<>(std::move(password)));
    if (person) return person->name == "alice" ? "" : "somebody else";
    return std::string(name(person.error().code)) + ": " + person.error().message;
  }

  static std::unique_ptr<SlapdServer> server_;
};
std::unique_ptr<SlapdServer> ConnectionTest::server_;

TEST_F(ConnectionTest, IsEncryptedFromTheFirstByte) {
  EXPECT_EQ(log_in(settings(server_->secure_url()), options()), "");
  EXPECT_THAT(log_in(settings(server_->secure_url()), options(), "wrong"), HasSubstr("unauthenticated"));
}

TEST_F(ConnectionTest, StartsTls) { EXPECT_EQ(log_in(settings(server_->url(), true), options()), ""); }

TEST_F(ConnectionTest, TrustsOnlyItsAuthorities) {
  for (const auto& authorities : {server_->other_authorities(), std::filesystem::path()}) {
    EXPECT_THAT(log_in(settings(server_->secure_url()), options(authorities)), HasSubstr("cannot connect"));
    EXPECT_THAT(log_in(settings(server_->url(), true), options(authorities)), HasSubstr("cannot encrypt"));
  }
}

TEST_F(ConnectionTest, TrustsAllThatAFileNames) {
  const std::filesystem::path both = server_->authorities().parent_path() / "both.pem";
  std::ofstream(both) << std::ifstream(server_->other_authorities()).rdbuf()
                      << std::ifstream(server_->authorities()).rdbuf();
  EXPECT_EQ(log_in(settings(server_->secure_url()), options(both)), "");
}

TEST_F(ConnectionTest, NeedsTheAuthoritiesThatItWasGiven) {
  EXPECT_THAT(log_in(settings(server_->secure_url()), options("/nonexistent/ca.pem")),
              HasSubstr("/nonexistent/ca.pem"));
  EXPECT_THAT(log_in(settings(server_->secure_url()), options("/etc/hostname")),
              HasSubstr("no certificate in PEM"));
}

TEST_F(ConnectionTest, ChecksTheNameInTheCertificate) {
  EXPECT_THAT(log_in(settings(server_->foreign_url()), options()), HasSubstr("cannot connect"));
}

TEST_F(ConnectionTest, IsNotPlainUnlessTheHostIsNamed) {
  EXPECT_THAT(log_in(settings(server_->url()), options()), HasSubstr("must be encrypted"));
  Options plain = options();
  plain.plain_hosts = {"127.0.0.1"};
  EXPECT_EQ(log_in(settings(server_->url()), plain), "");
}

TEST_F(ConnectionTest, SaysThatTheDirectoryIsDownAndComesBack) {
  server_->stop();
  EXPECT_THAT(log_in(settings(server_->secure_url()), options()), HasSubstr("unavailable: cannot connect"));
  server_->start();
  EXPECT_EQ(log_in(settings(server_->secure_url()), options()), "");
}

class StallingDirectory : public ::testing::Test {
 protected:
  // How long it took to be told that it took too long.
  static std::chrono::milliseconds wait_for(const SilentServer& server, const std::string& scheme,
                                            bool start_tls) {
    Settings settings;
    settings.url = scheme + "://127.0.0.1:" + std::to_string(server.port());
    settings.start_tls = start_tls;
    settings.user_base = "dc=example,dc=org";
    Options options;
    options.plain_hosts = {"127.0.0.1"};
    options.limits.timeout = std::chrono::milliseconds(200);
    const auto began = std::chrono::steady_clock::now();
    const auto person = Directory(options).authenticate(settings, {}, "alice", Secret<>(std::string("x")));
    EXPECT_FALSE(person);
    if (!person) {
      EXPECT_EQ(person.error().code, Errc::unavailable) << person.error().message;
    }
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began);
  }
};

// Far more than the limit, for a machine that is busy; far less than for ever.
constexpr std::chrono::seconds kPatience(20);

TEST_F(StallingDirectory, ThatNeverAnswersIsGivenUp) {
  const SilentServer server;
  EXPECT_LT(wait_for(server, "ldap", false), kPatience);
  EXPECT_LT(wait_for(server, "ldap", true), kPatience);
  EXPECT_LT(wait_for(server, "ldaps", false), kPatience);
}

TEST_F(StallingDirectory, ThatStopsWithinAMessageIsGivenUp) {
  for (const std::string& beginning :
       {std::string("\x30"), std::string("\x30\x82\x01"), std::string("\x30\x0c\x02\x01\x01")}) {
    const SilentServer server;
    std::thread thread([&] {
      const int connection = server.accept();
      EXPECT_GT(::send(connection, beginning.data(), beginning.size(), MSG_NOSIGNAL), 0);
      char byte = 0;
      while (::recv(connection, &byte, 1, 0) > 0) {
      }
      ::close(connection);
    });
    EXPECT_LT(wait_for(server, "ldap", false), kPatience);
    thread.join();
  }
}

TEST_F(ConnectionTest, RefusesMessagesOfAnySize) {
  const SilentServer server;
  std::thread thread([&] {
    const int connection = server.accept();
    const std::string huge("\x30\x84\x40\x00\x00\x00", 6);  // a gigabyte is to follow
    EXPECT_GT(::send(connection, huge.data(), huge.size(), MSG_NOSIGNAL), 0);
    char byte = 0;
    while (::recv(connection, &byte, 1, 0) > 0) {
    }
    ::close(connection);
  });
  Options plain = options();
  plain.plain_hosts = {"127.0.0.1"};
  EXPECT_THAT(log_in(settings("ldap://127.0.0.1:" + std::to_string(server.port())), plain),
              HasSubstr("unavailable"));
  thread.join();
}

// A sanitizer's shadow is terabytes, of what no byte is the program's.
constexpr unsigned long kLargestRegion = 1UL << 32U;

// Whether this process's memory holds the text, which is given inverted so that looking for it does not put
// it there.
bool memory_holds(const std::string& inverted) {
  std::ifstream maps("/proc/self/maps");
  const auto memory = open_file("/proc/self/mem", O_RDONLY);
  std::vector<char> page(1 << 16);
  bool found = false;
  for (std::string line; !found && std::getline(maps, line);) {
    unsigned long begin = 0;
    unsigned long end = 0;
    char access[5] = {};
    if (std::sscanf(line.c_str(), "%lx-%lx %4s", &begin, &end, access) != 3) continue;
    if (!std::string_view(access).starts_with("rw")) continue;
    if (end - begin > kLargestRegion) continue;
    std::size_t matched = 0;
    for (unsigned long at = begin; at < end; at += page.size()) {
      const ssize_t count = ::pread(memory->get(), page.data(),
                                    std::min<unsigned long>(page.size(), end - at), static_cast<off_t>(at));
      for (ssize_t i = 0; i < count && !found; ++i) {
        matched =
            static_cast<char>(~page[static_cast<std::size_t>(i)]) == inverted[matched] ? matched + 1 : 0;
        found = matched == inverted.size();
      }
    }
  }
  ::explicit_bzero(page.data(), page.size());
  return found;
}

std::string inverted(std::string text) {
  for (char& c : text) c = static_cast<char>(~c);
  return text;
}

TEST_F(ConnectionTest, LeavesNoPasswordInMemory) {
  // Never written out as it is, here or in the program's data.
  std::string pattern;
  for (int i = 0; i < 40; ++i) pattern += static_cast<char>(~('!' + (i * 37 + 11) % 90));
  Options plain = options();
  plain.plain_hosts = {"127.0.0.1"};
  const Settings with = settings(server_->url());
  const Secret<> bind_password{std::string(SlapdServer::kSearcherPassword)};
  {
    const Secret<> password(inverted(pattern));
    EXPECT_TRUE(memory_holds(pattern)) << "the search finds nothing";
    const auto person = Directory(plain).authenticate(with, bind_password, "alice", password);
    EXPECT_FALSE(person);
  }
  EXPECT_FALSE(memory_holds(pattern));
}

}  // namespace
}  // namespace bulkhead::ldap
