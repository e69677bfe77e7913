// What docker and podman are logged in with: auths, credHelpers and credsStore of docker's config.json.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/error.h"
#include "transfer/authenticator.h"

namespace bulkhead::transfer {

// $DOCKER_CONFIG/config.json or ~/.docker/config.json; "" where the environment names neither.
std::filesystem::path docker_config_path();

// For a host as people write it ("docker.io", "registry.example.com:5000"); nothing where the file has none
// or is not there. Runs the helper that the file names for it ("docker-credential-NAME get").
// Errc::unsupported for a log-in that is no name and password.
Result<std::optional<Credentials>> docker_credentials(const std::filesystem::path& file,
                                                      const std::string& host);

}  // namespace bulkhead::transfer
