// Looks at an installation on this machine without changing it: settings, directory, database, keyring,
// certificate, disk, limits. For `bulkhead doctor`.
#pragma once

#include <boost/json/object.hpp>
#include <optional>

#include "app/finding.h"
#include "config/settings.h"

namespace bulkhead::app {

// `running`: what the server that runs on the data says of itself (server.status); it holds the database and
// the keyring, and has compared them. Without one they are opened here.
Findings diagnose(const config::Settings& settings, const std::optional<boost::json::object>& running);

}  // namespace bulkhead::app
