// doctor: looks at what can be looked at, and says what is wrong and how to mend it.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <memory>

#include "app/diagnosis.h"
#include "base/say.h"
#include "cli/api_cli.h"
#include "cli/doctor_server.h"
#include "cli/operator.h"

namespace bulkhead::cli {
namespace {

namespace json = boost::json;
using app::fail;
using app::Finding;
using app::Findings;
using app::good;
using app::warn;

const char* word(Finding::Level level) {
  switch (level) {
    case Finding::Level::ok: return "ok";
    case Finding::Level::warn: return "warn";
    case Finding::Level::fail: return "fail";
  }
  return "";
}

void look_here(const CommandLine& line, Findings& out) {
  const auto loaded = line.load(Fallback::installed);
  if (!loaded) {
    line.misconfigured = false;  // one finding among others
    out.push_back(fail("settings", loaded.error().message));
    return;
  }
  const config::Settings& settings = loaded->settings;
  std::optional<json::object> running;
  if (auto asked = Operator(settings, names_data(line)).ask({{"command", "server.status"}}); !asked)
    out.push_back(fail("server", asked.error().message));
  else if (*asked)
    running = (*asked)->as_object();
  const Findings found = app::diagnose(settings, running);
  out.insert(out.end(), found.begin(), found.end());
  if (!running) return;
  const std::string url(running->at("url").as_string());
  if (!url.empty()) look_at_server(url, std::string(running->at("authority").as_string()), out);
}

void look_at_log_in(RemoteServer& remote, Findings& out) {
  const auto me = remote.client->get("/whoami");
  if (me)
    out.push_back(
        good("log-in",
             fmt::format("{} at {}", std::string_view(me->at("user").at("name").as_string()), remote.url)));
  else
    out.push_back(warn("log-in", me.error().message, fmt::format("bulkhead login {}", remote.url)));
  const auto path = LoginStore::default_path();
  const auto store = path ? LoginStore::load(*path) : Result<LoginStore>(path.error());
  look_at_server(remote.url, store ? store->authority(remote.url) : std::string(), out);
  look_at_docker(remote.url, out);
}

Findings examine(const CommandLine& line) {
  Findings out;
  look_at_log_ins(out);
  auto remote = remote_server(line);
  if (!remote && (out.empty() || out.back().level == Finding::Level::ok))
    out.push_back(fail("log-in", remote.error().message));
  if (remote && *remote)
    look_at_log_in(**remote, out);
  else if (line.server.empty())
    look_here(line, out);
  return out;
}

void print(const CommandLine& line, const Findings& findings, bool is_good) {
  if (!line.json) {
    for (const Finding& each : findings) {
      say("{:<5} {}: {}\n", word(each.level), each.name, each.detail);
      if (!each.cure.empty()) say("      {}\n", each.cure);
    }
    return;
  }
  json::array checks;
  for (const Finding& each : findings)
    checks.push_back(json::object{
        {"name", each.name}, {"level", word(each.level)}, {"detail", each.detail}, {"cure", each.cure}});
  say_json(json::serialize(json::object{{"good", is_good}, {"checks", std::move(checks)}}));
}

Result<void> examine_and_say(const CommandLine& line) {
  const Findings findings = examine(line);
  const auto failed = std::ranges::count(findings, Finding::Level::fail, &Finding::level);
  print(line, findings, failed == 0);
  if (failed == 0) return {};
  return Error{Errc::unavailable, fmt::format("{} of {} checks failed", failed, findings.size())};
}

}  // namespace

void add_doctor_command(Command& app, CommandLine& line) {
  auto* doctor =
      app.add_subcommand("doctor", "Look for what is wrong here, or with the server, and say how to mend it");
  add_settings(*doctor, line, false);
  doctor->add_flag("--json", line.json, "Print JSON, for scripts");
  doctor->footer(
      "With --data or --config, and where nobody is logged in, it looks at the installation on this machine, "
      "and at it\n"
      "as clients meet it; else at the server that was logged in to. It changes nothing. Exit status: 1 "
      "where a check\n"
      "failed, which warnings do not.");
  doctor->callback([&line] { line.action = [&line] { return examine_and_say(line); }; });
  app.example("doctor --data ./data");
}

}  // namespace bulkhead::cli
