// Every setting of the server, typed, with its default. Plain values: the composition root loads them once
// and hands each part the few that are its own.
//
// What a setting is called in a file, in the environment and on the command line, its bounds and what it
// means are declared in settings_table.cc, one row each; docs/guide/settings.md is generated from there.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/ip_network.h"
#include "base/log.h"

namespace bulkhead::config {

using namespace std::chrono_literals;
using Duration = std::chrono::milliseconds;

inline constexpr std::uint64_t kKiB = 1024;
inline constexpr std::uint64_t kMiB = 1024 * kKiB;
inline constexpr std::uint64_t kGiB = 1024 * kMiB;

// An IP address and a TCP port. "127.0.0.1:5000", "[::1]:5000".
struct Endpoint {
  std::string address;  // without brackets
  std::uint16_t port = 0;

  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

enum class TlsMode {
  off,
  automatic,  // "auto": a certificate from a local authority made at the first start
  files,
};

// Where proxies write whom they stand for.
enum class ProxyHeader {
  x_forwarded_for,
  forwarded,  // RFC 7239
};

struct TlsSettings {
  TlsMode mode = TlsMode::off;
  std::filesystem::path certificate;
  std::filesystem::path key;
  std::vector<std::string> names = {"localhost", "127.0.0.1", "::1"};
  Duration hsts = 365 * 24h;
};

struct LogSettings {
  LogLevel level = LogLevel::info;
  LogFormat format = LogFormat::text;
  bool requests = false;
};

struct HttpSettings {
  std::uint32_t threads = 0;
  std::uint64_t header_bytes = 32 * kKiB;
  std::uint32_t headers = 100;
  std::uint64_t target_bytes = 28 * kKiB;
  Duration header_timeout = 5s;
  Duration idle_timeout = 60s;
  std::uint64_t body_rate = 1 * kKiB;
  Duration body_grace = 30s;
  Duration linger = 5s;
  std::uint64_t linger_bytes = 256 * kMiB;
  std::uint32_t connections = 20'000;
  std::uint32_t connections_per_address = 10'000;
  Duration stop_deadline = 30s;
  Duration stop_delay = 0s;
};

struct OffloadSettings {
  std::uint32_t threads = 16;
  std::uint32_t queue = 4096;
};

struct LimitSettings {
  std::uint64_t manifest_bytes = 4 * kMiB;
  std::uint32_t tags_per_put = 100;
  std::uint32_t page_size = 1000;
  std::uint32_t upload_sessions_per_account = 400;
  std::uint32_t upload_sessions = 10'000;
  Duration upload_idle = 24h;
  Duration upload_silence = 5s;
  std::uint64_t upload_bytes = 0;
  std::uint32_t token_scopes = 300;
  std::uint32_t repositories_per_namespace = 10'000;
  std::uint32_t tags_per_repository = 100'000;
  std::uint32_t tags_per_manifest = 1000;
  std::uint32_t grants = 1000;
  std::uint32_t access_tokens = 4000;
  std::uint32_t robots_per_namespace = 1000;
  std::uint32_t device_logins = 10'000;
  std::uint32_t changes_per_hour = 3600;
  std::uint64_t transfer_memory = 64 * kMiB;
  std::uint64_t body_memory = 256 * kMiB;
  std::uint64_t body_memory_strangers = 64 * kMiB;
  std::uint64_t body_memory_each = 32 * kMiB;
  Duration body_time = 2min;
  std::uint64_t cached_manifests_bytes = 64 * kMiB;
  std::uint32_t cached_facts = 100'000;
};

struct AuthSettings {
  Duration token_lifetime = 5min;
  std::uint32_t password_memory_kib = 64 * 1024;
  std::uint32_t password_passes = 3;
  std::uint32_t password_hashes = 2;
  std::uint32_t password_queue = 512;
  Duration password_remembered = 30s;
  std::uint32_t login_attempts_per_account = 10;
  std::uint32_t login_attempts_per_network = 100;
  Duration login_window = 5min;
  std::uint32_t login_attempts_in_all = 200;
  Duration login_window_in_all = 1h;
  bool anonymous_pull = true;
};

struct StorageSettings {
  Duration verify_interval = 1h;
  bool sparse_manifests = false;
  std::uint64_t reserve_bytes = 256 * kMiB;
};

struct AuditSettings {
  std::uint64_t journal_bytes = 10 * kGiB;
  std::uint64_t segment_bytes = 64 * kMiB;
  std::uint64_t anonymous_bytes = 0;
  std::uint64_t refused_bytes = 0;
  std::uint32_t refused_per_minute = 200;
};

struct MetricsSettings {
  bool enabled = true;
  bool open = false;  // "metrics.public"
};

// Requests to other people's servers: issuers of tokens, for one.
struct OutboundSettings {
  std::vector<IpNetwork> networks;
  std::vector<std::string> plain_hosts;
  std::filesystem::path authorities;
  std::uint32_t waits = 16;
  std::uint32_t waits_per_server = 4;
  std::uint32_t queue_per_server = 32;
};

struct Settings {
  Endpoint listen = {"127.0.0.1", 5000};
  std::filesystem::path data = "./data";
  std::string database = "sqlite";
  std::filesystem::path database_password_file;
  std::filesystem::path keys;
  std::filesystem::path keys_passphrase_file;
  std::filesystem::path keys_pkcs11_module;
  std::string keys_pkcs11_token;
  std::string keys_pkcs11_key = "bulkhead";
  std::filesystem::path keys_pkcs11_pin_file;
  std::string public_url;
  std::string service = "bulkhead";
  std::vector<std::string> hosts;
  std::vector<IpNetwork> trusted_proxies;
  ProxyHeader proxy_header = ProxyHeader::x_forwarded_for;
  TlsSettings tls;
  LogSettings log;
  HttpSettings http;
  OffloadSettings offload;
  LimitSettings limits;
  AuthSettings auth;
  StorageSettings storage;
  AuditSettings audit;
  MetricsSettings metrics;
  OutboundSettings outbound;
};

// Where the keys are: `keys`, or a directory of that name below `data`.
std::filesystem::path keys_directory(const Settings& settings);

}  // namespace bulkhead::config
