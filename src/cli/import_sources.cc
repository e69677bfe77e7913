#include "cli/import_sources.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/file.h"
#include "cli/terminal.h"
#include "transfer/docker_config.h"
#include "transfer/harbor.h"
#include "transfer/registry_source.h"

namespace bulkhead::cli {
namespace {

using transfer::Item;
using transfer::SourceName;

constexpr std::size_t kListBytes = std::size_t{16} << 20;

Result<transfer::Credentials> credentials_of(const ImportOptions& options, const std::string& host,
                                             const Secret<>& password) {
  if (!options.user.empty()) return transfer::Credentials{options.user, Secret<>(password.reveal())};
  auto found = transfer::docker_credentials(transfer::docker_config_path(), host);
  if (!found) return found.error();
  return *found ? *std::move(*found) : transfer::Credentials{};
}

// Names as a registry wrote them, or a person: what cannot be one is told, and nothing else made of it.
void add_item(const transfer::NameMap& names, Registry& registry, std::vector<transfer::Failure>& failures,
              const std::string& name, const std::optional<oci::Reference>& reference) {
  const auto from = oci::RepositoryName::parse(name);
  const auto to = from ? names.map(name) : from;
  if (!to) {
    failures.push_back(
        {name, {to.error().code, to.error().message + "; map it to another with --map FROM=TO"}});
    return;
  }
  const auto [place, fresh] = registry.places.emplace(*from, registry.items.size());
  if (fresh) registry.items.push_back({*from, *to});
  auto& references = registry.items[place->second].references;
  if (!reference)
    references.clear();  // all of them, whatever else is named
  else if (fresh || !references.empty())
    references.push_back(*reference);
}

}  // namespace

Result<std::vector<SourceName>> read_sources(const ImportOptions& options) {
  std::vector<std::string> texts = options.sources;
  if (!options.list.empty()) {
    const auto contents = read_file(options.list, kListBytes);
    if (!contents) return contents.error();
    for (std::string_view rest = *contents; !rest.empty();) {
      const auto end = std::min(rest.find('\n'), rest.size());
      std::string_view entry = rest.substr(0, std::min(end, rest.find('#')));
      rest.remove_prefix(std::min(end + 1, rest.size()));
      const auto first = entry.find_first_not_of(" \t\r");
      if (first == std::string_view::npos) continue;
      entry = entry.substr(first, entry.find_last_not_of(" \t\r") + 1 - first);
      texts.emplace_back(entry);
    }
  }
  if (texts.empty() && options.mapping.empty())
    return Error{Errc::invalid_argument,
                 "say what to import: a registry, repositories of one, or a directory"};
  std::vector<SourceName> out;
  for (const std::string& text : texts) {
    auto parsed = transfer::parse_source(text, options.plain_http);
    if (!parsed) return parsed.error();
    out.push_back(*std::move(parsed));
  }
  return out;
}

Result<transfer::Mapping> read_mapping(const ImportOptions& options) {
  if (options.mapping.empty()) return transfer::Mapping();
  const auto contents = read_file(options.mapping, kListBytes);
  if (!contents) return contents.error();
  auto parsed = transfer::parse_mapping(*contents);
  if (!parsed)
    return Error{parsed.error().code, fmt::format("{}: {}", options.mapping, parsed.error().message)};
  return parsed;
}

Result<transfer::NameMap> name_map(const ImportOptions& options, const transfer::Mapping& mapping) {
  transfer::NameMap out;
  for (const auto& [from, to] : mapping.names)
    if (auto added = out.add(from, to); !added) return added.error();
  for (const std::string& text : options.maps) {
    const auto equals = text.find('=');
    if (equals == std::string::npos)
      return Error{Errc::invalid_argument, fmt::format("\"{}\" maps nothing; write FROM=TO", text)};
    if (auto added = out.add(text.substr(0, equals), text.substr(equals + 1)); !added) return added.error();
  }
  if (!options.below.empty()) {
    if (auto name = oci::RepositoryName::parse(options.below); !name) return name.error();
    out.set_below(options.below);
  }
  return out;
}

Result<Registries> open_registries(const ImportOptions& options, std::vector<SourceName> wanted,
                                   const transfer::Stop& stop) {
  Registries out;
  for (SourceName& each : wanted) {
    Registry& registry = out[each.url];
    registry.host = each.host;
    registry.wanted.push_back(std::move(each));
  }
  Secret<> password;
  if (!options.user.empty()) {
    if (out.size() > 1)
      return Error{
          Errc::invalid_argument,
          "--source-username is for one registry, and several are named: import from one at a time, or let "
          "docker log in to each"};
    auto read = read_one_password(options.password_from_stdin);
    if (!read) return read.error();
    password = *std::move(read);
  }
  for (auto& [url, registry] : out) {
    auto credentials = credentials_of(options, registry.host, password);
    if (!credentials) return credentials.error();
    transfer::Credentials again{credentials->name, Secret<>(credentials->password.reveal())};
    registry.client = std::make_unique<transfer::RegistryClient>(
        transfer::RegistryOptions{
            .url = url,
            .authority = options.authority,
            .access = {.credentials = *std::move(credentials), .token_hosts = options.token_hosts}},
        stop);
    registry.api = std::make_unique<transfer::RegistryClient>(
        transfer::RegistryOptions{.url = url,
                                  .authority = options.authority,
                                  .access = {.credentials = std::move(again), .unasked = true}},
        stop);
  }
  return out;
}

Result<void> find_items(Registry& registry, const transfer::NameMap& names,
                        std::vector<transfer::Failure>& failures) {
  std::optional<std::vector<std::string>> listed;
  for (const SourceName& each : registry.wanted) {
    if (!each.all) {
      add_item(names, registry, failures, each.repository, each.reference);
      continue;
    }
    if (!listed) {
      transfer::Harbor harbor(*registry.api);
      auto found = harbor.answers() ? harbor.repositories()
                                    : transfer::RegistrySource(*registry.client).repositories();
      if (!found) return found.error();
      listed = *std::move(found);
    }
    const std::string prefix = each.repository.empty() ? "" : each.repository + "/";
    for (const std::string& name : *listed)
      if (name.starts_with(prefix)) add_item(names, registry, failures, name, std::nullopt);
  }
  return {};
}

// Two sources that would be one repository are a mistake in the names.
Result<void> check_targets(const Registries& registries) {
  std::map<std::string, std::string> seen;
  for (const auto& [url, registry] : registries)
    for (const Item& item : registry.items) {
      const std::string from = fmt::format("{}/{}", registry.host, item.from.render());
      const auto [place, fresh] = seen.emplace(item.to.render(), from);
      if (!fresh)
        return Error{Errc::invalid_argument,
                     fmt::format("{} and {} would both be {}: part them with --map FROM=TO", place->second,
                                 from, place->first)};
    }
  return {};
}

}  // namespace bulkhead::cli
