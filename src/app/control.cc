#include "app/control.h"

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

async::Task<http::Response> answer(Installation& installation, http::Exchange& exchange) {
  exchange.route = "control";
  if (exchange.request().method != http::Method::post)
    co_return api::error_response(405, "UNSUPPORTED", "commands are sent with POST");
  auto body = co_await exchange.read_all(kCommandBytes);
  if (!body) co_return api::error_response(body.error());
  const Secret<> text(std::move(*body));
  auto outcome = co_await async::offload(installation.operators(), [&]() -> Result<std::string> {
    auto parsed = oci::parse_strict_json(text.reveal(), {.depth = 8, .values = 1000});
    if (!parsed) return parsed.error();
    if (!parsed->is_object()) return Error{Errc::invalid_argument, "a command is a JSON object"};
    return render_outcome(execute(installation, parsed->get_object(), local_user()));
  });
  if (!outcome) co_return api::json_response(200, render_outcome(outcome.error()));
  co_return api::json_response(200, std::move(*outcome));
}

}  // namespace

std::string local_user() {
  const ::passwd* entry = ::getpwuid(::getuid());
  return entry != nullptr ? entry->pw_name : std::to_string(::getuid());
}

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
          [](http::Exchange&, unsigned status, std::string_view message) {
            return api::refusal_response(status, message);
          },
          [](const http::Exchange&, unsigned, std::chrono::nanoseconds, std::uint64_t) {}};
}

}  // namespace bulkhead::app
