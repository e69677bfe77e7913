#include "db/postgres_target.h"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <memory>

namespace bulkhead::db {
namespace {

// libpq takes what stands before the first '@' and the first '/' for user and password. A password with such
// a character in it moves the boundary, and the rest of it would show up as a host, port or database name.
bool password_may_have_spilled(std::string_view url) {
  std::string_view rest = url.substr(url.find("://") + 3);
  const std::size_t credentials = rest.find_first_of("@/");
  if (credentials != std::string_view::npos && rest[credentials] == '@') rest.remove_prefix(credentials + 1);
  return rest.substr(0, rest.find('?')).find('@') != std::string_view::npos;
}

std::string hide(std::string message, std::string_view secret) {
  if (secret.empty()) return message;
  for (std::size_t at = message.find(secret); at != std::string::npos; at = message.find(secret, at + 3)) {
    message.replace(at, secret.size(), "***");
  }
  return message;
}

}  // namespace

Result<PostgresTarget> PostgresTarget::parse(std::string_view url) {
  constexpr const char* kUnusable =
      "the database URL cannot be used: it must be postgres://USER:PASSWORD@HOST:PORT/DATABASE, with special "
      "characters in the password percent-encoded ('@' as %40, '/' as %2F)";
  if (password_may_have_spilled(url)) return Error{Errc::invalid_argument, kUnusable};

  PostgresTarget target;
  target.url_ = Secret<std::string>(std::string(url));
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(
      PQconninfoParse(target.url().c_str(), nullptr), PQconninfoFree);
  if (!options) return Error{Errc::invalid_argument, kUnusable};

  std::string host = "the local socket";
  std::string port;
  std::string database = "of the user's name";
  for (const PQconninfoOption* option = options.get(); option->keyword; ++option) {
    if (!option->val || !*option->val) continue;
    const std::string_view keyword = option->keyword;
    if (keyword == "password") target.password_ = Secret<std::string>(option->val);
    if (keyword == "sslpassword") target.key_password_ = Secret<std::string>(option->val);
    if (keyword == "host") host = option->val;
    if (keyword == "port") port = fmt::format(":{}", option->val);
    if (keyword == "dbname") database = option->val;
  }
  target.place_ = fmt::format("PostgreSQL database {} at {}{}", database, host, port);
  return target;
}

std::string PostgresTarget::redact(std::string_view message) const {
  std::string text = hide(hide(std::string(message), password_.reveal()), key_password_.reveal());
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  for (char& c : text) {
    if (c == '\n' || c == '\t') c = ' ';
  }
  return text;
}

}  // namespace bulkhead::db
