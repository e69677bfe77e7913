#include "app/check_files.h"

#include <fmt/format.h>

#include <filesystem>
#include <utility>

#include "config/advice.h"
#include "net/tls.h"

namespace bulkhead::app {
namespace {

void check_certificate(const config::Settings& settings, FileFindings& found) {
  const auto tls = net::TlsContext::open(settings.tls.certificate, settings.tls.key);
  if (!tls) {
    found.mistakes.push_back("tls: " + tls.error().message);
    return;
  }
  const std::string host = config::certified_host(settings);
  if (!host.empty() && !(*tls)->is_for(host))
    found.advice.push_back(
        fmt::format("the certificate {} is not made out to {}, the host of public_url: clients refuse it",
                    settings.tls.certificate.string(), host));
  if ((*tls)->key_is_open())
    found.advice.push_back(fmt::format("everybody on this machine may read the key {}: chmod o= {}",
                                       settings.tls.key.string(), settings.tls.key.string()));
}

}  // namespace

FileFindings check_files(const config::Settings& settings) {
  FileFindings found;
  const std::pair<const char*, const std::filesystem::path&> named[] = {
      {"database_password_file", settings.database_password_file},
      {"keys_passphrase_file", settings.keys_passphrase_file},
      {"keys_pkcs11_module", settings.keys_pkcs11_module},
      {"keys_pkcs11_pin_file", settings.keys_pkcs11_pin_file},
      {"outbound.authorities", settings.outbound.authorities}};
  for (const auto& [key, path] : named) {
    std::error_code error;
    if (!path.empty() && !std::filesystem::exists(path, error))
      found.mistakes.push_back(fmt::format("{}: there is no file {}", key, path.string()));
  }
  if (settings.tls.mode == config::TlsMode::files) check_certificate(settings, found);
  return found;
}

}  // namespace bulkhead::app
