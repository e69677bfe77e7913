#include "app/serve.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <system_error>
#include <thread>

#include "api/api.h"
#include "app/certificate_watch.h"
#include "app/control.h"
#include "app/gauges.h"
#include "app/greeting.h"
#include "app/housekeeping.h"
#include "app/local_certificates.h"
#include "app/measurements.h"
#include "app/notify.h"
#include "app/process.h"
#include "async/loops.h"
#include "base/version.h"
#include "config/advice.h"

namespace bulkhead::app {
namespace {

// After the requests' deadline, for what is written down last.
constexpr std::chrono::seconds kLastWords{2};

http::Limits limits_of(const config::Settings& all) {
  const config::HttpSettings& settings = all.http;
  http::Limits limits;
  limits.header_bytes = settings.header_bytes;
  limits.target_bytes = settings.target_bytes;
  limits.headers = settings.headers;
  limits.header_timeout = settings.header_timeout;
  limits.idle_timeout = settings.idle_timeout;
  limits.body_rate = settings.body_rate;
  limits.body_grace = settings.body_grace;
  limits.connections = settings.connections;
  limits.connections_per_address = settings.connections_per_address;
  limits.linger = settings.linger;
  limits.linger_bytes = settings.linger_bytes;
  limits.hsts = std::chrono::floor<std::chrono::seconds>(all.tls.hsts);
  return limits;
}

api::Options options_of(const config::Settings& settings) {
  api::Options options;
  options.service = settings.service;
  options.public_url = settings.public_url;
  while (options.public_url.ends_with('/')) options.public_url.pop_back();
  options.hosts = settings.hosts;
  if (settings.tls.mode == config::TlsMode::automatic)
    options.hosts.insert(options.hosts.end(), settings.tls.names.begin(), settings.tls.names.end());
  options.manifest_bytes = settings.limits.manifest_bytes;
  options.page_size = settings.limits.page_size;
  options.tags_per_put = settings.limits.tags_per_put;
  options.token_scopes = settings.limits.token_scopes;
  options.changes_per_hour = settings.limits.changes_per_hour;
  options.transfer_memory = settings.limits.transfer_memory;
  options.bodies.in_all = settings.limits.body_memory;
  options.bodies.of_strangers = settings.limits.body_memory_strangers;
  options.bodies.of_holder = settings.limits.body_memory_each;
  options.bodies.time = std::chrono::duration_cast<std::chrono::seconds>(settings.limits.body_time);
  options.log_requests = settings.log.requests;
  options.metrics = settings.metrics.enabled;
  options.metrics_public = settings.metrics.open;
  options.trusted_proxies = settings.trusted_proxies;
  if (settings.proxy_header == config::ProxyHeader::forwarded)
    options.proxy_header = http::ProxyHeader::forwarded;
  return options;
}

struct Tls {
  std::unique_ptr<net::TlsContext> context;  // null without TLS
  std::filesystem::path ca;                  // of --tls auto
};

Result<Tls> prepare_tls(const config::Settings& settings, Time now, Log& log) {
  Tls tls;
  if (settings.tls.mode == config::TlsMode::off) return tls;
  const auto made = local_certificates(settings, now);
  if (!made) return made.error();
  const auto certificate = *made ? (*made)->certificate : settings.tls.certificate;
  const auto key = *made ? (*made)->private_key : settings.tls.key;
  if (*made) tls.ca = (*made)->ca_certificate;
  if (*made && (*made)->authority_key_missing)
    log.warning("ca.key is missing: no certificate can be made when this one ends; put it back from a backup",
                {{"directory", (*made)->ca_certificate.parent_path().string()}});
  auto context = net::TlsContext::open(certificate, key);
  if (!context) return context.error();
  tls.context = std::move(*context);
  return tls;
}

// What would refuse a start later on is better known before anything is changed.
Result<void> check_start(const config::Settings& settings) {
  if (auto free = http::Server::may_listen(render(settings.listen, settings.listen.port)); !free) return free;
  if (settings.tls.mode != config::TlsMode::files) return {};
  const auto certificate = net::TlsContext::open(settings.tls.certificate, settings.tls.key);
  return certificate ? Result<void>() : certificate.error();
}

Result<void> serve_until_stopped(const config::Settings& settings, const ServeOptions& how) {
  prepare_process();
  // stop() of the servers has a second or two of its own each.
  StopSignal stop_signal(settings.http.stop_delay + settings.http.stop_deadline + 4 * kLastWords);
  Log log(settings.log.level, settings.log.format);
  for (const std::string& sentence : config::advice(settings))
    log.warning("the settings allow what will go wrong", {{"advice", sentence}});
  auto opened = Installation::open(settings, log,
                                   {.missing = Opening::Missing::make,
                                    .accept_new_keys = how.accept_new_keys,
                                    .may_change = [&] { return check_start(settings); }});
  if (!opened) return opened.error();
  Installation& installation = **opened;

  auto tls = prepare_tls(settings, installation.clock().now(), log);
  if (!tls) return tls.error();
  api::Options options = options_of(settings);
  options.listen_address = render(settings.listen, settings.listen.port);
  const api::Services services = installation.services();
  api::Api api(services, options);

  const std::size_t threads =
      settings.http.threads != 0 ? settings.http.threads : std::max(1u, std::thread::hardware_concurrency());
  async::Loops loops(threads);
  http::Limits limits = limits_of(settings);
  limits.connections = connections_that_fit(settings, threads, log);
  http::Server server(loops, installation.files(), limits, api.hooks(), tls->context.get(), log);
  http::Server control(loops, installation.files(), {}, control_hooks(installation), nullptr, log);
  Measurements measurements(installation);
  const Gauged gauged{server, installation, services, measurements, tls->context.get()};
  add_gauges(api.metrics(), gauged);
  const auto port = server.listen(render(settings.listen, settings.listen.port));
  if (!port) return port.error();
  const std::string address = render(settings.listen, *port);
  options.listen_address = address;
  const auto socket = ControlSocket::in(settings.data);
  if (!socket) return socket.error();
  if (auto listening = control.listen_local(socket->path()); !listening) return listening.error();

  stop_signal.serving();
  loops.start();
  if (auto greeted = greet(installation, *port, tls->ca, how.program); !greeted) {
    loops.stop();
    installation.finish_work();
    return greeted.error();
  }
  log.info("serving", {{"version", version()},
                       {"address", address},
                       {"url", reachable_url(settings, *port)},
                       {"data", std::filesystem::absolute(settings.data).string()},
                       {"keys", std::filesystem::absolute(config::keys_directory(settings)).string()},
                       {"database", installation.database().engine()},
                       {"tls", tls->context != nullptr},
                       {"threads", threads}});
  installation.reserve().tend();
  notify_supervisor("READY=1");

  std::optional<CertificateWatch> certificate;
  if (tls->context) {
    // Of a certificate of our own the settings tell, and have said it.
    const bool own = settings.tls.mode == config::TlsMode::automatic;
    certificate.emplace(*tls->context, own ? std::string() : config::certified_host(settings),
                        installation.clock(), log);
  }
  Housekeeping keeping(installation, measurements, certificate ? &*certificate : nullptr);
  stop_signal.wait();

  notify_supervisor("STOPPING=1");
  log.info("stopping: transfers may finish", {{"deadline_ms", settings.http.stop_deadline.count()}});
  api.stop_being_ready();
  std::this_thread::sleep_for(settings.http.stop_delay);
  // A database that does not answer any more must not keep the process from ending.
  installation.database().end_by(std::chrono::steady_clock::now() + settings.http.stop_deadline + kLastWords);
  server.stop(settings.http.stop_deadline);
  control.stop(std::chrono::seconds(1));
  loops.stop();
  installation.finish_work();
  keeping.finish();
  log.info("stopped");
  return keeping.outcome();
}

}  // namespace

Result<void> serve(const config::Settings& settings, const ServeOptions& how) {
  try {
    return serve_until_stopped(settings, how);
  } catch (const std::system_error& failed) {
    if (failed.code() != std::errc::resource_unavailable_try_again) throw;
    return Error{Errc::unavailable, fmt::format("cannot start a thread: {}", failed.what())};
  }
}

}  // namespace bulkhead::app
