// Reads the arguments of one operator command from its JSON object: each is asked for by name and type, and
// what nobody asked for is an error.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "base/error.h"

namespace bulkhead::app {

class Arguments {
 public:
  explicit Arguments(const boost::json::object& object) : object_(object) { known_.insert("command"); }

  std::string text(std::string_view name);  // "" when absent
  bool has(std::string_view name);
  bool flag(std::string_view name);
  std::optional<std::int64_t> integer(std::string_view name);
  const boost::json::value* object(std::string_view name);  // null when absent

  // After all were asked for: Errc::invalid_argument naming an argument of the wrong type or an unknown one.
  Result<void> check() const;

 private:
  const boost::json::value* find(std::string_view name);

  const boost::json::object& object_;
  std::set<std::string, std::less<>> known_;
  std::string problem_;
};

}  // namespace bulkhead::app
