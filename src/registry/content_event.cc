#include "registry/content_event.h"

#include <utility>

namespace bulkhead::registry {

audit::Event content_event(audit::Action action, const access::Repository& repository, std::string target,
                           const Context& context, Time now) {
  audit::Event event;
  event.at = now;
  event.action = action;
  event.origin = context.origin;
  event.repository = repository.name.render();
  event.target = std::move(target);
  return event;
}

}  // namespace bulkhead::registry
