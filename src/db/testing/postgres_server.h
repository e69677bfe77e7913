// A real PostgreSQL for tests: Debian's packaged server on a Unix socket in a temporary directory of its own.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "base/testing/temporary_directory.h"

namespace bulkhead::db::testing {

// It compares text by a language's rules (ICU "en"), unlike bytes, and does not sync, so that it is quick;
// nothing outlives the process. Run by root, it runs as the user postgres or nobody, since the server refuses
// root.
class PostgresServer {
 public:
  // The one of this test process, started by the first call, stopped and removed at exit (and stopped when
  // the process is killed). Throws std::runtime_error when it cannot be started: where the server is not
  // installed, the tests that need it fail.
  static PostgresServer& shared();

  PostgresServer();
  ~PostgresServer();
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  // An empty database; returns its URL. Thread-safe, as drop_database() is.
  std::string create_database(std::string_view name);
  void drop_database(std::string_view name);

  std::string url(std::string_view database) const;
  // Runs statements in the server's own database, as its superuser.
  void administer(const std::string& sql) const;

 private:
  void initialise();
  void start();
  void wait_until_ready();
  std::filesystem::path log_file() const;
  std::string log() const;

  std::filesystem::path binaries_;
  TemporaryDirectory directory_;
  uid_t user_ = 0;
  gid_t group_ = 0;
  pid_t server_ = -1;
};

}  // namespace bulkhead::db::testing
