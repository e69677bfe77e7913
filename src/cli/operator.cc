#include "cli/operator.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <filesystem>
#include <string>

#include "app/control.h"
#include "app/data_directory.h"
#include "app/operator_commands.h"
#include "base/file.h"
#include "base/say.h"
#include "base/secret.h"

namespace bulkhead::cli {
namespace {

namespace json = boost::json;

constexpr long kConnectTimeoutMs = 2000;

std::size_t append(char* data, std::size_t size, std::size_t count, void* into) {
  static_cast<std::string*>(into)->append(data, size * count);
  return size * count;
}

struct CurlFree {
  void operator()(CURL* curl) const { ::curl_easy_cleanup(curl); }
};

// A connected socket whose other end is the directory's owner; Errc::not_found when no server listens there.
Result<FileDescriptor> connect_to(const std::filesystem::path& path, const app::DataDirectory& data) {
  FileDescriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ::sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (!fd.valid() || path.native().size() >= sizeof address.sun_path)
    return Error{Errc::unavailable, fmt::format("cannot make a socket for {}", path.string())};
  path.native().copy(address.sun_path, path.native().size());
  if (::connect(fd.get(), reinterpret_cast<const ::sockaddr*>(&address), sizeof address) != 0) {
    const int reason = errno;
    if (reason == ECONNREFUSED || reason == ENOENT) return Error{Errc::not_found, "no server listens"};
    return system_error("connect to", path, reason);
  }
  ::ucred peer{};
  ::socklen_t size = sizeof peer;
  if (::getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
    return system_error("ask who listens on", path, errno);
  if (peer.uid != data.owner)
    return Error{
        Errc::denied,
        fmt::format("what listens on {} runs as the user {}, and {} belongs to {}: nothing was sent to it",
                    (data.path / "control.sock").string(), app::user_name(peer.uid), data.path.string(),
                    app::user_name(data.owner))};
  return fd;
}

::curl_socket_t take_socket(void* from, ::curlsocktype, ::curl_sockaddr*) {
  return static_cast<FileDescriptor*>(from)->release();
}
int is_connected(void*, ::curl_socket_t, ::curlsocktype) { return CURL_SOCKOPT_ALREADY_CONNECTED; }

Result<std::string> post(FileDescriptor& connected, const std::filesystem::path& socket,
                         const std::string& body) {
  const std::unique_ptr<CURL, CurlFree> curl(::curl_easy_init());
  std::string reply;
  ::curl_easy_setopt(curl.get(), CURLOPT_UNIX_SOCKET_PATH, socket.c_str());
  ::curl_easy_setopt(curl.get(), CURLOPT_OPENSOCKETFUNCTION, take_socket);
  ::curl_easy_setopt(curl.get(), CURLOPT_OPENSOCKETDATA, &connected);
  ::curl_easy_setopt(curl.get(), CURLOPT_SOCKOPTFUNCTION, is_connected);
  ::curl_easy_setopt(curl.get(), CURLOPT_PROXY, "");
  ::curl_easy_setopt(curl.get(), CURLOPT_URL, "http://localhost/");
  ::curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  ::curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, body.data());
  ::curl_easy_setopt(curl.get(), CURLOPT_CONNECTTIMEOUT_MS, kConnectTimeoutMs);
  ::curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  ::curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, append);
  ::curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &reply);
  const CURLcode code = ::curl_easy_perform(curl.get());
  if (code != CURLE_OK)
    return Error{Errc::unavailable, fmt::format("the server on {} did not answer: {}", socket.string(),
                                                ::curl_easy_strerror(code))};
  return reply;
}

std::string text(const json::object& command, std::string_view key) {
  const json::value* value = command.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

}  // namespace

Result<void> Operator::open(const json::object& command) {
  const auto data = app::DataDirectory::look(settings_);
  if (!data) return data.error();
  const json::value* admin = command.if_contains("admin");
  const bool begins =
      text(command, "command") == "user.create" && (named_ || (admin != nullptr && admin->as_bool()));
  const bool begun = data->fresh();
  if (begun && begins) {
    const Secret<> password(text(command, "password"));
    if (auto checked = identity::Accounts::check(text(command, "name"), password); !checked) return checked;
  }
  auto opened = app::Installation::open(
      settings_, log_, {.missing = begins ? app::Opening::Missing::make : app::Opening::Missing::refuse});
  if (!opened) return opened.error();
  opened_ = std::move(*opened);
  if (begun) tell("this is a new installation in {}\n", data->path.string());
  return {};
}

Result<json::value> Operator::run(const json::object& command) {
  if (!opened_) {
    const auto data = app::DataDirectory::look(settings_);
    if (!data) return data.error();
    if (data->has_socket) {
      const auto socket = app::ControlSocket::in(settings_.data);
      if (!socket) return socket.error();
      auto connected = connect_to(socket->path(), *data);
      if (!connected && connected.error().code != Errc::not_found) return connected.error();
      if (connected) {
        const Secret<> body(json::serialize(command));
        const auto reply = post(*connected, socket->path(), body.reveal());
        if (!reply) return reply.error();
        return app::parse_outcome(*reply);
      }
    }
    if (auto done = open(command); !done) return done.error();
  }
  return app::execute(*opened_, command, app::local_user());
}

}  // namespace bulkhead::cli
