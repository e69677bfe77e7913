#include "async/start_threads.h"

#include <fmt/format.h>

#include <system_error>

namespace bulkhead::async {

void start_threads(std::vector<std::jthread>& threads, std::size_t count, const std::string& name,
                   const std::function<void()>& run, const std::function<void()>& stop) {
  try {
    while (threads.size() < count) threads.emplace_back(run);
  } catch (const std::system_error& error) {
    const std::size_t started = threads.size();
    stop();
    threads.clear();
    throw std::system_error(
        error.code(),
        fmt::format(
            "the machine gives this process no more threads ({} of {} for \"{}\" were started): raise "
            "the limit of its unit (TasksMax), container (pids limit) or user (ulimit -u), or that of "
            "its memory, or lower offload.threads and outbound.waits",
            started, count, name));
  }
}

}  // namespace bulkhead::async
