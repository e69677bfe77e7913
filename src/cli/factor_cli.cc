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

struct FactorOptions {
  std::string name;      // whose; "" for whoever is logged in
  std::int64_t key = 0;  // a security key's number
};
using Options = std::shared_ptr<FactorOptions>;

// The path of somebody's factors, or of those of whoever is logged in.
Result<std::string> own_factors(ApiClient& client, const std::string& name = {}) {
  if (!name.empty()) return path_of("users", name, "factors");
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

Result<json::value> status(ApiClient& client, const std::string& name) {
  const auto factors = own_factors(client, name);
  if (!factors) return factors.error();
  return client.get(*factors);
}

Result<json::value> list_keys(ApiClient& client, const std::string& name) {
  auto factors = status(client, name);
  if (!factors) return factors.error();
  return factors->at("security_keys");
}

Result<json::value> remove(ApiClient& client, const FactorOptions& options) {
  const auto factors = own_factors(client);
  if (!factors) return factors.error();
  return nothing(client.remove(options.key == 0
                                   ? *factors + "/totp"
                                   : *factors + path_of("security-keys", std::to_string(options.key))));
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
  const Options options = std::make_shared<FactorOptions>();
  add_api_command(
      *factor, line, "status", "Say which second factors somebody has",
      [options](ApiClient& client) { return status(client, options->name); }, [] { return print_status; })
      ->add_option("name", options->name, "Whose; your own when absent");
  add_api_command(
      *factor, line, "keys", "List the security keys of somebody",
      [options](ApiClient& client) { return list_keys(client, options->name); },
      [] {
        return print_rows({"NUMBER", "NAME", "REGISTERED", "LAST USED"},
                          {"id", "name", "created_at", "last_used_at"});
      })
      ->add_option("name", options->name, "Whose; your own when absent");
  add_api_command(
      *factor, line, "enroll", "Enrol an authenticator app", enroll, [] { return print_codes; }, lost_codes);
  add_api_command(
      *factor, line, "codes", "Make new recovery codes; the old ones are worth nothing", make_codes,
      [] { return print_codes; }, lost_codes);
  add_api_command(
      *factor, line, "delete", "Do without the authenticator app, or without a security key",
      [options](ApiClient& client) { return remove(client, *options); },
      [options] {
        return print_text(options->key == 0
                              ? std::string("the authenticator app is no second factor any more")
                              : fmt::format("security key {} is no second factor any more", options->key));
      })
      ->add_option("--key", options->key, "This security key, as \"factor keys\" numbers it")
      ->range(1, INT64_MAX)
      ->type_name("NUMBER");
  for (const char* example : {
           "factor status",
           "factor enroll",
           "factor codes",
           "factor delete",
       })
    app.example(example);
  app.example("factor keys");
}

}  // namespace bulkhead::cli
