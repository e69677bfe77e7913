// repo tags: what a repository's tags stand for.
#include <memory>

#include "cli/api_cli.h"

namespace bulkhead::cli {

void add_tag_commands(Command& repo, CommandLine& line) {
  const auto name = std::make_shared<std::string>();
  add_api_command(
      repo, line, "tags", "List a repository's tags, and which manifests they stand for",
      [name](ApiClient& client) { return as_value(client.list(path_of("repositories", *name, "tags"))); },
      [] {
        return print_rows({"TAG", "DIGEST", "SET", "KIND"}, {"name", "digest", "updated_at", "media_type"});
      })
      ->add_option("name", *name, "Such as alice/app")
      ->required();
  repo.example("repo tags alice/app");
}

}  // namespace bulkhead::cli
