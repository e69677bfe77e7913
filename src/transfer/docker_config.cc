#include "transfer/docker_config.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cctype>
#include <cstdlib>
#include <vector>

#include "base/bytes.h"
#include "base/file.h"
#include "base/shown.h"
#include "oci/strict_json.h"

extern char** environ;  // NOLINT(readability-redundant-declaration): POSIX leaves it to the program

namespace bulkhead::transfer {
namespace {

namespace json = boost::json;

constexpr std::size_t kFileBytes = std::size_t{1} << 20;
constexpr std::size_t kHelperBytes = std::size_t{64} << 10;
constexpr int kHelperMilliseconds = 30'000;

const json::value* member(const json::value* value, std::string_view key) {
  const auto* object = value == nullptr ? nullptr : value->if_object();
  return object == nullptr ? nullptr : object->if_contains(key);
}

std::string text(const json::value* value) {
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : "";
}

// What the host is called in the file.
std::vector<std::string> keys_of(const std::string& host) {
  if (host == "docker.io" || host == "index.docker.io" || host == "registry-1.docker.io")
    return {"https://index.docker.io/v1/", "docker.io", "index.docker.io", "registry-1.docker.io"};
  return {host, "https://" + host, "http://" + host, "https://" + host + "/", "https://" + host + "/v1/"};
}

Error no_password(const std::string& host) {
  return {Errc::unsupported,
          fmt::format("docker's log-in at {} is a token that only docker can use; give a name and a password "
                      "with --source-username and --source-password-stdin",
                      shown(host))};
}

Result<std::string> run_helper(const std::string& program, const std::string& input) {
  std::array<int, 2> in{};
  std::array<int, 2> out{};
  if (::pipe2(in.data(), O_CLOEXEC) != 0) return system_error("use", program, errno);
  FileDescriptor in_read(in[0]);
  FileDescriptor in_write(in[1]);
  if (::pipe2(out.data(), O_CLOEXEC) != 0) return system_error("use", program, errno);
  FileDescriptor out_read(out[0]);
  FileDescriptor out_write(out[1]);
  ::posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, in_read.get(), STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, out_write.get(), STDOUT_FILENO);
  std::string name = program;
  std::string verb = "get";
  std::array<char*, 3> arguments{name.data(), verb.data(), nullptr};
  ::pid_t child = 0;
  const int failed = ::posix_spawnp(&child, name.c_str(), &actions, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) return system_error("run", program, failed);
  in_read = {};
  out_write = {};
  // A host's name fits into any pipe.
  static_cast<void>(!::write(in_write.get(), input.data(), input.size()));
  in_write = {};
  std::string answer;
  bool ended = false;
  while (!ended && answer.size() <= kHelperBytes) {
    ::pollfd look{out_read.get(), POLLIN, 0};
    if (::poll(&look, 1, kHelperMilliseconds) <= 0) break;
    std::array<char, 4096> piece{};
    const auto count = ::read(out_read.get(), piece.data(), piece.size());
    if (count > 0) answer.append(piece.data(), static_cast<std::size_t>(count));
    ended = count <= 0;
  }
  if (!ended) ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (!ended || status != 0)
    return Error{Errc::unavailable, fmt::format("{} gives no credential: {}", shown(program),
                                                shown(std::string_view(answer).substr(0, 200)))};
  return answer;
}

Result<std::optional<Credentials>> from_helper(const std::string& name, const std::string& host,
                                               const std::string& key) {
  const bool plain = std::ranges::all_of(
      name, [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.'; });
  if (!plain || name.empty())
    return Error{Errc::invalid_argument,
                 fmt::format("docker's config.json names the helper {}, which is none", quote(name))};
  auto answer = run_helper("docker-credential-" + name, key);
  if (!answer) return answer.error();
  const auto parsed = oci::parse_strict_json(*answer);
  const Secret<> wiped(*std::move(answer));
  const json::value* value = parsed ? &*parsed : nullptr;
  std::string user = text(member(value, "Username"));
  Secret<> secret(text(member(value, "Secret")));
  if (user == "<token>") return no_password(host);
  if (user.empty() || secret.empty()) return std::optional<Credentials>();
  return std::optional(Credentials{std::move(user), std::move(secret)});
}

}  // namespace

std::filesystem::path docker_config_path() {
  if (const char* folder = std::getenv("DOCKER_CONFIG"); folder != nullptr && *folder != 0)
    return std::filesystem::path(folder) / "config.json";
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != 0)
    return std::filesystem::path(home) / ".docker" / "config.json";
  return {};
}

Result<std::optional<Credentials>> docker_credentials(const std::filesystem::path& file,
                                                      const std::string& host) {
  if (file.empty()) return std::optional<Credentials>();
  auto contents = read_file(file, kFileBytes);
  if (!contents && contents.error().code == Errc::not_found) return std::optional<Credentials>();
  if (!contents) return contents.error();
  const auto parsed = oci::parse_strict_json(*contents);
  const Secret<> wiped(*std::move(contents));
  if (!parsed)
    return Error{Errc::invalid_argument,
                 fmt::format("{} cannot be read: {}", file.string(), parsed.error().message)};
  const auto keys = keys_of(host);
  for (const std::string& key : keys)
    if (const std::string helper = text(member(member(&*parsed, "credHelpers"), key)); !helper.empty())
      return from_helper(helper, host, key);
  for (const std::string& key : keys) {
    const json::value* entry = member(member(&*parsed, "auths"), key);
    if (entry == nullptr) continue;
    if (!text(member(entry, "identitytoken")).empty()) return no_password(host);
    auto decoded = from_base64(text(member(entry, "auth")));
    const Secret<> pair(decoded ? *std::move(decoded) : std::string());
    const auto colon = pair.reveal().find(':');
    if (colon != std::string::npos && colon > 0)
      return std::optional(
          Credentials{pair.reveal().substr(0, colon), Secret<>(pair.reveal().substr(colon + 1))});
    if (const std::string store = text(member(&*parsed, "credsStore")); !store.empty())
      return from_helper(store, host, key);
  }
  return std::optional<Credentials>();
}

}  // namespace bulkhead::transfer
