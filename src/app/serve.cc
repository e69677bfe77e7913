#include "app/serve.h"

#include <fmt/format.h>
#include <malloc.h>
#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <optional>
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
#include "async/loops.h"
#include "base/version.h"
#include "config/advice.h"

namespace bulkhead::app {
namespace {

// After the requests' deadline, for what is written down last.
constexpr std::chrono::seconds kLastWords{2};

void prepare_process() {
  // Two arenas are enough for loops and pools and keep freed memory from being scattered; large buffers go
  // back to the system as soon as they are freed.
  ::mallopt(M_ARENA_MAX, 2);
  ::mallopt(M_MMAP_THRESHOLD, 128 << 10);
  ::mallopt(M_TRIM_THRESHOLD, 1 << 20);
  ::rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
  }
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);  // a file-size limit is then an error like a full disk
}

// The signals that the main thread waits for; blocked everywhere else because threads inherit the mask.
::sigset_t block_signals() {
  ::sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&set, signal);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  return set;
}

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

Result<Tls> prepare_tls(const config::Settings& settings, Time now) {
  Tls tls;
  if (settings.tls.mode == config::TlsMode::off) return tls;
  const auto made = local_certificates(settings, now);
  if (!made) return made.error();
  const auto certificate = *made ? (*made)->certificate : settings.tls.certificate;
  const auto key = *made ? (*made)->private_key : settings.tls.key;
  if (*made) tls.ca = (*made)->ca_certificate;
  auto context = net::TlsContext::open(certificate, key);
  if (!context) return context.error();
  tls.context = std::move(*context);
  return tls;
}

// Until somebody says stop. Does nothing else, so that it is heard whatever the rest waits for.
void wait_for_the_end(const ::sigset_t& signals) {
  int signal = 0;
  while (::sigwait(&signals, &signal) != 0 || signal == SIGHUP) {
  }
}

}  // namespace

Result<void> serve(const config::Settings& settings, const ServeOptions& how) {
  prepare_process();
  const ::sigset_t signals = block_signals();
  Log log(settings.log.level, settings.log.format);
  for (const std::string& sentence : config::advice(settings))
    log.warning("the settings allow what will go wrong", {{"advice", sentence}});
  auto opened = Installation::open(
      settings, log, {.missing = Opening::Missing::make, .accept_new_keys = how.accept_new_keys});
  if (!opened) return opened.error();
  Installation& installation = **opened;

  auto tls = prepare_tls(settings, installation.clock().now());
  if (!tls) return tls.error();
  api::Options options = options_of(settings);
  options.listen_address = render(settings.listen, settings.listen.port);
  const api::Services services = installation.services();
  api::Api api(services, options);

  const std::size_t threads =
      settings.http.threads != 0 ? settings.http.threads : std::max(1u, std::thread::hardware_concurrency());
  async::Loops loops(threads);
  http::Server server(loops, installation.files(), limits_of(settings), api.hooks(), tls->context.get(), log);
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
  notify_supervisor("READY=1");

  std::optional<CertificateWatch> certificate;
  if (tls->context) {
    // Of a certificate of our own the settings tell, and have said it.
    const bool own = settings.tls.mode == config::TlsMode::automatic;
    certificate.emplace(*tls->context, own ? std::string() : config::certified_host(settings),
                        installation.clock(), log);
  }
  Housekeeping keeping(installation, measurements, certificate ? &*certificate : nullptr);
  wait_for_the_end(signals);

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

}  // namespace bulkhead::app
