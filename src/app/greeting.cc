#include "app/greeting.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/say.h"

namespace bulkhead::app {
namespace {

std::string bracketed(const std::string& host) {
  return host.find(':') == std::string::npos ? host : fmt::format("[{}]", host);
}

std::string_view scheme_of(const config::Settings& settings) {
  return settings.tls.mode == config::TlsMode::off ? "http" : "https";
}

// A host that the certificate, where there is one of our own, is made out to.
std::string reachable_host(const config::Settings& settings) {
  const std::string& address = settings.listen.address;
  if (settings.tls.mode == config::TlsMode::automatic) {
    const auto& names = settings.tls.names;
    const bool named = std::ranges::find(names, address) != names.end();
    if (!named && !names.empty()) return names.front();
  }
  if (address == "0.0.0.0") return "127.0.0.1";
  if (address == "::") return "127.0.0.1";
  return address;
}

}  // namespace

std::string render(const config::Endpoint& endpoint, std::uint16_t port) {
  return fmt::format("{}:{}", bracketed(endpoint.address), port);
}

std::string reachable_url(const config::Settings& settings, std::uint16_t port) {
  if (settings.public_url.empty())
    return fmt::format("{}://{}:{}", scheme_of(settings), bracketed(reachable_host(settings)), port);
  std::string url = settings.public_url;
  while (url.ends_with('/')) url.pop_back();
  return url;
}

Result<void> greet(Installation& installation, std::uint16_t port, const std::filesystem::path& ca,
                   const std::string& program) {
  const config::Settings& settings = installation.settings();
  auto token = installation.setup().issue();
  if (!token) return token.error();
  const std::string url = reachable_url(settings, port);
  const std::string registry = url.substr(url.find("://") + 3);
  const std::string authority = ca.empty() ? "" : std::filesystem::absolute(ca).lexically_normal().string();
  try {
    say("Bulkhead serves {}://{} from {}\n", scheme_of(settings), render(settings.listen, port),
        settings.data.string());
    if (!ca.empty())
      say("Clients trust it with the authority in {0}; for Docker:\n"
          "  install -D {1} /etc/docker/certs.d/{2}/ca.crt\n",
          authority, shell_quote(authority), registry);
    if (*token)
      say("\nNobody has an account yet. This setup token makes the first administrator; it works once, for "
          "an "
          "hour:\n"
          "  {0}\n\nNext:\n"
          "  {1} setup admin --server {2} --token {0}{3}\n"
          "  docker login {4}\n"
          "  docker tag IMAGE {4}/admin/IMAGE && docker push {4}/admin/IMAGE\n\n",
          (*token)->reveal(), shell_quote(program), url, ca.empty() ? "" : " --ca " + shell_quote(authority),
          registry);
    flush_output();
  } catch (const OutputFailed& failed) {
    installation.log().warning("what to do next cannot be shown; start again where it can",
                               {{"error", failed.what()}});
  }
  return {};
}

}  // namespace bulkhead::app
