// The same for modules whose code runs on event loops. Whoever includes Asio has to be linked with it.
#pragma once

#include <precompiled.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>
