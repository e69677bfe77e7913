#include "async/loops.h"

#include <pthread.h>

#include <atomic>
#include <memory>

#include "async/start_threads.h"

namespace bulkhead::async {

Loops::Loops(std::size_t threads) {
  for (std::size_t i = 0; i < threads; ++i) {
    contexts_.push_back(std::make_unique<boost::asio::io_context>(1));
    guards_.emplace_back(contexts_.back()->get_executor());
  }
}

Loops::~Loops() { stop(); }

void Loops::start() {
  const auto run = [this, next = std::make_shared<std::atomic<std::size_t>>(0)] {
    ::pthread_setname_np(::pthread_self(), "loop");
    contexts_.at((*next)++)->run();
  };
  start_threads(threads_, contexts_.size(), "loop", run, [this] {
    for (auto& context : contexts_) context->stop();
  });
}

void Loops::stop() {
  for (auto& context : contexts_) context->stop();
  threads_.clear();
}

}  // namespace bulkhead::async
