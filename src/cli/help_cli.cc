// help, completion, man: the commands explained, all from their declaration.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <memory>

#include "base/bytes.h"
#include "base/file.h"
#include "base/say.h"
#include "cli/command_line.h"
#include "cli/completion.h"
#include "cli/help.h"
#include "cli/manual.h"

namespace bulkhead::cli {
namespace {

Result<void> explain(const Command& app, const std::vector<std::string>& words) {
  const Command* named = &app;
  for (const std::string& word : words) {
    named = named->find(word);
    if (named == nullptr)
      return Error{Errc::not_found, fmt::format("there is no command \"{}\"; \"bulkhead help\" lists them",
                                                fmt::join(words, " "))};
  }
  say_lines(help_of(*named, help_columns()));
  return {};
}

Result<void> write_manual(const Command& app, const std::filesystem::path& directory) {
  std::error_code error;
  if (!std::filesystem::is_directory(directory, error))
    return Error{Errc::not_found,
                 fmt::format("there is no directory {}; make it first", quote(directory.string()))};
  for (const ManualPage& page : manual_of(app))
    if (auto written = replace_file(directory / page.file, as_bytes(page.text), 0644); !written)
      return written.error();
  return {};
}

}  // namespace

void add_help_commands(Command& app, CommandLine& line) {
  const auto words = std::make_shared<std::vector<std::string>>();
  const auto reference = std::make_shared<bool>(false);
  auto* help = app.add_subcommand("help", "Explain a command");
  help->add_option("command", *words, "Its words; without any, all commands are listed");
  help->add_flag("--reference", *reference, "Explain all of them, as Markdown");
  help->callback([&app, &line, words, reference] {
    line.action = [&app, words, reference]() -> Result<void> {
      if (!*reference) return explain(app, *words);
      say_lines(reference_of(app));
      return {};
    };
  });

  const auto shell = std::make_shared<std::string>();
  auto* completion = app.add_subcommand("completion", "Print what lets a shell complete bulkhead's commands");
  completion->add_option("shell", *shell)->required()->one_of({"bash", "zsh", "fish"});
  completion->callback([&line, shell] {
    line.action = [shell]() -> Result<void> {
      const auto script = completion_script(*shell);
      if (!script) return script.error();
      say_lines(*script);
      return {};
    };
  });

  const auto directory = std::make_shared<std::string>();
  auto* man = app.add_subcommand("man", "Write the manual pages into a directory");
  man->add_option("directory", *directory, "Where man(1) looks, such as /usr/local/share/man/man1")
      ->required();
  man->callback([&app, &line, directory] {
    line.action = [&app, directory] { return write_manual(app, *directory); };
  });

  for (const char* example : {"help user create", "completion bash", "man /usr/local/share/man/man1"})
    app.example(example);
}

}  // namespace bulkhead::cli
