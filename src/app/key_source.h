// What the settings say opens the keyring.
#pragma once

#include <memory>

#include "base/error.h"
#include "config/settings.h"
#include "crypto/key_source.h"

namespace bulkhead::app {

// Null when the key files are plain. Reads the passphrase or the PIN.
Result<std::unique_ptr<crypto::KeySource>> key_source(const config::Settings& settings);

}  // namespace bulkhead::app
