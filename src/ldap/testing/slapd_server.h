// A real directory for tests: Debian's slapd on the loopback interface, with its database in a temporary
// directory of its own.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/testing/temporary_directory.h"

namespace bulkhead::ldap::testing {

// Below dc=example,dc=org there are ou=people and ou=groups, and cn=searcher, which may read everything. The
// others may read nothing but what is below ou=open, not even themselves; anybody may bind who has a
// userPassword. Serves LDAP with StartTLS and LDAPS with a certificate for 127.0.0.1 only. Nothing outlives
// the object or the process.
//
// Throws std::runtime_error when slapd cannot be started: where it is not installed, the tests that need it
// fail.
class SlapdServer {
 public:
  static constexpr std::string_view kBase = "dc=example,dc=org";
  static constexpr std::string_view kPeople = "ou=people,dc=example,dc=org";
  static constexpr std::string_view kGroups = "ou=groups,dc=example,dc=org";
  static constexpr std::string_view kSearcher = "cn=searcher,dc=example,dc=org";
  static constexpr std::string_view kSearcherPassword = "the password of the searcher";

  // With more entries, in LDIF. There is a class guidHolder with a binary attribute objectGUID.
  explicit SlapdServer(std::string_view ldif = {});
  ~SlapdServer();
  SlapdServer(const SlapdServer&) = delete;
  SlapdServer& operator=(const SlapdServer&) = delete;

  void start();
  void stop();

  std::string url() const;          // ldap://127.0.0.1:PORT
  std::string secure_url() const;   // ldaps://127.0.0.1:PORT
  std::string foreign_url() const;  // ldaps://127.0.0.2:PORT, which the certificate does not name
  std::filesystem::path authorities() const { return directory_ / "ca.pem"; }
  std::filesystem::path other_authorities() const { return directory_ / "other.pem"; }

  // As the directory's administrator, while it runs.
  void remove(const std::string& dn);
  void rename(const std::string& dn, const std::string& new_rdn);
  void replace(const std::string& dn, const std::string& attribute, const std::vector<std::string>& values);

 private:
  void make_certificates() const;
  void write_configuration() const;
  void load(std::string_view ldif) const;
  void wait_until_ready();
  std::string log() const;

  const TemporaryDirectory temporary_;
  const std::filesystem::path directory_ = temporary_.path();
  std::uint16_t port_ = 0;
  std::uint16_t secure_port_ = 0;
  pid_t server_ = -1;
};

// A listening socket of 127.0.0.1 that nobody serves: it accepts connections and never answers.
class SilentServer {
 public:
  SilentServer();
  ~SilentServer();
  SilentServer(const SilentServer&) = delete;
  SilentServer& operator=(const SilentServer&) = delete;

  std::uint16_t port() const { return port_; }
  // Whether somebody has connected and was not taken by accept().
  bool was_connected_to() const;
  // Waits for a connection, half a minute at most, and gives its socket, which the caller closes; or -1.
  int accept() const;

 private:
  int socket_ = -1;
  std::uint16_t port_ = 0;
};

}  // namespace bulkhead::ldap::testing
