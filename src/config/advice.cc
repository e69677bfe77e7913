#include "config/advice.h"

#include <fmt/format.h>

namespace bulkhead::config {
namespace {

bool is_loopback(const std::string& address) { return address == "::1" || address.starts_with("127."); }

}  // namespace

std::vector<std::string> advice(const Settings& settings) {
  std::vector<std::string> sentences;
  if (!is_loopback(settings.listen.address) && settings.public_url.empty() && settings.hosts.empty() &&
      settings.tls.mode != TlsMode::automatic)
    sentences.push_back(fmt::format(
        "other machines may reach {}, and neither public_url nor hosts says by which name: clients that use "
        "one "
        "are sent to this machine's address for their token; set public_url to what they call it, such as {}",
        settings.listen.address,
        settings.tls.mode == TlsMode::off ? "http://registry.example.com:5000"
                                          : "https://registry.example.com"));
  if (settings.proxy_header != ProxyHeader::x_forwarded_for && settings.trusted_proxies.empty())
    sentences.emplace_back("proxy_header is not looked at: trusted_proxies names no proxy");
  return sentences;
}

}  // namespace bulkhead::config
