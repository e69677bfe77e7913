// Evidence for the operator: pages of events as JSON.
#pragma once

#include <boost/json/fwd.hpp>

#include "app/arguments.h"
#include "app/installation.h"
#include "base/error.h"

namespace bulkhead::app {

// The newest `limit` events that match the filter arguments (account, repository, or a namespace with its
// slash, digest or its beginning, address, request, action, since, until), oldest first: {"events": […],
// "cursor": "…"}, and "damage" saying where the journal cannot be read.
Result<boost::json::value> newest_events(Installation& installation, Arguments& arguments);
// The next `limit` after `cursor` ("" for the beginning), in the same form.
Result<boost::json::value> events_after(Installation& installation, Arguments& arguments);

// "2026-01-31", "2026-01-31T08:15:00+01:00", "today", "yesterday", or an age such as "90s", "30m", "24h",
// "7d" before `now`. Without a zone it is UTC.
Result<Time> parse_moment(std::string_view text, Time now);

}  // namespace bulkhead::app
