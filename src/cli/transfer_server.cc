#include "cli/transfer_server.h"

#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "base/say.h"

namespace bulkhead::cli {
namespace {

namespace json = boost::json;

constexpr std::int64_t kTokenSeconds = INT64_C(7) * 24 * 3600;
constexpr long kLookNanoseconds = 100'000'000;

// The authority that was named when one logged in.
std::string authority_of(const std::string& url) {
  const auto path = LoginStore::default_path();
  if (!path) return "";
  const auto store = LoginStore::load(*path);
  if (!store) return "";
  const auto session = store->sessions().find(url);
  return session != store->sessions().end() ? session->second.ca : store->authority(url);
}

::sigset_t ending_signals() {
  ::sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGINT);
  ::sigaddset(&set, SIGTERM);
  return set;
}

}  // namespace

Result<std::unique_ptr<TransferServer>> TransferServer::open(const CommandLine& line,
                                                             const std::string& purpose, bool pushes,
                                                             const transfer::Stop& stop) {
  auto remote = remote_server(line);
  if (!remote) return remote.error();
  if (!*remote)
    return Error{
        Errc::unauthenticated,
        "this command works with a server through the network: log in to it first, with bulkhead login "
        "SERVER"};
  std::unique_ptr<TransferServer> out(new TransferServer(*std::move(*remote)));
  char host[256] = "this machine";
  ::gethostname(host, sizeof host - 1);
  json::array actions{"pull"};
  if (pushes) actions.emplace_back("push");
  const auto made =
      out->server_.client->create(path_of("users", out->server_.name, "tokens"),
                                  {{"name", fmt::format("{} on {}", purpose, host)},
                                   {"scopes", json::array{json::object{{"actions", std::move(actions)}}}},
                                   {"lifetime_seconds", kTokenSeconds}});
  if (!made) return made.error();
  out->token_ = made->at("token").at("id").to_number<std::int64_t>();
  const std::string& url = out->server_.url;
  transfer::RegistryOptions options{
      .url = url,
      .authority = authority_of(url),
      .access = {.credentials = {out->server_.name, Secret<>(std::string(made->at("secret").as_string()))},
                 .token_service = url + "/token"}};
  out->registry_ = std::make_unique<transfer::RegistryClient>(std::move(options), stop);
  return out;
}

TransferServer::~TransferServer() {
  if (token_ == 0) return;
  const std::string number = std::to_string(token_);
  const auto done = server_.client->remove(path_of("users", server_.name, "tokens", number));
  if (!done && done.error().code != Errc::not_found)
    tell(
        "the access token {} that was made for this still works for up to a week; end it with: bulkhead "
        "token "
        "revoke {} {}\n",
        number, server_.name, number);
}

StopAtSignal::StopAtSignal(transfer::Stop& stop) {
  const ::sigset_t set = ending_signals();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  thread_ = std::jthread([&stop, set](const std::stop_token& token) {
    while (!token.stop_requested()) {
      const ::timespec look{0, kLookNanoseconds};
      if (::sigtimedwait(&set, nullptr, &look) < 0) continue;
      stop = true;
      ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
      return;
    }
  });
}

StopAtSignal::~StopAtSignal() {
  thread_.request_stop();
  thread_.join();
  const ::sigset_t set = ending_signals();
  ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

}  // namespace bulkhead::cli
