// Which PostgreSQL server and database a URL names, without letting its password out. Internal to db.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/secret.h"

namespace bulkhead::db {

// Move-only, as it holds the password.
class PostgresTarget {
 public:
  // libpq's URL. Errc::invalid_argument when libpq does not understand it, or when a password that was not
  // percent-encoded seems to have spilled into another part of it; the message quotes nothing of the URL.
  static Result<PostgresTarget> parse(std::string_view url);

  const std::string& url() const { return url_.reveal(); }
  // For errors: "PostgreSQL database d at host:port".
  const std::string& place() const { return place_; }
  // The password for each new connection, in place of the URL's.
  using Password = std::function<Result<Secret<>>()>;
  void ask_for_password(Password password) { ask_ = std::move(password); }
  // Null where the URL says what there is to say.
  const Password& password() const { return ask_; }
  // The server's or libpq's message as one line, without the passwords should they be in it.
  std::string redact(std::string_view message) const;

 private:
  PostgresTarget() = default;

  Secret<std::string> url_;
  Secret<std::string> password_;
  Secret<std::string> key_password_;
  std::string place_;
  Password ask_;
};

}  // namespace bulkhead::db
