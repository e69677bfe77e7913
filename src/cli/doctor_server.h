// What doctor finds about servers: log-ins kept on this machine, a server as clients meet it, and what is
// between.
#pragma once

#include <string>

#include "app/finding.h"
#include "cli/api_client.h"

namespace bulkhead::cli {

// The file with the log-ins.
void look_at_log_ins(app::Findings& out);
// Reached at `server` (a URL without a path), with `ca` as for probe(): TLS, clock, and whether a proxy in
// between passes what clients need.
void look_at_server(const std::string& server, const std::string& ca, app::Findings& out);
// Whether docker knows how to log in to it.
void look_at_docker(const std::string& server, app::Findings& out);

}  // namespace bulkhead::cli
