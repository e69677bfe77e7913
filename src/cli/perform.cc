#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <map>
#include <vector>

#include "base/percent.h"
#include "base/say.h"
#include "cli/command_line.h"
#include "cli/confirm.h"
#include "cli/operator.h"
#include "cli/remote_commands.h"
#include "cli/target.h"
#include "config/suggest.h"

namespace bulkhead::cli {
namespace {

Result<void> show(const CommandLine& line, const Result<boost::json::value>& value, const Printer& print) {
  if (!value) return value.error();
  try {
    if (line.json)
      say_json(boost::json::serialize(*value));
    else
      print.print(*value, line.wide);
    flush_output();
  } catch (const OutputFailed&) {
    if (line.lost) tell("bulkhead: {}\n", line.lost(*value));
    throw;
  }
  return {};
}

}  // namespace

namespace {

// Of a name that is not there, the one that was probably meant, of those that may be seen.
Error with_near_name(ApiClient& client, std::string_view path, Error error) {
  if (error.code != Errc::not_found && error.code != Errc::name_unknown) return error;
  for (const std::string_view collection : {"/users", "/repositories", "/organizations"}) {
    if (!path.starts_with(collection)) continue;
    std::string_view rest = path.substr(collection.size());
    if (!rest.starts_with('/')) continue;
    rest.remove_prefix(1);
    const std::string_view name = rest.substr(0, rest.find_first_of("/?"));
    const auto items = client.list(collection);
    if (!items) return error;
    std::map<std::string, std::string> names;  // by how a path has them
    for (const boost::json::value& item : *items) {
      const std::string each(item.at("name").as_string());
      names.emplace(percent_encode(each), each);
    }
    std::vector<std::string> written;
    for (const auto& [encoded, plain] : names) written.push_back(encoded);
    // Where it is there, something else is not.
    const auto meant = names.contains(std::string(name)) ? std::nullopt : config::nearest(name, written, "");
    if (meant) error.message += fmt::format("; did you mean \"{}\"?", names.at(*meant));
    return error;
  }
  return error;
}

// Asks where it must, and does it.
Result<void> perform_with(const CommandLine& line, ApiClient& client, const std::string& where,
                          const ApiWork& work, const Printer& print) {
  if (auto asked = confirm(line, client, where); !asked) return asked.error();
  TellingClient telling(client, where);
  auto outcome = work(telling);
  if (!outcome) {
    line.problem = telling.problem();
    return with_near_name(client, telling.last_path(), outcome.error());
  }
  return show(line, outcome, print);
}

// Of an operator's command.
bool only_reads(const boost::json::object& command) {
  const std::string_view name = command.at("command").as_string();
  return name.ends_with(".list") || name.starts_with("audit.") || name == "repo.uploads";
}

Result<void> perform_here(const CommandLine& line, const boost::json::object& command, const Printer& print) {
  const auto loaded = line.load(Fallback::installed);
  if (!loaded) return loaded.error();
  const std::string where = data_target(loaded->settings);
  {
    // Stopped data is opened by one at a time.
    const auto client = make_local_client(loaded->settings, names_data(line));
    if (auto asked = confirm(line, *client, where); !asked) return asked.error();
  }
  if (!only_reads(command)) tell_target(where);
  return show(line, Operator(loaded->settings, names_data(line)).run(command), print);
}

}  // namespace

Result<void> perform_api(const CommandLine& line, const ApiWork& work, const Printer& print) {
  auto remote = remote_server(line);
  if (!remote) return remote.error();
  if (*remote) return perform_with(line, *(*remote)->client, (*remote)->url, work, print);
  const auto loaded = line.load(Fallback::installed);
  if (!loaded) return loaded.error();
  const auto client = make_local_client(loaded->settings, names_data(line));
  return perform_with(line, *client, data_target(loaded->settings), work, print);
}

Result<void> perform(const CommandLine& line, const boost::json::object& command, const Printer& print) {
  const RemoteCommand remote_command = find_remote_command(command);
  if (remote_command == nullptr) {
    if (auto local = check_local(line); !local) return local.error();
    return perform_here(line, command, print);
  }
  auto remote = remote_server(line);
  if (!remote) return remote.error();
  if (!*remote) return perform_here(line, command, print);
  const auto work = [&](ApiClient& client) { return remote_command(client, command); };
  return perform_with(line, *(*remote)->client, (*remote)->url, work, print);
}

}  // namespace bulkhead::cli
