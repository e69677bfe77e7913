// What settings allow and hardly anybody means: said at the start and by `bulkhead config check`, one
// sentence each.
#pragma once

#include <string>
#include <vector>

#include "config/settings.h"

namespace bulkhead::config {

std::vector<std::string> advice(const Settings& settings);

// The host of public_url that clients find this server's own certificate at, without its port; "" where they
// find none: without TLS or public_url, and behind a proxy, whose certificate they see.
std::string certified_host(const Settings& settings);

}  // namespace bulkhead::config
