// The threads of a pool, all of them or none. Internal to async.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace bulkhead::async {

// Where the machine gives fewer than `count`, those that were started are ended with `stop`, which makes
// `run` return, and std::system_error says what to raise: those threads would be joined for ever otherwise.
void start_threads(std::vector<std::jthread>& threads, std::size_t count, const std::string& name,
                   const std::function<void()>& run, const std::function<void()>& stop);

}  // namespace bulkhead::async
