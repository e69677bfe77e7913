// What a server says at its start to whoever started it: where it is reached, and what to type next.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "app/installation.h"
#include "config/settings.h"

namespace bulkhead::app {

// "0.0.0.0:5000", "[::1]:5000".
std::string render(const config::Endpoint& endpoint, std::uint16_t port);

// Where clients reach a server that listens on this port: the public URL where one is set, else the address
// that it listens on, or a name that its certificate is made out to. Without a closing slash.
std::string reachable_url(const config::Settings& settings, std::uint16_t port);

// To standard output, for people; `ca` is the authority of `--tls auto`, or empty. A setup token is made
// where there is no account. Output that cannot be written is logged: the server serves all the same.
Result<void> greet(Installation& installation, std::uint16_t port, const std::filesystem::path& ca,
                   const std::string& program);

}  // namespace bulkhead::app
