#include <boost/json/serialize.hpp>

#include "base/say.h"
#include "cli/command_line.h"
#include "cli/operator.h"
#include "cli/remote_commands.h"
#include "cli/target.h"

namespace bulkhead::cli {
namespace {

using Print = std::function<void(const boost::json::value&)>;

Result<void> show(const CommandLine& line, const Result<boost::json::value>& value, const Print& print) {
  if (!value) return value.error();
  try {
    if (line.json)
      say_json(boost::json::serialize(*value));
    else
      print(*value);
    flush_output();
  } catch (const OutputFailed&) {
    if (line.lost) tell("bulkhead: {}\n", line.lost(*value));
    throw;
  }
  return {};
}

}  // namespace

Result<void> perform_api(const CommandLine& line, const ApiWork& work, const Print& print) {
  auto remote = remote_server(line);
  if (!remote) return remote.error();
  if (*remote) {
    const auto client = make_telling_client(*(*remote)->client, (*remote)->url);
    return show(line, work(*client), print);
  }
  const auto loaded = line.load(Fallback::installed);
  if (!loaded) return loaded.error();
  const auto local = make_local_client(loaded->settings, names_data(line));
  const auto client = make_telling_client(*local, data_target(loaded->settings));
  return show(line, work(*client), print);
}

namespace {

// Of an operator's command.
bool only_reads(const boost::json::object& command) {
  const std::string_view name = command.at("command").as_string();
  return name.ends_with(".list") || name.starts_with("audit.");
}

Result<void> perform_here(const CommandLine& line, const boost::json::object& command, const Print& print) {
  const auto loaded = line.load(Fallback::installed);
  if (!loaded) return loaded.error();
  if (!only_reads(command)) tell_target(data_target(loaded->settings));
  return show(line, Operator(loaded->settings, names_data(line)).run(command), print);
}

}  // namespace

Result<void> perform(const CommandLine& line, const boost::json::object& command, const Print& print) {
  const RemoteCommand remote_command = find_remote_command(command);
  if (remote_command == nullptr) {
    if (auto local = check_local(line); !local) return local.error();
    return perform_here(line, command, print);
  }
  auto remote = remote_server(line);
  if (!remote) return remote.error();
  if (!*remote) return perform_here(line, command, print);
  const auto client = make_telling_client(*(*remote)->client, (*remote)->url);
  return show(line, remote_command(*client, command), print);
}

}  // namespace bulkhead::cli
