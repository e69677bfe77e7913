// systemd's readiness protocol (sd_notify(3)): a datagram to the socket that NOTIFY_SOCKET names. Nothing
// happens when the variable is not set.
#pragma once

#include <string_view>

namespace bulkhead::app {

void notify_supervisor(std::string_view state);  // "READY=1", "STOPPING=1"

}  // namespace bulkhead::app
