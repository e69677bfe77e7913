// What /metrics says of the process and of what it holds, beside what the API counts itself.
#pragma once

#include "api/metrics.h"
#include "app/installation.h"
#include "app/measurements.h"
#include "http/server.h"
#include "net/tls.h"

namespace bulkhead::app {

struct Gauged {
  const http::Server& server;
  Installation& installation;
  const api::Services& services;
  const Measurements& measurements;
  const net::TlsContext* tls;  // null without TLS
};

// All of `what` must outlive `metrics`.
void add_gauges(api::Metrics& metrics, const Gauged& what);

}  // namespace bulkhead::app
