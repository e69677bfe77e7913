#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "base/file.h"
#include "base/say.h"
#include "cli/command_line.h"
#include "cli/import_setup.h"
#include "cli/import_sources.h"
#include "cli/transfer_report.h"
#include "cli/transfer_server.h"
#include "transfer/harbor.h"
#include "transfer/layout.h"
#include "transfer/registry_source.h"
#include "transfer/registry_target.h"

namespace bulkhead::cli {
namespace {

using transfer::Item;

Result<void> import_directory(const CommandLine& line, const ImportOptions& options,
                              const std::string& directory) {
  if (options.as.empty())
    return Error{Errc::invalid_argument, "say which repository the directory is to be: --as NAMESPACE/NAME"};
  const auto name = oci::RepositoryName::parse(options.as);
  if (!name) return name.error();
  auto layout = transfer::Layout::open(directory);
  if (!layout) return layout.error();
  transfer::Stop stop = false;
  const StopAtSignal signals(stop);
  auto server = TransferServer::open(line, "import", !options.dry_run, stop);
  if (!server) return server.error();
  transfer::LayoutSource source(*std::move(layout));
  transfer::RegistryTarget target((*server)->registry());
  TransferReport report(1, options.dry_run, line.json);
  report.add(transfer::copy(source, target, {Item{*name, *name}},
                            {.jobs = static_cast<std::size_t>(options.jobs), .dry_run = options.dry_run},
                            report, stop));
  return report.finish();
}

Result<void> write_mapping(const Registries& registries, const std::string& path) {
  if (registries.size() != 1)
    return Error{Errc::invalid_argument, "a mapping is written of one Harbor: name it alone"};
  const Registry& registry = registries.begin()->second;
  transfer::Harbor harbor(*registry.api);
  if (!harbor.answers())
    return Error{
        Errc::unsupported,
        fmt::format("{} is no Harbor, or does not answer as one: write the mapping by hand", registry.host)};
  const auto mapping = harbor.mapping();
  if (!mapping) return mapping.error();
  if (auto wrote = replace_file(path, as_bytes(transfer::render(*mapping)), 0644); !wrote)
    return wrote.error();
  say("{} has what {} knows; read it, change what is to be otherwise, and import with --mapping {}\n", path,
      registry.host, shell_quote(path));
  return {};
}

Result<void> perform_import(const CommandLine& line, const ImportOptions& options) {
  auto sources = read_sources(options);
  if (!sources) return sources.error();
  const auto directory =
      std::ranges::find_if(*sources, [](const auto& each) { return !each.directory.empty(); });
  if (directory != sources->end()) {
    if (sources->size() > 1)
      return Error{Errc::invalid_argument, "import one directory at a time, and nothing else with it"};
    return import_directory(line, options, directory->directory);
  }
  const auto mapping = read_mapping(options);
  if (!mapping) return mapping.error();
  const auto names = name_map(options, *mapping);
  if (!names) return names.error();
  transfer::Stop stop = false;
  const StopAtSignal signals(stop);
  auto registries = open_registries(options, *std::move(sources), stop);
  if (!registries) return registries.error();
  if (!options.write_mapping.empty()) return write_mapping(*registries, options.write_mapping);
  std::vector<transfer::Failure> failures;
  std::size_t count = 0;
  for (auto& [url, registry] : *registries) {
    if (auto found = find_items(registry, *names, failures); !found) return found.error();
    count += registry.items.size();
  }
  if (auto checked = check_targets(*registries); !checked) return checked.error();
  auto server = TransferServer::open(line, "import", !options.dry_run, stop);
  if (!server) return server.error();
  TransferReport report(count, options.dry_run, line.json);
  report.add_steps(set_up((*server)->api(), (*server)->name(), *mapping, options.dry_run));
  transfer::RegistryTarget target((*server)->registry());
  report.add_failures(std::move(failures));
  for (auto& [url, registry] : *registries) {
    transfer::RegistrySource source(*registry.client);
    report.add(transfer::copy(source, target, std::move(registry.items),
                              {.jobs = static_cast<std::size_t>(options.jobs), .dry_run = options.dry_run},
                              report, stop));
  }
  return report.finish();
}

void add_source_options(Command& command, ImportOptions& options) {
  command.add_option("--source-username", options.user,
                     "Who logs in to the source; docker's log-in when absent");
  command.add_flag("--source-password-stdin", options.password_from_stdin,
                   "Read the source's password from a pipe");
  command.add_option("--source-ca", options.authority, "Trust this authority for the source, a PEM file")
      ->type_name("FILE");
  command.add_flag("--source-plain-http", options.plain_http, "The source speaks no TLS");
  command
      .add_option("--source-token-host", options.token_hosts,
                  "Another host that may be the source's token service, and gets the password")
      ->one_value()
      ->type_name("HOST");
}

}  // namespace

void add_import_command(Command& app, CommandLine& line) {
  auto* command = app.add_subcommand("import", "Copy repositories from another registry, or an OCI layout");
  const auto options = std::make_shared<ImportOptions>();
  command->add_option(
      "source", options->sources,
      "HOST/NAME for all its tags, HOST/NAME:TAG for one, HOST or HOST/NAME/* for all that is listed "
      "there, docker.io/NAME of Docker Hub, or a directory, as in ./NAME");
  command->add_option("--from-file", options->list, "Read sources from this file, one a line")
      ->type_name("FILE");
  command->add_option("--to", options->below, "Put everything below this namespace")->type_name("NAMESPACE");
  command->add_option("--map", options->maps, "What is FROM, or below it, becomes TO, or what is below that")
      ->one_value()
      ->type_name("FROM=TO");
  command
      ->add_option("--mapping", options->mapping,
                   "Read names from this file, and make the organizations, teams and robots in it")
      ->type_name("FILE");
  command
      ->add_option("--write-mapping", options->write_mapping,
                   "Write such a file from what a Harbor knows of its projects, and import nothing")
      ->type_name("FILE");
  command->add_option("--as", options->as, "Which repository a directory becomes")->type_name("REPOSITORY");
  command->add_option("--jobs", options->jobs, "How much is copied at a time")->range(1, 64)->show_default();
  command->add_flag("--dry-run", options->dry_run, "Tell what would be copied, and copy nothing");
  add_source_options(*command, *options);
  command
      ->add_option("--server", line.server,
                   "Import into this server, which was logged in to, instead of the last one")
      ->type_name("URL");
  command->add_flag("--json", line.json, "Print a report as JSON, for scripts");
  command->footer(
      "Digests stay what they are; signatures and what else refers to an image come along. What is there "
      "already\nis not copied again, so the same command goes on after a break.");
  command->callback(
      [&line, options] { line.action = [&line, options] { return perform_import(line, *options); }; });
  for (const char* example : {
           "import docker.io/alpine:3.20 --to acme",
           "import harbor.example.com --dry-run",
       })
    app.example(example);
}

}  // namespace bulkhead::cli
