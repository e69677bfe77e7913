#include "config/advice.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/value.h"

namespace bulkhead::config {
namespace {

bool is_loopback(const std::string& host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

}  // namespace

std::string certified_host(const Settings& settings) {
  constexpr std::string_view kScheme = "https://";
  if (settings.tls.mode == TlsMode::off || !settings.trusted_proxies.empty() ||
      !settings.public_url.starts_with(kScheme))
    return {};
  const std::string authority = settings.public_url.substr(kScheme.size());
  if (authority.starts_with('[')) return authority.substr(1, authority.find(']') - 1);
  return lower(authority.substr(0, authority.find_first_of(":/")));
}

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
  if (!plain && settings.trusted_proxies.empty() && settings.public_url.starts_with("http://"))
    sentences.push_back(fmt::format(
        "TLS is spoken at {}, and public_url says http://: clients that go there are refused; write "
        "https://",
        listen));
  if (const std::string host = certified_host(settings);
      settings.tls.mode == TlsMode::automatic && !host.empty() &&
      !std::ranges::any_of(settings.tls.names,
                           [&host](const std::string& name) { return lower(name) == host; }))
    sentences.push_back(fmt::format(
        "the certificate is not made out to {}, the host of public_url: clients refuse it; name it "
        "in tls.names",
        host));
  if (settings.proxy_header != ProxyHeader::x_forwarded_for && settings.trusted_proxies.empty())
    sentences.emplace_back("proxy_header is not looked at: trusted_proxies names no proxy");
  return sentences;
}

}  // namespace bulkhead::config
