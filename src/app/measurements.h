// What the installation holds, for its metrics: measured every now and then beside the requests, since it
// takes questions to the database and a look at files. Thread-safe to read.
#pragma once

#include <atomic>
#include <cstdint>

#include "app/installation.h"

namespace bulkhead::app {

class Measurements {
 public:
  // Must outlive this.
  explicit Measurements(Installation& installation) : installation_(installation) {}

  // Measures anew. Blocks; what cannot be measured keeps the value that it had.
  void work();

  std::uint64_t stored_bytes() const { return stored_; }  // counted for the namespaces, staged ones too
  std::uint64_t staged_bytes() const { return staged_; }  // of blobs on their way in
  std::uint64_t repositories() const { return repositories_; }
  std::uint64_t accounts() const { return accounts_; }
  std::uint64_t database_bytes() const { return database_; }  // on SQLite with its write-ahead log
  std::uint64_t journal_bytes() const { return journal_; }

 private:
  void ask_database();

  Installation& installation_;
  std::atomic<std::uint64_t> stored_{0};
  std::atomic<std::uint64_t> staged_{0};
  std::atomic<std::uint64_t> repositories_{0};
  std::atomic<std::uint64_t> accounts_{0};
  std::atomic<std::uint64_t> database_{0};
  std::atomic<std::uint64_t> journal_{0};
};

}  // namespace bulkhead::app
