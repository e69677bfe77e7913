// token leaked: a report of credentials that others have seen.
#include <cstdio>

#include "cli/api_cli.h"

namespace bulkhead::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t kReportBytes = 60'000;  // what one report takes

Result<json::value> report(ApiClient& client) {
  std::string text(kReportBytes + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), stdin));
  const Secret<> given(std::move(text));
  if (given.empty())
    return Error{Errc::invalid_argument, "give the text that they stand in on standard input"};
  if (given.reveal().size() > kReportBytes)
    return Error{Errc::too_large, "the text is longer than 60,000 bytes; report it in parts"};
  auto done = client.create("/credentials/leaked", {{"text", given.reveal()}});
  if (!done) return done.error();
  return json::value(json::object{});
}

}  // namespace

void add_leak_command(Command& token, CommandLine& line) {
  add_api_command(
      token, line, "leaked",
      "Take tokens out of use that others have seen; a text with them is read from standard input", report,
      [] { return print_text("whatever of this installation's was in the text is of no use any more"); });
  token.example("token leaked");
}

}  // namespace bulkhead::cli
