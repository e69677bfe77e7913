#include "crypto/local_ca.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/bytes.h"
#include "base/file.h"
#include "crypto/hash.h"
#include "crypto/private_file.h"

namespace bulkhead::crypto {
namespace {

constexpr auto kAuthorityLife = std::chrono::days(5 * 365);
constexpr auto kServerLife = std::chrono::days(90);
constexpr auto kRenewBefore = std::chrono::days(30);
constexpr auto kClockSkew = std::chrono::hours(1);
constexpr std::size_t kFileLimit = 64 * 1024;
constexpr std::size_t kMostNames = 100;

struct Authority {
  PrivateKey key;
  Certificate certificate;
  bool created = false;
};

Result<void> check(const ServerNames& names) {
  if (names.dns.empty() && names.addresses.empty())
    return Error{Errc::invalid_argument, "a server certificate needs at least one host name or address"};
  if (names.dns.size() + names.addresses.size() > kMostNames)
    return Error{Errc::invalid_argument,
                 fmt::format("a server certificate takes at most {} names", kMostNames)};
  for (const auto& name : names.dns)
    if (!is_dns_name(name) || is_ip_address(name))
      return Error{Errc::invalid_argument, fmt::format("\"{}\" is not a host name", name)};
  for (const auto& address : names.addresses)
    if (!is_ip_address(address))
      return Error{Errc::invalid_argument, fmt::format("\"{}\" is not an IP address", address)};
  return {};
}

bool lasts(const Certificate& certificate, Time now) {
  return certificate.is_valid_at(now) && certificate.is_valid_at(now + kRenewBefore);
}

Result<void> write(const std::filesystem::path& path, std::string_view text, unsigned mode) {
  return replace_file(path, as_bytes(text), mode);
}

// Nothing when there is none yet, or when it has come near its end.
Result<std::optional<Authority>> load_authority(const std::filesystem::path& path, Time now) {
  auto text = read_private_file(path, kFileLimit);
  if (!text && text.error().code == Errc::not_found) return std::optional<Authority>();
  if (!text) return text.error();
  auto key = PrivateKey::parse(text->reveal());
  auto certificate = Certificate::parse(text->reveal());
  if (!key || !certificate || !certificate->belongs_to(*key))
    return Error{Errc::corrupt,
                 fmt::format("{} does not hold a private key and its certificate: restore it from a backup, "
                             "or move it away to have a new authority made",
                             path.string())};
  if (!lasts(*certificate, now)) return std::optional<Authority>();
  return std::optional(Authority{std::move(*key), std::move(*certificate), false});
}

Result<Authority> make_authority(const std::filesystem::path& path, Time now) {
  auto key = PrivateKey::generate();
  // Several installations, or an old and a new authority, are told apart in a browser's list.
  const auto name = fmt::format("Bulkhead local CA {}", to_hex(as_bytes(random_bytes(4))));
  auto certificate = Certificate::make_authority(key, name, now - kClockSkew, now + kAuthorityLife);
  const Secret<> key_pem = key.pem();
  const std::string certificate_pem = certificate.pem();
  std::string text;
  text.reserve(key_pem.reveal().size() + certificate_pem.size());
  text.append(key_pem.reveal()).append(certificate_pem);
  const Secret<> both(std::move(text));
  // Key and certificate in one file, so that a crash cannot leave one without the other.
  if (auto written = write(path, both.reveal(), 0600); !written) return written.error();
  return Authority{std::move(key), std::move(certificate), true};
}

bool serves(const std::filesystem::path& certificate_path, const std::filesystem::path& key_path,
            const ServerNames& names, const Authority& authority, Time now) {
  const auto certificate_text = read_file(certificate_path, kFileLimit);
  const auto key_text = read_private_file(key_path, kFileLimit);
  if (!certificate_text || !key_text) return false;
  const auto certificate = Certificate::parse(*certificate_text);
  const auto key = PrivateKey::parse(key_text->reveal());
  return certificate && key && certificate->belongs_to(*key) &&
         certificate->is_signed_by(authority.certificate) && lasts(*certificate, now) &&
         certificate->covers(names) && *certificate_text == certificate->pem() + authority.certificate.pem();
}

// A crash between the two files leaves a certificate and a key that do not match; the next start makes both
// anew.
Result<void> make_server(const std::filesystem::path& certificate_path, const std::filesystem::path& key_path,
                         const ServerNames& names, const Authority& authority, Time now) {
  const auto key = PrivateKey::generate();
  const Time until = std::min(now + kServerLife, authority.certificate.valid_until());
  const auto certificate =
      Certificate::make_server(key, names, now - kClockSkew, until, authority.certificate, authority.key);
  if (auto written = write(key_path, key.pem().reveal(), 0600); !written) return written;
  return write(certificate_path, certificate.pem() + authority.certificate.pem(), 0644);
}

// Where the authority's key is gone and its certificate is not, which clients trust: what is in use stays as
// long as it lasts. Nothing when there is no such authority, or it is near its own end.
Result<std::optional<LocalCertificates>> keep_without_key(const std::filesystem::path& directory,
                                                          const ServerNames& names, Time now) {
  std::error_code error;
  const auto text = read_file(directory / "ca.pem", kFileLimit);
  if (!text || std::filesystem::exists(directory / "ca.key", error))
    return std::optional<LocalCertificates>();
  auto certificate = Certificate::parse(*text);
  if (!certificate || !lasts(*certificate, now)) return std::optional<LocalCertificates>();
  LocalCertificates result{directory / "ca.pem", directory / "server.pem", directory / "server.key",
                           certificate->sha256(), false};
  result.authority_key_missing = true;
  const auto server_text = read_file(result.certificate, kFileLimit);
  const auto key_text = read_private_file(result.private_key, kFileLimit);
  const auto server = server_text ? Certificate::parse(*server_text) : std::nullopt;
  const auto key = key_text ? PrivateKey::parse(key_text->reveal()) : std::nullopt;
  if (server && key && server->belongs_to(*key) && server->is_signed_by(*certificate) &&
      server->is_valid_at(now) && server->covers(names))
    return std::optional(std::move(result));
  return Error{
      Errc::unavailable,
      fmt::format("{} is missing, and a server certificate is to be made for these names: put it back "
                  "from a backup. To have a new authority made, which all clients have to be given, "
                  "move {} away",
                  (directory / "ca.key").string(), result.ca_certificate.string())};
}

}  // namespace

Result<LocalCertificates> prepare_local_certificates(const std::filesystem::path& directory,
                                                     const ServerNames& names, Time now) {
  if (auto checked = check(names); !checked) return checked.error();
  if (auto made = make_private_directory(directory); !made) return made.error();

  auto loaded = load_authority(directory / "ca.key", now);
  if (!loaded) return loaded.error();
  if (!*loaded)
    if (auto kept = keep_without_key(directory, names, now); !kept || *kept) {
      if (!kept) return kept.error();
      return **std::move(kept);
    }
  auto authority =
      *loaded ? Result<Authority>(std::move(**loaded)) : make_authority(directory / "ca.key", now);
  if (!authority) return authority.error();

  LocalCertificates result{directory / "ca.pem", directory / "server.pem", directory / "server.key",
                           authority->certificate.sha256(), authority->created};
  const std::string ca_pem = authority->certificate.pem();
  if (const auto present = read_file(result.ca_certificate, kFileLimit); !present || *present != ca_pem)
    if (auto written = write(result.ca_certificate, ca_pem, 0644); !written) return written.error();
  if (!serves(result.certificate, result.private_key, names, *authority, now))
    if (auto made = make_server(result.certificate, result.private_key, names, *authority, now); !made)
      return made.error();
  return result;
}

}  // namespace bulkhead::crypto
