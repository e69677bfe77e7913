#include "async/loops.h"

#include <pthread.h>

namespace bulkhead::async {

Loops::Loops(std::size_t threads) {
  for (std::size_t i = 0; i < threads; ++i) {
    contexts_.push_back(std::make_unique<boost::asio::io_context>(1));
    guards_.emplace_back(contexts_.back()->get_executor());
  }
}

Loops::~Loops() { stop(); }

void Loops::start() {
  for (auto& context : contexts_)
    threads_.emplace_back([&context] {
      ::pthread_setname_np(::pthread_self(), "loop");
      context->run();
    });
}

void Loops::stop() {
  for (auto& context : contexts_) context->stop();
  threads_.clear();
}

}  // namespace bulkhead::async
