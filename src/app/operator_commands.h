// The operator's commands as data: a JSON object in, a JSON value out. They run in the server, sent through
// its local socket, or in the command-line process on a stopped data directory; the code is this one either
// way.
#pragma once

#include <boost/json/fwd.hpp>
#include <string>

#include "app/installation.h"
#include "base/error.h"

namespace bulkhead::app {

// `command` has "command" (such as "user.create") and that command's arguments; unknown ones are an error.
// Blocking; thread-safe. `user` is the operating system's name for who asked.
Result<boost::json::value> execute(Installation& installation, const boost::json::object& command,
                                   const std::string& user);

// {"ok": …} or {"error": {"code": …, "message": …}}, and back.
std::string render_outcome(const Result<boost::json::value>& outcome);
Result<boost::json::value> parse_outcome(std::string_view text);

}  // namespace bulkhead::app
