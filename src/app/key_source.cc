#include "app/key_source.h"

#include <utility>

namespace bulkhead::app {

Result<std::unique_ptr<crypto::KeySource>> key_source(const config::Settings& settings) {
  if (!settings.keys_passphrase_file.empty()) {
    auto passphrase = crypto::read_secret_line(settings.keys_passphrase_file, crypto::kLeastPassphrase);
    if (!passphrase) return passphrase.error();
    return crypto::passphrase_source(std::move(*passphrase));
  }
  if (!settings.keys_pkcs11_module.empty()) {
    auto pin = crypto::read_secret_line(settings.keys_pkcs11_pin_file, crypto::kLeastPin);
    if (!pin) return pin.error();
    return crypto::pkcs11_source(
        {settings.keys_pkcs11_module, settings.keys_pkcs11_token, settings.keys_pkcs11_key, std::move(*pin)});
  }
  return std::unique_ptr<crypto::KeySource>();
}

}  // namespace bulkhead::app
