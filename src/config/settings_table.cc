// The declaration of every setting, one row each: key, field, bounds, meaning. The environment variable, the
// flag, the default's text, the checks, `config print` and the reference page all derive from these rows; the
// defaults are the fields' own (settings.h).
#include <algorithm>

#include "config/declare.h"
#include "config/setting.h"

namespace bulkhead::config {
namespace {

using S = Settings;

constexpr std::uint64_t kPiB = kGiB * kMiB;

bool not_empty(std::string_view text) { return !text.empty(); }

bool has_only(std::string_view text, std::string_view characters) {
  return text.find_first_not_of(characters) == text.npos;
}

constexpr std::string_view kLettersAndDigits =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

// It is sent inside the quotes of a WWW-Authenticate parameter.
bool is_service(std::string_view text) {
  return !text.empty() && text.size() <= 255 && has_only(text, std::string(kLettersAndDigits) + ".:/_-");
}

bool is_host(std::string_view text) {
  return !text.empty() && text.size() <= 253 && has_only(text, std::string(kLettersAndDigits) + ".-") &&
         !text.starts_with('.') && !text.starts_with('-') && text.find("..") == text.npos;
}

bool is_lower_case(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

bool is_host_or_address(std::string_view text) { return is_host(text) || is_ip_address(text); }

// As a Host header spells it.
bool is_authority(std::string_view text) {
  if (is_host(text) || parse_endpoint(text)) return true;
  if (text.starts_with('[') && text.ends_with(']')) return is_ip_address(text.substr(1, text.size() - 2));
  const auto colon = text.rfind(':');
  return colon != text.npos && is_host(text.substr(0, colon)) &&
         parse_endpoint("0.0.0.0" + std::string(text.substr(colon))).has_value();
}

bool is_public_url(std::string_view text) {
  if (text.empty()) return true;
  for (const std::string_view scheme : {"http://", "https://"})
    if (text.starts_with(scheme)) return is_authority(text.substr(scheme.size()));
  return false;
}

bool is_database(std::string_view text) {
  return text == "sqlite" || text.starts_with("postgres://") || text.starts_with("postgresql://");
}

bool is_token_label(std::string_view text) { return text.size() <= 32; }
bool is_key_label(std::string_view text) { return !text.empty() && text.size() <= 64; }

std::optional<std::string> keep_if(bool good, std::string_view text) {
  return good ? std::optional(std::string(text)) : std::nullopt;
}

void general(std::vector<Setting>& rows) {
  rows.push_back(declare(
      "listen", SettingType::text, at(&S::listen),
      [](const Value& value) {
        const auto text = as_text(value);
        return text ? parse_endpoint(*text) : std::nullopt;
      },
      [](const Endpoint& endpoint) { return json_quote(render(endpoint)); },
      R"(an IP address and a port, such as "127.0.0.1:5000" or "[::1]:5000")",
      "The address and port to listen on. Port 0 takes a free one, which the log then names."));
  rows.push_back(path("data", at(&S::data), not_empty, "a directory",
                      "The directory that holds everything the server stores."));
  Setting database =
      text("database", at(&S::database), is_database, R"("sqlite" or a URL that begins with "postgres://")",
           "Where the metadata is: `sqlite` is the file `bulkhead.db` in `data`; a URL names a PostgreSQL "
           "database. "
           "Keep the password out of the URL: command lines and environments are easily seen.");
  database.may_hold_password = true;
  database.render = [](const Settings& settings) { return toml_quote(without_password(settings.database)); };
  rows.push_back(std::move(database));
  rows.push_back(path("database_password_file", at(&S::database_password_file), anything,
                      "a file, or nothing",
                      "A file whose first line is the password for the PostgreSQL database."));
  rows.push_back(
      path("keys", at(&S::keys), anything, "a directory, or nothing",
           "The directory of the keys that the database must never hold; empty means `keys` in `data`. "
           "Best on another disk than `data`, and always in another backup."));
  rows.push_back(
      path("keys_passphrase_file", at(&S::keys_passphrase_file), anything, "a file, or nothing",
           "A file whose first line is a passphrase that the keys are sealed under, such as a systemd "
           "credential. Without it the key files are closed to other users, but not sealed."));
  rows.push_back(path("keys_pkcs11_module", at(&S::keys_pkcs11_module), anything,
                      "a shared library, or nothing",
                      "The PKCS#11 module of a token that the keys are sealed by, such as "
                      "`/usr/lib/softhsm/libsofthsm2.so`."));
  rows.push_back(text("keys_pkcs11_token", at(&S::keys_pkcs11_token), is_token_label, "up to 32 bytes",
                      "The label of the token. Empty means the only one that the module has."));
  rows.push_back(
      text("keys_pkcs11_key", at(&S::keys_pkcs11_key), is_key_label, "1 to 64 bytes",
           "The label of the AES key in the token. Made there, never to leave it, when it is missing."));
  rows.push_back(path("keys_pkcs11_pin_file", at(&S::keys_pkcs11_pin_file), anything, "a file, or nothing",
                      "A file whose first line is the token's user PIN."));
  rows.push_back(
      text("public_url", at(&S::public_url), is_public_url,
           R"(nothing, or http:// or https:// and a host, such as "https://registry.example.com")",
           "What clients call this server, for absolute URLs in answers. Empty means that `Location` "
           "headers are relative."));
  rows.push_back(text("service", at(&S::service), is_service,
                      "1 to 255 letters, digits and the characters . : / _ -",
                      "The service name in the token protocol: the audience of every token."));
  rows.push_back(list(
      "hosts", at(&S::hosts), [](std::string_view item) { return keep_if(is_authority(item), item); },
      [](const std::string& item) { return item; }, "a list of host names, each with its port if it has one",
      "Host names that a request may name and find again in the token URL of its "
      "challenge. Without `public_url`, any other name but a loopback one is "
      "replaced by the listening address there."));
  rows.push_back(list(
      "trusted_proxies", at(&S::trusted_proxies), IpNetwork::parse,
      [](const IpNetwork& network) { return network.text(); },
      R"(a list of networks, such as "10.0.0.0/8" or "fd00::/8")",
      "Networks of proxies, which are believed when they say whom they stand for. From anyone else it is "
      "ignored."));
  rows.push_back(choice(
      "proxy_header", at(&S::proxy_header),
      {{"x-forwarded-for", ProxyHeader::x_forwarded_for}, {"forwarded", ProxyHeader::forwarded}},
      "The header in which `trusted_proxies` say it; `forwarded` is that of RFC 7239. The other one is "
      "ignored: a proxy that does not know it passes on what the client wrote."));
}

void tls(std::vector<Setting>& rows) {
  Setting mode = choice("tls.mode", at(&S::tls, &TlsSettings::mode),
                        {{"off", TlsMode::off}, {"auto", TlsMode::automatic}, {"files", TlsMode::files}},
                        "`files` serves TLS with `tls.certificate` and `tls.key`; `auto` makes a local "
                        "authority in `data` and a "
                        "certificate from it, for trying things out; `off` serves plain HTTP.");
  mode.info.flag = "--tls";
  rows.push_back(std::move(mode));
  rows.push_back(path("tls.certificate", at(&S::tls, &TlsSettings::certificate), anything,
                      "a file, or nothing",
                      "The certificate and its chain, in PEM. Read again when it changes."));
  rows.push_back(path("tls.key", at(&S::tls, &TlsSettings::key), anything, "a file, or nothing",
                      "The certificate's private key, in PEM."));
  rows.push_back(list(
      "tls.names", at(&S::tls, &TlsSettings::names),
      [](std::string_view item) { return keep_if(is_host_or_address(item), item); },
      [](const std::string& item) { return item; }, "a list of host names and IP addresses",
      "What the certificate of `tls.mode = \"auto\"` is made out to."));
  rows.push_back(
      duration("tls.hsts", at(&S::tls, &TlsSettings::hsts), 0s, 24h * 730,
               "How long browsers are told to come back with TLS only (`Strict-Transport-Security`). 0 does "
               "not tell them."));
}

void log(std::vector<Setting>& rows) {
  rows.push_back(choice("log.level", at(&S::log, &LogSettings::level),
                        {{"debug", LogLevel::debug},
                         {"info", LogLevel::info},
                         {"warning", LogLevel::warning},
                         {"error", LogLevel::error}},
                        "The least important messages that are written."));
  rows.push_back(choice("log.format", at(&S::log, &LogSettings::format),
                        {{"text", LogFormat::text}, {"json", LogFormat::json}},
                        "`text` for people, `json` for one object a line."));
  rows.push_back(boolean("log.requests", at(&S::log, &LogSettings::requests),
                         "Write a line for each request. The audit journal records pulls without it."));
}

void http(std::vector<Setting>& rows) {
  using H = HttpSettings;
  rows.push_back(count("http.threads", at(&S::http, &H::threads), 0u, 1024u,
                       "Event loops, each on its own thread. 0 means one for each core."));
  rows.push_back(size("http.header_bytes", at(&S::http, &H::header_bytes), 1 * kKiB, 1 * kMiB,
                      "The most that a request's line and headers may take; more is answered 431."));
  rows.push_back(count("http.headers", at(&S::http, &H::headers), 10u, 1000u,
                       "The most headers that a request may have; more is answered 431."));
  rows.push_back(
      size("http.target_bytes", at(&S::http, &H::target_bytes), 1 * kKiB, 1 * kMiB,
           "The longest path and query of a request; more is answered 414. A request for a token names its "
           "scopes there."));
  rows.push_back(duration("http.header_timeout", at(&S::http, &H::header_timeout), 100ms, 10min,
                          "How long a request's headers may take to arrive; longer is answered 408."));
  rows.push_back(duration("http.idle_timeout", at(&S::http, &H::idle_timeout), 100ms, 1h,
                          "How long a connection may wait for its next request, or a client take "
                          "nothing of its answer, before the connection is closed."));
  rows.push_back(size("http.body_rate", at(&S::http, &H::body_rate), 1, 1 * kGiB,
                      "The least bytes a second that a request's body must arrive at, measured over "
                      "`http.body_grace`."));
  rows.push_back(duration("http.body_grace", at(&S::http, &H::body_grace), 100ms, 10min,
                          "How long a body may stay below `http.body_rate`; it is then answered 408, "
                          "and an upload keeps what it has."));
  rows.push_back(duration(
      "http.linger", at(&S::http, &H::linger), 0ms, 1min,
      "How long a client that was answered before its request was over may go on sending. Until then "
      "what it sends is read and dropped, because closing at once would destroy the answer."));
  rows.push_back(
      size("http.linger_bytes", at(&S::http, &H::linger_bytes), 0, kPiB,
           "The most that is read of it. Then nothing is, until the time is over or the client has closed."));
  rows.push_back(
      count("http.connections", at(&S::http, &H::connections), 1u, 1'000'000u,
            "The most connections at once. Where one more comes, the one that has been idle for longest "
            "of the network that has most is closed, or else the newcomer."));
  rows.push_back(
      count("http.connections_per_address", at(&S::http, &H::connections_per_address), 1u, 1'000'000u,
            "The most connections at once from one IPv4 address or one IPv6 /64; more are closed."));
  rows.push_back(duration("http.stop_deadline", at(&S::http, &H::stop_deadline), 0ms, 1h,
                          "How long a stopping server lets requests finish before it cuts them off."));
  rows.push_back(
      duration("http.stop_delay", at(&S::http, &H::stop_delay), 0ms, 10min,
               "How long `/readyz` fails before a stopping server closes its listener, so that a load "
               "balancer can look away first."));
}

void offload(std::vector<Setting>& rows) {
  rows.push_back(count("offload.threads", at(&S::offload, &OffloadSettings::threads), 1u, 1024u,
                       "Threads for work that blocks: the database, the disk."));
  rows.push_back(count("offload.queue", at(&S::offload, &OffloadSettings::queue), 1u, 1'000'000u,
                       "The most such work that may wait; more is answered 503."));
}

void limits(std::vector<Setting>& rows) {
  using L = LimitSettings;
  rows.push_back(size("limits.manifest_bytes", at(&S::limits, &L::manifest_bytes), 1 * kKiB, 64 * kMiB,
                      "The largest manifest; a larger one is answered 413."));
  rows.push_back(count("limits.tags_per_put", at(&S::limits, &L::tags_per_put), 1u, 1000u,
                       "The most tags that one manifest push may set; more is answered 414."));
  rows.push_back(
      count("limits.page_size", at(&S::limits, &L::page_size), 1u, 10'000u,
            "The most entries in one page of tags, repositories or referrers. A request for more gets this "
            "many and a link to the rest."));
  rows.push_back(count("limits.upload_sessions_per_account", at(&S::limits, &L::upload_sessions_per_account),
                       1u, 1'000'000u,
                       "The most open upload sessions of one person or organization, with all their robots. "
                       "The one idle for longest, an empty one first, gives way to a new one; while all are "
                       "being written to, one more is answered 429."));
  rows.push_back(count("limits.upload_sessions", at(&S::limits, &L::upload_sessions), 1u, 10'000'000u,
                       "The most open upload sessions of all together; there whoever has most gives way."));
  rows.push_back(duration("limits.upload_idle", at(&S::limits, &L::upload_idle), 1s, 24h * 30,
                          "An upload session that nobody wrote to for so long is removed with its bytes."));
  rows.push_back(duration("limits.upload_silence", at(&S::limits, &L::upload_silence), 100ms, 10min,
                          "A request that writes to an upload session and has sent nothing for so long gives "
                          "way to a newer one, as of a client whose connection broke unnoticed."));
  rows.push_back(size("limits.upload_bytes", at(&S::limits, &L::upload_bytes), 0, kPiB,
                      "The largest blob; a larger one is answered 413. 0 means no limit."));
  rows.push_back(
      count("limits.token_scopes", at(&S::limits, &L::token_scopes), 1u, 1000u,
            "The most scopes that one token carries. Of more that are asked for it gets those named last."));
  rows.push_back(count("limits.repositories_per_namespace", at(&S::limits, &L::repositories_per_namespace),
                       1u, 10'000'000u, "The most repositories of one namespace; more is answered 403."));
  rows.push_back(count("limits.tags_per_repository", at(&S::limits, &L::tags_per_repository), 1u, 10'000'000u,
                       "The most tags of one repository; more is answered 403."));
  rows.push_back(count("limits.tags_per_manifest", at(&S::limits, &L::tags_per_manifest), 1u, 1'000'000u,
                       "The most tags on one manifest, which go with it in one step; more is answered 403."));
  rows.push_back(
      count("limits.grants", at(&S::limits, &L::grants), 1u, 1'000'000u,
            "The most roles that are given in one repository or namespace; more is answered 409."));
  rows.push_back(count("limits.access_tokens", at(&S::limits, &L::access_tokens), 1u, 1'000'000u,
                       "The most good access tokens of one person or organization, with all their robots; "
                       "more is answered 409."));
  rows.push_back(count("limits.robots_per_namespace", at(&S::limits, &L::robots_per_namespace), 1u,
                       1'000'000u,
                       "The most robots of one person's or organization's namespace, those of its "
                       "repositories included; more is answered 409."));
  rows.push_back(count("limits.device_logins", at(&S::limits, &L::device_logins), 1u, 10'000'000u,
                       "The most log-ins of devices under way; more, and the network that has most loses its "
                       "oldest."));
  rows.push_back(count("limits.changes_per_hour", at(&S::limits, &L::changes_per_hour), 1u, 10'000'000u,
                       "The most changes by the management API that one person or organization without a "
                       "system role makes in an hour, with all their robots; more is answered 429. Deleting "
                       "and revoking are not counted."));
  rows.push_back(size("limits.transfer_memory", at(&S::limits, &L::transfer_memory), 1 * kMiB, 64 * kGiB,
                      "Memory for the buffers of all uploads together, near enough: each one's "
                      "buffers shrink, to 32 KiB at the least, as uploads multiply."));
  rows.push_back(
      size("limits.body_memory", at(&S::limits, &L::body_memory), 1 * kMiB, 64 * kGiB,
           "Memory for manifests, forms and other bodies that are read as a whole, all together, and as "
           "much again for answers over 16 KiB that are being read. More is answered 503. Each one's first 4 "
           "KiB are not counted here or in the next two."));
  rows.push_back(size("limits.body_memory_strangers", at(&S::limits, &L::body_memory_strangers), 1 * kMiB,
                      64 * kGiB,
                      "The part of it that requests of who is not logged in may take together; more is "
                      "answered 429."));
  rows.push_back(size("limits.body_memory_each", at(&S::limits, &L::body_memory_each), 64 * kKiB, 64 * kGiB,
                      "The part of it that one person or organization may take, with all their robots, or "
                      "one network (an IPv4 /24 or an IPv6 /64) of who is not logged in, while nobody else "
                      "takes any; and in the same measure of what others leave. More is answered 429 or 503. "
                      "One body alone may have an eighth of what is left."));
  rows.push_back(duration("limits.body_time", at(&S::limits, &L::body_time), 1s, 1h,
                          "How long such a body may take to arrive once it is counted; longer is answered "
                          "408."));
  rows.push_back(size("limits.cached_manifests_bytes", at(&S::limits, &L::cached_manifests_bytes), 0,
                      64 * kGiB, "Memory for manifests that are served without asking the database."));
  rows.push_back(
      count("limits.cached_facts", at(&S::limits, &L::cached_facts), 0u, 100'000'000u,
            "Tags, repositories, roles and tokens remembered, of each kind, for the same reason."));
}

void auth(std::vector<Setting>& rows) {
  using A = AuthSettings;
  rows.push_back(
      duration("auth.token_lifetime", at(&S::auth, &A::token_lifetime), 1min, 1h,
               "How long a bearer token lives. One of a disabled account or a changed password is dead at "
               "once all the same. Clients count on a minute at the least."));
  rows.push_back(
      count("auth.password_memory_kib", at(&S::auth, &A::password_memory_kib), 19u * 1024, 256u * 1024,
            "Memory of one Argon2id hash, in KiB. Passwords hashed with less are hashed again when their "
            "owner next logs in."));
  rows.push_back(count("auth.password_passes", at(&S::auth, &A::password_passes), 2u, 10u,
                       "Passes of Argon2id over that memory."));
  rows.push_back(count(
      "auth.password_hashes", at(&S::auth, &A::password_hashes), 1u, 64u,
      "Passwords hashed at once. This many times `auth.password_memory_kib` is what log-ins may take."));
  rows.push_back(count("auth.password_queue", at(&S::auth, &A::password_queue), 1u, 100'000u,
                       "Log-ins that may wait for their turn; more is answered 503."));
  rows.push_back(duration("auth.password_remembered", at(&S::auth, &A::password_remembered), 0s, 5min,
                          "How long a password that was right is taken again without being hashed, so that "
                          "many machines can log in with it at once; 0s: never."));
  rows.push_back(
      count("auth.login_attempts_per_account", at(&S::auth, &A::login_attempts_per_account), 1u, 1'000'000u,
            "Failed log-ins of one account from one network within `auth.login_window`; then it is refused "
            "there until the window has passed. A network is an IPv4 /24 or an IPv6 /64."));
  rows.push_back(count("auth.login_attempts_per_network", at(&S::auth, &A::login_attempts_per_network), 1u,
                       1'000'000u,
                       "The same for all accounts together from one network; accounts that logged in there "
                       "lately are not concerned."));
  rows.push_back(duration("auth.login_window", at(&S::auth, &A::login_window), 1s, 24h,
                          "The time that failed log-ins from a network are counted over."));
  rows.push_back(count("auth.login_attempts_in_all", at(&S::auth, &A::login_attempts_in_all), 1u, 1'000'000u,
                       "Failed log-ins of one account within `auth.login_window_in_all` from all networks "
                       "that it has not logged in from within 30 days; then it is refused in those. Each of "
                       "the last eight that it did log in from has this count for itself."));
  rows.push_back(duration("auth.login_window_in_all", at(&S::auth, &A::login_window_in_all), 1s, 24h,
                          "The time that they are counted over."));
  rows.push_back(boolean("auth.anonymous_pull", at(&S::auth, &A::anonymous_pull),
                         "Whether public repositories may be pulled without logging in."));
}

void the_rest(std::vector<Setting>& rows) {
  rows.push_back(
      duration("storage.verify_interval", at(&S::storage, &StorageSettings::verify_interval), 1s, 24h * 365,
               "A blob whose bytes were last checked longer ago is checked again while it is served."));
  rows.push_back(
      size("storage.reserve_bytes", at(&S::storage, &StorageSettings::reserve_bytes), 0, kPiB,
           "Disk space that pushes leave free (at most a tenth of the disk), so that deletes, log-ins and "
           "the journal go on when the disk is full; pushes are then answered 507."));
  rows.push_back(
      boolean("storage.sparse_manifests", at(&S::storage, &StorageSettings::sparse_manifests),
              "Accept manifests and indexes that refer to blobs and manifests which have not been pushed, "
              "as partial mirrors need; otherwise such a push is refused."));
  rows.push_back(
      size("audit.journal_bytes", at(&S::audit, &AuditSettings::journal_bytes), 1 * kMiB, kPiB,
           "The disk space of the journal of what accounts do that changes nothing, such as pulls; past it "
           "the oldest segments go."));
  rows.push_back(size("audit.anonymous_bytes", at(&S::audit, &AuditSettings::anonymous_bytes), 0, kPiB,
                      "The same for pulls of who is not logged in, beside it. 0 means a fifth of it."));
  rows.push_back(size("audit.refused_bytes", at(&S::audit, &AuditSettings::refused_bytes), 0, kPiB,
                      "The same for what is refused: denials and failed log-ins. 0 means a tenth of it."));
  rows.push_back(
      count("audit.refused_per_minute", at(&S::audit, &AuditSettings::refused_per_minute), 1u, 1'000'000u,
            "How many refusals of one network, or of one account, are written down one by one in a "
            "minute; of further ones, how many there were."));
  rows.push_back(size("audit.segment_bytes", at(&S::audit, &AuditSettings::segment_bytes), 64 * kKiB,
                      4 * kGiB,
                      "The size at which a segment of the journal is sealed, compressed and indexed."));
  rows.push_back(boolean("metrics.enabled", at(&S::metrics, &MetricsSettings::enabled), "Serve `/metrics`."));
  rows.push_back(boolean("metrics.public", at(&S::metrics, &MetricsSettings::open),
                         "Serve it to anyone who reaches the port. Otherwise only this machine may "
                         "read it, through a loopback address."));
}

void outbound(std::vector<Setting>& rows) {
  using O = OutboundSettings;
  rows.push_back(list(
      "outbound.networks", at(&S::outbound, &O::networks), IpNetwork::parse,
      [](const IpNetwork& network) { return network.text(); },
      R"(a list of networks, such as "10.0.0.0/8" or "fd00::/8")",
      "Networks that this server may send requests to beside public addresses: where your own CI or "
      "identity provider is. Whoever may name an issuer can have requests sent there."));
  rows.push_back(list(
      "outbound.plain_hosts", at(&S::outbound, &O::plain_hosts),
      [](std::string_view item) { return keep_if(is_host(item) && is_lower_case(item), item); },
      [](const std::string& item) { return item; }, "a list of lower-case host names and IPv4 addresses",
      "Hosts that requests may be sent to over plain HTTP. Whoever is on the way there can pose as them."));
  rows.push_back(
      path("outbound.authorities", at(&S::outbound, &O::authorities), anything, "a file, or nothing",
           "Certificate authorities, in PEM, that are trusted in requests to other servers, beside "
           "those that the system trusts."));
  rows.push_back(count("outbound.waits", at(&S::outbound, &O::waits), 1u, 256u,
                       "Threads that wait for other servers, as many for directories, for OpenID providers "
                       "and for issuers of workloads' tokens."));
  rows.push_back(count("outbound.waits_per_server", at(&S::outbound, &O::waits_per_server), 1u, 256u,
                       "How many of those one server may take up at once, so that one that is slow leaves "
                       "the others theirs."));
  rows.push_back(count("outbound.queue_per_server", at(&S::outbound, &O::queue_per_server), 1u, 100'000u,
                       "How many requests may wait for their turn with one server; more is answered 503."));
}

std::vector<Setting> declare_all() {
  std::vector<Setting> rows;
  general(rows);
  tls(rows);
  log(rows);
  http(rows);
  offload(rows);
  limits(rows);
  auth(rows);
  the_rest(rows);
  outbound(rows);
  return rows;
}

}  // namespace

const std::vector<Setting>& table() {
  static const std::vector<Setting> rows = declare_all();
  return rows;
}

std::span<const SettingInfo> settings() {
  static const std::vector<SettingInfo> infos = [] {
    std::vector<SettingInfo> all;
    for (const Setting& setting : table()) all.push_back(setting.info);
    return all;
  }();
  return infos;
}

std::filesystem::path keys_directory(const Settings& settings) {
  return settings.keys.empty() ? settings.data / "keys" : settings.keys;
}

}  // namespace bulkhead::config
