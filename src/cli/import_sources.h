// What an import is of: sources as they were typed, the registries they are in, and what each of their
// repositories is to be called.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "transfer/copier.h"
#include "transfer/mapping.h"
#include "transfer/names.h"
#include "transfer/registry_client.h"

namespace bulkhead::cli {

struct ImportOptions {
  std::vector<std::string> sources;
  std::string list;
  std::string below;
  std::vector<std::string> maps;
  std::string as;
  std::int64_t jobs = 8;
  bool dry_run = false;
  std::string user;
  bool password_from_stdin = false;
  std::string authority;
  bool plain_http = false;
  std::vector<std::string> token_hosts;
  std::string mapping;        // a file to read
  std::string write_mapping;  // and one to write
};

// One registry, and what is wanted of it.
struct Registry {
  std::string host;
  std::unique_ptr<transfer::RegistryClient> client;
  std::unique_ptr<transfer::RegistryClient> api;  // with name and password unasked: for Harbor's API
  std::vector<transfer::SourceName> wanted;
  std::vector<transfer::Item> items;
  std::map<oci::RepositoryName, std::size_t> places;  // of each in `items`
};
using Registries = std::map<std::string, Registry>;

// Those of the command line and of its file.
Result<std::vector<transfer::SourceName>> read_sources(const ImportOptions& options);

// Each with the log-in that it takes. `stop` must outlive them.
Result<Registries> open_registries(const ImportOptions& options, std::vector<transfer::SourceName> wanted,
                                   const transfer::Stop& stop);

Result<transfer::Mapping> read_mapping(const ImportOptions& options);
Result<transfer::NameMap> name_map(const ImportOptions& options, const transfer::Mapping& mapping);

// Lists what is to be listed, by Harbor's API where a Harbor answers, and names what it becomes. What cannot
// be a repository here is a failure, and nothing else is made of it.
Result<void> find_items(Registry& registry, const transfer::NameMap& names,
                        std::vector<transfer::Failure>& failures);

// Errc::invalid_argument where two would be one repository.
Result<void> check_targets(const Registries& registries);

}  // namespace bulkhead::cli
