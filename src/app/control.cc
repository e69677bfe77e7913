#include "app/control.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "api/errors.h"
#include "app/operator_commands.h"
#include "oci/strict_json.h"

namespace bulkhead::app {
namespace {

namespace json = boost::json;

constexpr std::size_t kCommandBytes = 1 << 20;
constexpr long kConnectTimeoutMs = 2000;

std::string this_user() {
  const ::passwd* entry = ::getpwuid(::getuid());
  return entry != nullptr ? entry->pw_name : std::to_string(::getuid());
}

async::Task<http::Response> answer(Installation& installation, http::Exchange& exchange) {
  exchange.route = "control";
  if (exchange.request().method != http::Method::post)
    co_return api::error_response(405, "UNSUPPORTED", "commands are sent with POST");
  auto body = co_await exchange.read_all(kCommandBytes);
  if (!body) co_return api::error_response(body.error());
  const Secret<> text(std::move(*body));
  // Creating an account hashes a password, so commands share the hashers' small pool.
  auto outcome = co_await async::offload(installation.passwords(), [&]() -> Result<std::string> {
    auto parsed = oci::parse_strict_json(text.reveal(), {.depth = 8, .values = 1000});
    if (!parsed) return parsed.error();
    if (!parsed->is_object()) return Error{Errc::invalid_argument, "a command is a JSON object"};
    return render_outcome(execute(installation, parsed->get_object(), this_user()));
  });
  if (!outcome) co_return api::json_response(200, render_outcome(outcome.error()));
  co_return api::json_response(200, std::move(*outcome));
}

std::size_t append(char* data, std::size_t size, std::size_t count, void* into) {
  static_cast<std::string*>(into)->append(data, size * count);
  return size * count;
}

struct CurlFree {
  void operator()(CURL* curl) const { ::curl_easy_cleanup(curl); }
};

// Errc::not_found when no server listens there.
Result<std::string> post(const std::filesystem::path& socket, const std::string& body) {
  const std::unique_ptr<CURL, CurlFree> curl(::curl_easy_init());
  std::string reply;
  ::curl_easy_setopt(curl.get(), CURLOPT_UNIX_SOCKET_PATH, socket.c_str());
  ::curl_easy_setopt(curl.get(), CURLOPT_URL, "http://localhost/");
  ::curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  ::curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, body.data());
  ::curl_easy_setopt(curl.get(), CURLOPT_CONNECTTIMEOUT_MS, kConnectTimeoutMs);
  ::curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  ::curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, append);
  ::curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &reply);
  const CURLcode code = ::curl_easy_perform(curl.get());
  if (code == CURLE_COULDNT_CONNECT) return Error{Errc::not_found, "no server listens"};
  if (code != CURLE_OK)
    return Error{Errc::unavailable, fmt::format("the server on {} did not answer: {}", socket.string(),
                                                ::curl_easy_strerror(code))};
  return reply;
}

}  // namespace

Result<ControlSocket> ControlSocket::in(const std::filesystem::path& data) {
  ControlSocket socket;
  socket.path_ = data / "control.sock";
  if (socket.path_.native().size() < sizeof(::sockaddr_un::sun_path)) return socket;
  auto directory = open_file(data, O_RDONLY | O_DIRECTORY);
  if (!directory) return directory.error();
  socket.directory_ = std::move(*directory);
  socket.path_ = fmt::format("/proc/self/fd/{}/control.sock", socket.directory_.get());
  return socket;
}

http::Hooks control_hooks(Installation& installation) {
  return {[&installation](http::Exchange& exchange) { return answer(installation, exchange); },
          api::refusal_response,
          [](const http::Exchange&, unsigned, std::chrono::nanoseconds, std::uint64_t) {}};
}

Result<json::value> Operator::run(const json::object& command) {
  if (!opened_ && std::filesystem::exists(settings_.data / "control.sock")) {
    const auto socket = ControlSocket::in(settings_.data);
    if (!socket) return socket.error();
    const Secret<> body(json::serialize(command));
    auto reply = post(socket->path(), body.reveal());
    if (reply) return parse_outcome(*reply);
    if (reply.error().code != Errc::not_found) return reply.error();
  }
  if (!opened_) {
    auto opened = Installation::open(settings_, log_);
    if (!opened) return opened.error();
    opened_ = std::move(*opened);
  }
  return execute(*opened_, command, this_user());
}

}  // namespace bulkhead::app
