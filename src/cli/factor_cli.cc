// factor: the second factor of whoever is logged in.
#include <fmt/format.h>

#include <memory>

#include "base/say.h"
#include "cli/api_cli.h"
#include "cli/terminal.h"
#include "identity/factors/qr.h"

namespace bulkhead::cli {
namespace {

namespace json = boost::json;

// The path of the factors of whoever is logged in.
Result<std::string> own_factors(ApiClient& client) {
  const auto me = client.get("/whoami");
  if (!me) return me.error();
  return path_of("users", std::string_view(me->at("user").at("name").as_string()), "factors");
}

std::string text(const json::value& object, std::string_view key) {
  return std::string(object.at(key).as_string());
}

Result<json::value> enroll(ApiClient& client) {
  // Before there is a secret that would go into a pipe.
  if (!at_terminal())
    return Error{Errc::invalid_argument,
                 "enrolling takes a terminal, on which the secret is shown and the app's code typed"};
  const auto factors = own_factors(client);
  if (!factors) return factors.error();
  const auto begun = client.send({.method = "POST", .path = *factors + "/totp"});
  if (!begun) return begun.error();
  const auto drawing = identity::qr_for_terminal(Secret<>(text(begun->body, "uri")));
  if (!drawing) return drawing.error();
  if (locale_has_utf8()) tell_exactly(drawing->reveal() + "\n");
  tell("Scan this with an authenticator app, or type in {}\n", text(begun->body, "secret"));
  const std::string code = ask_line("Code that the app shows: ");
  const auto confirmed = client.create(*factors + "/totp/confirmation", {{"code", code}});
  if (!confirmed) return confirmed.error();
  const auto codes = client.send({.method = "POST", .path = *factors + "/recovery-codes"});
  if (!codes) return codes.error();
  return codes->body;
}

Result<json::value> make_codes(ApiClient& client) {
  const auto factors = own_factors(client);
  if (!factors) return factors.error();
  const auto codes = client.send({.method = "POST", .path = *factors + "/recovery-codes"});
  if (!codes) return codes.error();
  return codes->body;
}

void print_codes(const json::value& value) {
  for (const json::value& code : value.at("codes").as_array())
    say("{}\n", std::string_view(code.as_string()));
  say("Keep these recovery codes: each lets you in once, without the app. They are not shown again.\n");
}

std::string lost_codes(const json::value&) {
  return "the new recovery codes could not be shown, and the ones of before are worth nothing; make others "
         "with: "
         "bulkhead factor codes";
}

Result<json::value> status(ApiClient& client) {
  const auto factors = own_factors(client);
  if (!factors) return factors.error();
  return client.get(*factors);
}

void print_status(const json::value& value) {
  say("authenticator app: {}\nsecurity keys: {}\nrecovery codes left: {}\n",
      value.at("totp").as_bool() ? "yes" : "no", value.at("security_keys").as_array().size(),
      value.at("recovery_codes").as_int64());
}

}  // namespace

void add_factor_commands(Command& app, CommandLine& line) {
  auto* factor = app.add_subcommand("factor", "Your second factor: enroll, recovery codes, delete");
  factor->require_subcommand();
  add_api_command(*factor, line, "status", "Say which second factors you have", status,
                  [] { return print_status; });
  add_api_command(
      *factor, line, "enroll", "Enrol an authenticator app", enroll, [] { return print_codes; }, lost_codes);
  add_api_command(
      *factor, line, "codes", "Make new recovery codes; the old ones are worth nothing", make_codes,
      [] { return print_codes; }, lost_codes);
  add_api_command(
      *factor, line, "delete", "Do without the authenticator app",
      [](ApiClient& client) -> Result<json::value> {
        const auto factors = own_factors(client);
        if (!factors) return factors.error();
        return nothing(client.remove(*factors + "/totp"));
      },
      [] { return print_text("the authenticator app is no second factor any more"); });
  for (const char* example : {
           "factor status",
           "factor enroll",
           "factor codes",
           "factor delete",
       })
    app.example(example);
}

}  // namespace bulkhead::cli
