#include "ldap/testing/slapd_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <ldap.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace bulkhead::ldap::testing {
namespace {

namespace fs = std::filesystem;

constexpr const char* kAdministrator = "cn=root,dc=example,dc=org";
constexpr const char* kAdministratorPassword = "the password of root";

constexpr std::string_view kConfiguration = R"(include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
include /etc/ldap/schema/nis.schema
attributetype ( 1.3.6.1.4.1.32473.1.1 NAME 'objectGUID' EQUALITY octetStringMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 SINGLE-VALUE )
objectclass ( 1.3.6.1.4.1.32473.1.2 NAME 'guidHolder' AUXILIARY MAY objectGUID )
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {0}/pid
argsfile {0}/args
TLSCACertificateFile {0}/ca.pem
TLSCertificateFile {0}/server.pem
TLSCertificateKeyFile {0}/server.key
TLSVerifyClient never
database mdb
suffix "dc=example,dc=org"
rootdn "{1}"
rootpw "{2}"
directory {0}/database
maxsize 16777216
dbnosync
access to attrs=userPassword by anonymous auth by * none
access to dn.subtree="ou=open,dc=example,dc=org" by * read
access to * by dn.exact="cn=searcher,dc=example,dc=org" read by anonymous auth by * none
)";

constexpr std::string_view kEntries = R"(dn: dc=example,dc=org
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: ou=people,dc=example,dc=org
objectClass: organizationalUnit
ou: people

dn: ou=groups,dc=example,dc=org
objectClass: organizationalUnit
ou: groups

dn: cn=searcher,dc=example,dc=org
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: searcher
userPassword: the password of the searcher

)";

// Nothing of this process's environment, which tests of the client change.
pid_t spawn(const std::vector<std::string>& command, const fs::path& log) {
  std::vector<char*> arguments;
  for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
  char locale[] = "LC_ALL=C";
  char* environment[] = {path, locale, nullptr};
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child != 0) return child;
  // Only system calls from here on: other threads' locks are in whatever state they were.
  const int output = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent)
    execve(arguments[0], arguments.data(), environment);
  _exit(127);
}

void run(const std::vector<std::string>& command, const fs::path& log) {
  int status = 0;
  waitpid(spawn(command, log), &status, 0);
  if (status == 0) return;
  std::ostringstream text;
  text << std::ifstream(log).rdbuf();
  throw std::runtime_error(command.front() + " failed: " + text.str());
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

bool answers(std::uint16_t port) {
  const sockaddr_in address = loopback(port);
  const int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool connected = connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  close(probe);
  return connected;
}

class Administrator {
 public:
  explicit Administrator(const std::string& url) {
    ldap_initialize(&handle_, url.c_str());
    const int version = LDAP_VERSION3;
    ldap_set_option(handle_, LDAP_OPT_PROTOCOL_VERSION, &version);
    const std::string password = kAdministratorPassword;
    berval credentials{password.size(), const_cast<char*>(password.data())};
    require(
        ldap_sasl_bind_s(handle_, kAdministrator, LDAP_SASL_SIMPLE, &credentials, nullptr, nullptr, nullptr));
  }
  ~Administrator() { ldap_unbind_ext_s(handle_, nullptr, nullptr); }
  Administrator(const Administrator&) = delete;
  Administrator& operator=(const Administrator&) = delete;

  static void require(int result) {
    if (result != LDAP_SUCCESS) throw std::runtime_error(std::string("slapd: ") + ldap_err2string(result));
  }
  ::ldap* get() const { return handle_; }

 private:
  ::ldap* handle_ = nullptr;
};

}  // namespace

SlapdServer::SlapdServer(std::string_view ldif) {
  fs::create_directory(directory_ / "database");
  make_certificates();
  write_configuration();
  load(ldif);
  // Held together until both are known, so that they differ.
  {
    const SilentServer one;
    const SilentServer other;
    port_ = one.port();
    secure_port_ = other.port();
  }
  start();
}

SlapdServer::~SlapdServer() { stop(); }

void SlapdServer::make_certificates() const {
  const auto make = [this](const std::string& name, const std::vector<std::string>& more) {
    std::vector<std::string> command = {"/usr/bin/openssl",
                                        "req",
                                        "-x509",
                                        "-newkey",
                                        "ec",
                                        "-pkeyopt",
                                        "ec_paramgen_curve:P-256",
                                        "-nodes",
                                        "-days",
                                        "2",
                                        "-subj",
                                        "/CN=" + name,
                                        "-keyout",
                                        directory_ / (name + ".key"),
                                        "-out",
                                        directory_ / (name + ".pem")};
    command.insert(command.end(), more.begin(), more.end());
    run(command, directory_ / "log");
  };
  make("ca", {});
  make("other", {});
  make("server", {"-CA", directory_ / "ca.pem", "-CAkey", directory_ / "ca.key", "-addext",
                  "subjectAltName=IP:127.0.0.1"});
}

void SlapdServer::write_configuration() const {
  std::ofstream(directory_ / "slapd.conf") << fmt::format(fmt::runtime(kConfiguration), directory_.string(),
                                                          kAdministrator, kAdministratorPassword);
}

void SlapdServer::load(std::string_view ldif) const {
  std::ofstream(directory_ / "entries.ldif") << kEntries << ldif;
  run({"/usr/sbin/slapadd", "-q", "-f", directory_ / "slapd.conf", "-l", directory_ / "entries.ldif"},
      directory_ / "log");
}

void SlapdServer::start() {
  server_ = spawn({"/usr/sbin/slapd", "-d", "0", "-f", directory_ / "slapd.conf", "-h",
                   fmt::format("{} {} {}", url(), secure_url(), foreign_url())},
                  directory_ / "log");
  wait_until_ready();
}

void SlapdServer::stop() {
  if (server_ < 0) return;
  kill(server_, SIGKILL);
  waitpid(server_, nullptr, 0);
  server_ = -1;
}

void SlapdServer::wait_until_ready() {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!answers(port_) || !answers(secure_port_)) {
    if (waitpid(server_, nullptr, WNOHANG) == server_) {
      server_ = -1;
      throw std::runtime_error("slapd did not start: " + log());
    }
    if (std::chrono::steady_clock::now() > deadline)
      throw std::runtime_error("slapd does not answer: " + log());
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

std::string SlapdServer::url() const { return fmt::format("ldap://127.0.0.1:{}", port_); }
std::string SlapdServer::secure_url() const { return fmt::format("ldaps://127.0.0.1:{}", secure_port_); }
std::string SlapdServer::foreign_url() const { return fmt::format("ldaps://127.0.0.2:{}", secure_port_); }

void SlapdServer::remove(const std::string& dn) {
  Administrator::require(ldap_delete_ext_s(Administrator(url()).get(), dn.c_str(), nullptr, nullptr));
}

void SlapdServer::rename(const std::string& dn, const std::string& new_rdn) {
  Administrator::require(
      ldap_rename_s(Administrator(url()).get(), dn.c_str(), new_rdn.c_str(), nullptr, 1, nullptr, nullptr));
}

void SlapdServer::replace(const std::string& dn, const std::string& attribute,
                          const std::vector<std::string>& values) {
  std::vector<berval> bytes;
  for (const std::string& value : values) bytes.push_back({value.size(), const_cast<char*>(value.data())});
  std::vector<berval*> pointers;
  for (berval& value : bytes) pointers.push_back(&value);
  pointers.push_back(nullptr);
  LDAPMod change{};
  change.mod_op = LDAP_MOD_REPLACE | LDAP_MOD_BVALUES;
  change.mod_type = const_cast<char*>(attribute.c_str());
  change.mod_vals.modv_bvals = pointers.data();
  LDAPMod* changes[] = {&change, nullptr};
  Administrator::require(
      ldap_modify_ext_s(Administrator(url()).get(), dn.c_str(), changes, nullptr, nullptr));
}

std::string SlapdServer::log() const {
  std::ostringstream text;
  text << std::ifstream(directory_ / "log").rdbuf();
  return text.str();
}

SilentServer::SilentServer() : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address = loopback(0);
  socklen_t length = sizeof address;
  if (bind(socket_, reinterpret_cast<sockaddr*>(&address), length) != 0 || listen(socket_, 16) != 0 ||
      getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &length) != 0)
    throw std::runtime_error("cannot listen on a port of this machine");
  port_ = ntohs(address.sin_port);
}

SilentServer::~SilentServer() { close(socket_); }

bool SilentServer::was_connected_to() const {
  pollfd waiting{socket_, POLLIN, 0};
  return poll(&waiting, 1, 0) > 0;
}

int SilentServer::accept() const {
  pollfd waiting{socket_, POLLIN, 0};
  if (poll(&waiting, 1, 30'000) <= 0) return -1;
  return ::accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC);
}

}  // namespace bulkhead::ldap::testing
