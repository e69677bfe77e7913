#include "app/local_certificates.h"

namespace bulkhead::app {

Result<std::optional<crypto::LocalCertificates>> local_certificates(const config::Settings& settings,
                                                                    Time now) {
  if (settings.tls.mode != config::TlsMode::automatic) return std::optional<crypto::LocalCertificates>();
  crypto::ServerNames names;
  for (const std::string& name : settings.tls.names)
    (is_ip_address(name) ? names.addresses : names.dns).push_back(name);
  auto made = crypto::prepare_local_certificates(settings.data / "tls", names, now);
  if (!made) return made.error();
  return std::optional(std::move(*made));
}

}  // namespace bulkhead::app
