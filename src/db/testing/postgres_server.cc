#include "db/testing/postgres_server.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <vector>

namespace bulkhead::db::testing {
namespace {

namespace fs = std::filesystem;

using Connection = std::unique_ptr<PGconn, decltype(&PQfinish)>;

fs::path find_binaries() {
  fs::path newest;
  int newest_version = 0;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator("/usr/lib/postgresql", error)) {
    const int version = atoi(entry.path().filename().c_str());
    if (version > newest_version && fs::exists(entry.path() / "bin" / "postgres")) {
      newest = entry.path() / "bin";
      newest_version = version;
    }
  }
  if (newest.empty()) {
    throw std::runtime_error("these tests need a PostgreSQL server: install Debian's package postgresql");
  }
  return newest;
}

const passwd& unprivileged_user() {
  for (const char* name : {"postgres", "nobody"}) {
    if (const passwd* user = getpwnam(name)) return *user;
  }
  throw std::runtime_error(
      "PostgreSQL refuses to run as root, and there is neither a user postgres nor nobody");
}

// Starts a program as the user, its output going to `log`. It is told to stop when this process ends, however
// it ends.
pid_t spawn(const std::vector<std::string>& command, uid_t user, gid_t group, const fs::path& log) {
  std::vector<char*> arguments;
  for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child != 0) return child;
  // Only system calls from here on: other threads' locks are in whatever state they were.
  const int output = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  const bool changed =
      geteuid() != 0 || (setgroups(0, nullptr) == 0 && setgid(group) == 0 && setuid(user) == 0);
  if (changed && chdir("/") == 0 && prctl(PR_SET_PDEATHSIG, SIGQUIT) == 0 && getppid() == parent) {
    execv(arguments[0], arguments.data());
  }
  _exit(127);
}

}  // namespace

PostgresServer& PostgresServer::shared() {
  static PostgresServer server;
  return server;
}

PostgresServer::PostgresServer()
    : binaries_(find_binaries()),
      directory_(TemporaryDirectory::Place::memory),
      user_(geteuid()),
      group_(getegid()) {
  if (user_ == 0) {
    const passwd& user = unprivileged_user();
    user_ = user.pw_uid;
    group_ = user.pw_gid;
    if (chown(directory_.path().c_str(), user_, group_) != 0) {
      throw std::runtime_error("cannot give away " + directory_.path().string());
    }
  }
  initialise();
  start();
}

PostgresServer::~PostgresServer() {
  kill(server_, SIGQUIT);  // without a checkpoint: nothing is kept
  waitpid(server_, nullptr, 0);
}

void PostgresServer::initialise() {
  const pid_t child = spawn({binaries_ / "initdb", "--pgdata", directory_.path() / "data",
                             "--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8",
                             "--locale-provider=icu", "--icu-locale=en", "--no-sync", "--wal-segsize=1"},
                            user_, group_, log_file());
  int status = 0;
  waitpid(child, &status, 0);
  if (status != 0) throw std::runtime_error("initdb failed: " + log());
}

void PostgresServer::start() {
  server_ = spawn(
      {binaries_ / "postgres", "-D", directory_.path() / "data", "-k", directory_.path(), "-c",
       "listen_addresses=", "-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=200",
       "-c", "shared_buffers=16MB", "-c", "autovacuum=off", "-c", "dynamic_shared_memory_type=mmap"},
      user_, group_, log_file());
  wait_until_ready();
}

void PostgresServer::wait_until_ready() {
  const std::string conninfo = url("postgres");
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (PQping(conninfo.c_str()) != PQPING_OK) {
    const bool ended = waitpid(server_, nullptr, WNOHANG) == server_;
    if (ended || std::chrono::steady_clock::now() > deadline) {
      throw std::runtime_error("the PostgreSQL server did not start: " + log());
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

std::string PostgresServer::create_database(std::string_view name) {
  administer(fmt::format("CREATE DATABASE {}", name));
  return url(name);
}

void PostgresServer::drop_database(std::string_view name) {
  administer(fmt::format("DROP DATABASE IF EXISTS {} WITH (FORCE)", name));
}

std::string PostgresServer::url(std::string_view database) const {
  return fmt::format("postgres:///{}?host={}&user=postgres", database, directory_.path().string());
}

void PostgresServer::administer(const std::string& sql) const {
  const Connection connection(PQconnectdb(url("postgres").c_str()), PQfinish);
  PQsetNoticeProcessor(
      connection.get(), [](void*, const char*) {}, nullptr);
  const std::unique_ptr<PGresult, decltype(&PQclear)> response(PQexec(connection.get(), sql.c_str()),
                                                               PQclear);
  const ExecStatusType status = PQresultStatus(response.get());
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
    throw std::runtime_error(sql + ": " + PQerrorMessage(connection.get()));
  }
}

std::filesystem::path PostgresServer::log_file() const { return directory_.path() / "log"; }

std::string PostgresServer::log() const {
  std::ostringstream text;
  text << std::ifstream(log_file()).rdbuf();
  return text.str();
}

}  // namespace bulkhead::db::testing
