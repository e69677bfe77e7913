// The certificates of --tls auto.
#pragma once

#include <optional>

#include "base/clock.h"
#include "base/error.h"
#include "config/settings.h"
#include "crypto/local_ca.h"

namespace bulkhead::app {

// Makes what is missing or about to expire; nothing with another mode.
Result<std::optional<crypto::LocalCertificates>> local_certificates(const config::Settings& settings,
                                                                    Time now);

}  // namespace bulkhead::app
