// The coroutine vocabulary of everything above: a Task is an Asio awaitable on one event loop's thread.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace bulkhead::async {

template <class T = void>
using Task = boost::asio::awaitable<T>;

// The completion token that yields (error_code, …) instead of throwing.
inline constexpr auto kTuple = boost::asio::as_tuple(boost::asio::use_awaitable);

}  // namespace bulkhead::async
