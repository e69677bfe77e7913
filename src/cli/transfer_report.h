// What import and export tell: how far they are on a terminal, a line for each repository, what failed, and a
// report at the end.
#pragma once

#include <boost/json/value.hpp>
#include <chrono>
#include <exception>
#include <string>
#include <vector>

#include "base/error.h"
#include "cli/import_setup.h"
#include "transfer/copier.h"

namespace bulkhead::cli {

class TransferReport final : public transfer::Observer {
 public:
  // `quiet`: nothing before the report, which is JSON.
  TransferReport(std::size_t repositories, bool dry_run, bool quiet);
  ~TransferReport() override;

  void bytes(std::uint64_t count) override;
  void begins(const transfer::Item& item, const std::string& what) override;
  void ended(const transfer::Outcome& outcome) override;

  // What was made before anything was copied, a line for each.
  void add_steps(std::vector<SetupStep> steps);
  // What could not even be begun, such as a name that no repository can have.
  void add_failures(std::vector<transfer::Failure> failures);
  void add(std::vector<transfer::Outcome> outcomes);
  // Prints the report. An Error where anything failed.
  Result<void> finish();

 private:
  using Clock = std::chrono::steady_clock;
  void draw(bool now);
  void clear();
  boost::json::object as_json() const;

  const std::size_t repositories_;
  const bool dry_run_;
  const bool quiet_;
  const bool terminal_;  // standard error is one
  const Clock::time_point begun_ = Clock::now();
  Clock::time_point drawn_{};
  bool line_drawn_ = false;
  std::uint64_t bytes_ = 0;
  std::size_t ended_ = 0;
  std::string current_;
  std::vector<transfer::Outcome> outcomes_;
  std::vector<transfer::Failure> failures_;
  std::vector<SetupStep> steps_;
  std::exception_ptr output_failed_;
};

}  // namespace bulkhead::cli
