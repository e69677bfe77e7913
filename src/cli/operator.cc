#include "cli/operator.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <filesystem>
#include <string>

#include "app/control.h"
#include "app/operator_commands.h"
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

Result<json::value> Operator::run(const json::object& command) {
  if (!opened_ && std::filesystem::exists(settings_.data / "control.sock")) {
    const auto socket = app::ControlSocket::in(settings_.data);
    if (!socket) return socket.error();
    const Secret<> body(json::serialize(command));
    auto reply = post(socket->path(), body.reveal());
    if (reply) return app::parse_outcome(*reply);
    if (reply.error().code != Errc::not_found) return reply.error();
  }
  if (!opened_) {
    auto opened = app::Installation::open(settings_, log_);
    if (!opened) return opened.error();
    opened_ = std::move(*opened);
  }
  return app::execute(*opened_, command, app::local_user());
}

}  // namespace bulkhead::cli
