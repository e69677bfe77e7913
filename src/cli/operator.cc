#include "cli/operator.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <filesystem>
#include <optional>
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

// Who is at the other end of the socket that curl connects; looked at before anything is sent.
struct Peer {
  uid_t owner = 0;  // whom it should be
  int socket = -1;  // curl's
  std::optional<uid_t> stranger;
};

::curl_socket_t open_socket(void* peer, ::curlsocktype, ::curl_sockaddr* address) {
  auto& mine = *static_cast<Peer*>(peer);
  mine.socket = ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  return mine.socket;
}

int check_peer(void* peer, char*, char*, int, int) {
  auto& mine = *static_cast<Peer*>(peer);
  ::ucred other{};
  ::socklen_t size = sizeof other;
  if (::getsockopt(mine.socket, SOL_SOCKET, SO_PEERCRED, &other, &size) != 0) return CURL_PREREQFUNC_ABORT;
  if (other.uid == mine.owner) return CURL_PREREQFUNC_OK;
  mine.stranger = other.uid;
  return CURL_PREREQFUNC_ABORT;
}

// Errc::not_found when no server listens there, Errc::denied when somebody else than the directory's owner
// does.
Result<std::string> post(const std::filesystem::path& socket, const app::DataDirectory& data,
                         const std::string& body) {
  const std::unique_ptr<CURL, CurlFree> curl(::curl_easy_init());
  std::string reply;
  Peer peer;
  peer.owner = data.owner;
  ::curl_easy_setopt(curl.get(), CURLOPT_UNIX_SOCKET_PATH, socket.c_str());
  ::curl_easy_setopt(curl.get(), CURLOPT_OPENSOCKETFUNCTION, open_socket);
  ::curl_easy_setopt(curl.get(), CURLOPT_OPENSOCKETDATA, &peer);
  ::curl_easy_setopt(curl.get(), CURLOPT_PREREQFUNCTION, check_peer);
  ::curl_easy_setopt(curl.get(), CURLOPT_PREREQDATA, &peer);
  ::curl_easy_setopt(curl.get(), CURLOPT_PROXY, "");
  ::curl_easy_setopt(curl.get(), CURLOPT_URL, "http://localhost/");
  ::curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  ::curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, body.data());
  ::curl_easy_setopt(curl.get(), CURLOPT_CONNECTTIMEOUT_MS, kConnectTimeoutMs);
  ::curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  ::curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, append);
  ::curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &reply);
  const CURLcode code = ::curl_easy_perform(curl.get());
  if (peer.stranger)
    return Error{
        Errc::denied,
        fmt::format("what listens on {} runs as the user {}, and {} belongs to {}: nothing was sent to it",
                    (data.path / "control.sock").string(), app::user_name(*peer.stranger), data.path.string(),
                    app::user_name(data.owner))};
  if (code == CURLE_COULDNT_CONNECT) return Error{Errc::not_found, "no server listens"};
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

Result<std::optional<json::value>> Operator::ask(const json::object& command) {
  using Asked = Result<std::optional<json::value>>;
  const auto data = app::DataDirectory::look(settings_);
  if (!data) return data.error();
  if (!data->has_socket) return Asked(std::nullopt);
  const auto socket = app::ControlSocket::in(settings_.data);
  if (!socket) return socket.error();
  const Secret<> body(json::serialize(command));
  const auto reply = post(socket->path(), *data, body.reveal());
  if (!reply && reply.error().code == Errc::not_found) return Asked(std::nullopt);
  if (!reply) return reply.error();
  auto outcome = app::parse_outcome(*reply);
  if (!outcome) return outcome.error();
  return Asked(*std::move(outcome));
}

Result<json::value> Operator::run(const json::object& command) {
  if (!opened_) {
    auto answer = ask(command);
    if (!answer) return answer.error();
    if (*answer) return **std::move(answer);
    if (auto done = open(command); !done) return done.error();
  }
  return app::execute(*opened_, command, app::local_user());
}

}  // namespace bulkhead::cli
