#include <fmt/format.h>

#include "base/clock.h"
#include "cli/command_line.h"
#include "cli/environment.h"
#include "cli/keep_session.h"
#include "cli/proof.h"

namespace bulkhead::cli {
namespace {

// By a flag; what is typed goes before what the environment says.
bool flags_name_data(const CommandLine& line) { return !line.flags.empty() || !line.config_file.empty(); }

// The server that the command line or the environment names; "" where neither does.
Result<std::string> named_server(const CommandLine& line) {
  if (!line.server.empty()) return line.server;
  const std::string server = server_variable();
  if (server.empty() || flags_name_data(line)) return std::string();
  if (names_data(line))
    return Error{Errc::invalid_argument,
                 "the environment names a server (BULKHEAD_SERVER) and data of this machine (BULKHEAD_DATA "
                 "or BULKHEAD_CONFIG): unset one, or say which with --server or --data"};
  return server;
}

// A token is for the server that is named with it, never for whichever was logged in to.
Error token_without_server() {
  return {Errc::invalid_argument,
          "BULKHEAD_TOKEN is set: say which server it is for with BULKHEAD_SERVER or --server, or name the "
          "data of this machine with --data"};
}

// Never kept, and whose it is the server says when somebody asks.
RemoteServer server_of_token(const LoginStore& store, const std::string& url, const Secret<>& token) {
  const std::string ca = ca_variable();
  return {url, "", make_remote_client(url, Secret<>(token.reveal()), ca.empty() ? store.authority(url) : ca)};
}

}  // namespace

bool names_data(const CommandLine& line) {
  if (flags_name_data(line)) return true;
  const auto variables = setting_variables();
  return variables.contains("BULKHEAD_DATA") || variables.contains("BULKHEAD_CONFIG");
}

Result<std::optional<RemoteServer>> remote_server(const CommandLine& line) {
  std::optional<RemoteServer> out;
  const auto named = named_server(line);
  if (!named) return named.error();
  if (named->empty() && names_data(line)) return out;
  const auto token = token_variable();
  if (!token) return token.error();
  if (*token && named->empty()) return token_without_server();
  const auto path = LoginStore::default_path();
  // Whoever has a token needs no home directory.
  if (!path && named->empty()) return out;
  if (!path && !*token) return path.error();
  auto store = path ? LoginStore::load(*path) : Result<LoginStore>(LoginStore());
  if (!store) return store.error();
  const auto url = named->empty() ? Result<std::string>(store->current()) : store->url_of(*named, false);
  if (!url) return url.error();
  if (url->empty()) return out;
  if (*token) {
    out = server_of_token(*store, *url, **token);
    return Result<std::optional<RemoteServer>>(std::move(out));
  }
  const auto found = store->sessions().find(*url);
  if (found == store->sessions().end())
    return Error{Errc::unauthenticated, fmt::format("log in first: bulkhead login {}", *url)};
  const LoginStore::Session& session = found->second;
  auto client = make_remote_client(*url, Secret<>(session.token.reveal()), session.ca);
  // An access token has no proof to renew.
  if (!session.access_token) client = make_proving_client(std::move(client), *url, session.name);
  out = RemoteServer{*url, session.name, std::move(client)};
  keep_session(*out->client, *store, *url, to_micros(SystemClock().now()) / 1'000'000);
  return Result<std::optional<RemoteServer>>(std::move(out));
}

Result<void> check_local(const CommandLine& line) {
  const auto named = named_server(line);
  if (!named) return named.error();
  std::string elsewhere = *named;
  if (elsewhere.empty() && !names_data(line)) {
    const auto path = LoginStore::default_path();
    const auto store = path ? LoginStore::load(*path) : Result<LoginStore>(path.error());
    if (store) elsewhere = store->current();
  }
  if (elsewhere.empty()) return {};
  return Error{
      Errc::unsupported,
      fmt::format("this command works on the server's own machine only, and {} is another: run it there, and "
                  "name the data with --data DIR (or --config FILE)",
                  elsewhere)};
}

}  // namespace bulkhead::cli
