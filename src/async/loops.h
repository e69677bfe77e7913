// The event loops: one io_context per thread, so that a connection lives on one thread for all its life and
// needs no locks.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <memory>
#include <thread>
#include <vector>

namespace bulkhead::async {

class Loops {
 public:
  explicit Loops(std::size_t threads);
  // Stops, and destroys the coroutines that have not ended.
  ~Loops();

  std::size_t size() const { return contexts_.size(); }
  boost::asio::io_context& at(std::size_t index) { return *contexts_[index]; }

  void start();
  // Ends the loops and joins their threads; handlers that have not run never will. Not on a loop.
  void stop();

 private:
  std::vector<std::unique_ptr<boost::asio::io_context>> contexts_;
  std::vector<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> guards_;
  std::vector<std::jthread> threads_;
};

}  // namespace bulkhead::async
