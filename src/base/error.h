// What can go wrong, in terms that know nothing of HTTP or the command line.
//
// An Error is a value: a code that programs act on and one sentence that people read. The sentence names what
// was wrong, with what value, and what to do; it never holds a secret. api/ maps codes to HTTP in one table.
#pragma once

#include <boost/system/result.hpp>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>

namespace bulkhead {

enum class Errc {
  // The request itself is wrong.
  invalid_argument,
  name_invalid,
  tag_invalid,
  digest_invalid,      // malformed, missing, or the content does not match it
  digest_unsupported,  // an algorithm that is not sha256 or sha512
  manifest_invalid,
  size_invalid,
  range_invalid,  // not satisfiable, or out of order
  unsupported,
  interrupted,  // the sender went away in the middle of it

  // What it refers to is not there, or not for this caller.
  name_unknown,
  blob_unknown,
  manifest_unknown,
  manifest_blob_unknown,
  upload_unknown,
  not_found,

  // The caller may not.
  unauthenticated,
  denied,
  quota_exceeded,
  rate_limited,

  // The state does not allow it.
  conflict,
  precondition_failed,  // it is not as the caller has made the request depend on
  immutable,            // a protected tag would move
  upload_busy,          // another request is writing to the same session
  too_large,
  uri_too_long,

  // The installation cannot do it now.
  no_space,
  unavailable,
  timeout,
  corrupt,  // stored bytes are not what they were
  internal,
};

// The code's name as logs and `--json` output show it, such as "name_invalid".
std::string_view name(Errc code);

struct Error {
  // Constructors because GCC 12 destroys aggregate temporaries in co_return expressions twice.
  Error() = default;
  Error(Errc what, std::string sentence, std::chrono::seconds wait = {})
      : code(what), message(std::move(sentence)), retry_after(wait) {}

  Errc code = Errc::internal;
  std::string message;
  // Of rate_limited and unavailable: after how long it will be otherwise. Zero where nobody knows.
  std::chrono::seconds retry_after{};
  // The sentence is about the inside of the machine (a host, a file, another program's words): for whoever
  // runs it and for the log, and not for who asked through the network.
  bool inside = false;

  friend bool operator==(const Error&, const Error&) = default;
};

inline Error inner_error(Errc what, std::string sentence) {
  Error error(what, std::move(sentence));
  error.inside = true;
  return error;
}

// Calling value() on a failed Result is a bug in the caller; it ends the request through this exception.
[[noreturn]] void throw_exception_from_error(const Error& error, const boost::source_location& where);

// A value or an Error. Ignoring one is a compile error.
template <class T = void>
class [[nodiscard]] Result : public boost::system::result<T, Error> {
 public:
  using boost::system::result<T, Error>::result;
};

}  // namespace bulkhead
