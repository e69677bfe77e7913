#include "config/advice.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/value.h"

namespace bulkhead::config {
namespace {

bool is_loopback(const std::string& host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

}  // namespace

std::vector<std::string> advice(const Settings& settings) {
  std::vector<std::string> sentences;
  const bool plain = settings.tls.mode == TlsMode::off;
  const std::string listen = render(settings.listen);
  if (plain && !is_loopback(settings.listen.address) && !settings.public_url.starts_with("https://"))
    sentences.push_back(
        fmt::format("passwords, tokens and images travel in the clear at {}, and docker refuses that from "
                    "other machines: "
                    "set tls.mode, or have a proxy speak TLS and name its address with public_url",
                    listen));
  // A certificate of our own is made out to the names that clients use, and they become known by it.
  const bool named =
      settings.tls.mode == TlsMode::automatic && !std::ranges::all_of(settings.tls.names, is_loopback);
  if (!is_loopback(settings.listen.address) && settings.public_url.empty() && settings.hosts.empty() &&
      !named)
    sentences.push_back(
        fmt::format("other machines may reach {}, and neither public_url nor hosts says by which name: "
                    "clients that use one "
                    "are sent to this machine's address for their tokens; set public_url to what they call "
                    "it, such as {}",
                    listen, plain ? "http://registry.example.com:5000" : "https://registry.example.com"));
  if (settings.proxy_header != ProxyHeader::x_forwarded_for && settings.trusted_proxies.empty())
    sentences.emplace_back("proxy_header is not looked at: trusted_proxies names no proxy");
  return sentences;
}

}  // namespace bulkhead::config
