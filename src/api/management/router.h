// From a method and a path below /api/v1 to the operation. A path is split at its slashes first and each
// segment is percent-decoded once after that: a repository's name is one segment, its slashes written %2F, as
// OpenAPI asks of a parameter. Immutable; thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "api/management/operation.h"

namespace bulkhead::api::management {

class Router {
 public:
  explicit Router(std::vector<const Operation*> operations);

  struct Match {
    const Operation* operation;
    Call::PathValues values;
    // The operation that reads what this one changes; null when there is none.
    const Operation* reading;
  };
  struct WrongMethod {
    std::string allowed;  // as the Allow header has it
  };
  struct NoRoute {};
  // `path` is as sent, without the "/api/v1". HEAD is answered like GET.
  std::variant<Match, WrongMethod, NoRoute> match(http::Method method, std::string_view path) const;

  const std::vector<const Operation*>& operations() const { return operations_; }

 private:
  struct Template {
    std::vector<std::string_view> segments;  // "{name}" for a parameter
    std::vector<const Operation*> operations;
  };

  std::vector<const Operation*> operations_;
  std::vector<Template> templates_;  // literal segments before parameters
};

// "GET", as the document and the Allow header name it.
std::string_view method_name(http::Method method);

}  // namespace bulkhead::api::management
