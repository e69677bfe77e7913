#include "app/key_source.h"

#include <utility>

namespace bulkhead::app {

Result<std::unique_ptr<crypto::KeySource>> key_source(const config::Settings& settings) {
  if (!settings.keys_passphrase_file.empty()) {
    auto passphrase = crypto::read_passphrase_file(settings.keys_passphrase_file);
    if (!passphrase) return passphrase.error();
    return crypto::passphrase_source(std::move(*passphrase));
  }
  return std::unique_ptr<crypto::KeySource>();
}

}  // namespace bulkhead::app
