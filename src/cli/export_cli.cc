#include <fmt/format.h>

#include <memory>

#include "base/say.h"
#include "cli/command_line.h"
#include "cli/transfer_report.h"
#include "cli/transfer_server.h"
#include "transfer/layout.h"
#include "transfer/names.h"
#include "transfer/registry_source.h"

namespace bulkhead::cli {
namespace {

struct ExportOptions {
  std::string source;
  std::string directory;
  std::int64_t jobs = 4;
};

// "acme/app", "acme/app:v1", "acme/app@sha256:…" of the server that is logged in to.
Result<transfer::Item> item_of(const std::string& text) {
  const auto parsed = transfer::parse_source("localhost/" + text, false);
  if (!parsed) return parsed.error();
  if (parsed->all)
    return Error{Errc::invalid_argument,
                 "name one repository: an OCI layout holds one; export each into its own"};
  const auto name = oci::RepositoryName::parse(parsed->repository);
  if (!name) return name.error();
  transfer::Item item{*name, *name};
  if (parsed->reference) item.references.push_back(*parsed->reference);
  return item;
}

Result<void> perform_export(const CommandLine& line, const ExportOptions& options) {
  const auto item = item_of(options.source);
  if (!item) return item.error();
  transfer::Stop stop = false;
  const StopAtSignal signals(stop);
  auto server = TransferServer::open(line, "export", false, stop);
  if (!server) return server.error();
  auto layout = transfer::Layout::make(options.directory);
  if (!layout) return layout.error();
  transfer::RegistrySource source((*server)->registry());
  transfer::LayoutTarget target(*std::move(layout));
  TransferReport report(1, false, line.json);
  report.add(transfer::copy(source, target, {*item}, {.jobs = static_cast<std::size_t>(options.jobs)}, report,
                            stop));
  if (auto saved = target.save(); !saved) report.add_failures({{options.directory, saved.error()}});
  return report.finish();
}

}  // namespace

void add_export_command(Command& app, CommandLine& line) {
  auto* command = app.add_subcommand("export", "Copy a repository into an OCI layout on this machine");
  const auto options = std::make_shared<ExportOptions>();
  command->add_option("repository", options->source, "NAME for all its tags, NAME:TAG or NAME@DIGEST for one")
      ->required();
  command->add_option("directory", options->directory, "Where the layout is, or is to be")->required();
  command->add_option("--jobs", options->jobs, "How much is copied at a time")->range(1, 64)->show_default();
  command
      ->add_option("--server", line.server,
                   "Export from this server, which was logged in to, instead of the last one")
      ->type_name("URL");
  command->add_flag("--json", line.json, "Print JSON, for scripts");
  command->footer(
      "skopeo, crane, oras and podman read it: skopeo inspect oci:DIRECTORY:TAG\n"
      "What is there already is not copied again, so the same command goes on after a break.");
  command->callback(
      [&line, options] { line.action = [&line, options] { return perform_export(line, *options); }; });
  app.example("export alice/app ./app");
}

}  // namespace bulkhead::cli
