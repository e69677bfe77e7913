#include "config/checks.h"

#include <fmt/format.h>

#include "config/value.h"

namespace bulkhead::config {

std::vector<std::string> contradictions(const Loaded& loaded) {
  const Settings& settings = loaded.settings;
  std::vector<std::string> found;
  const auto report = [&](const char* key, std::string_view problem) {
    found.push_back(fmt::format("{}: {}", loaded.origins.at(key), problem));
  };

  if (settings.tls.mode == TlsMode::files) {
    if (settings.tls.certificate.empty() || settings.tls.key.empty())
      report("tls.mode", R"(tls.mode is "files", which needs both tls.certificate and tls.key)");
  } else {
    // Anyone who names a certificate believes that the server speaks TLS with it.
    const auto unused = R"({} is set, but only tls.mode = "files" uses it)";
    if (!settings.tls.certificate.empty())
      report("tls.certificate", fmt::format(fmt::runtime(unused), "tls.certificate"));
    if (!settings.tls.key.empty()) report("tls.key", fmt::format(fmt::runtime(unused), "tls.key"));
  }

  if (settings.database == "sqlite" && !settings.database_password_file.empty())
    report("database_password_file",
           "database_password_file is set, but database is \"sqlite\", which has no password");

  if (!settings.keys_passphrase_file.empty() && !settings.keys_pkcs11_module.empty())
    report("keys_passphrase_file",
           "keys_passphrase_file and keys_pkcs11_module are both set, but one thing opens the keys");
  if (settings.keys_pkcs11_module.empty()) {
    const auto unused = [&](const char* key) {
      report(key, fmt::format("{} is set, but without keys_pkcs11_module there is no token", key));
    };
    if (!settings.keys_pkcs11_token.empty()) unused("keys_pkcs11_token");
    if (!settings.keys_pkcs11_pin_file.empty()) unused("keys_pkcs11_pin_file");
  } else if (settings.keys_pkcs11_pin_file.empty()) {
    report("keys_pkcs11_module", "keys_pkcs11_module is set, which needs keys_pkcs11_pin_file");
  }

  if (settings.audit.segment_bytes > settings.audit.journal_bytes) {
    const bool set = loaded.origins.at("audit.segment_bytes") != "default";
    report(set ? "audit.segment_bytes" : "audit.journal_bytes",
           fmt::format(
               "audit.segment_bytes ({}) is larger than audit.journal_bytes ({}), which holds the segments",
               render_size(settings.audit.segment_bytes), render_size(settings.audit.journal_bytes)));
  }
  return found;
}

}  // namespace bulkhead::config
