#include "cli/transfer_report.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/serialize.hpp>

#include "base/say.h"
#include "cli/terminal.h"

namespace bulkhead::cli {
namespace {

namespace json = boost::json;
using transfer::Failure;
using transfer::Outcome;

constexpr std::chrono::milliseconds kBetweenLines{200};

std::size_t columns() {
  ::winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

std::string counted(std::uint64_t count, std::string_view one) {
  return fmt::format("{} {}{}", count, one, count == 1 ? "" : "s");
}

json::object failure_json(const Failure& failure) {
  return {{"what", failure.what},
          {"code", json::string(name(failure.why.code))},
          {"message", failure.why.message}};
}

// What has been done for one, or all of them.
struct Sum {
  std::uint64_t copied = 0, there = 0, manifests = 0, blobs = 0, mounted = 0, bytes = 0, failed = 0;
  void add(const Outcome& outcome) {
    copied += outcome.copied;
    there += outcome.there;
    manifests += outcome.manifests;
    blobs += outcome.blobs;
    mounted += outcome.mounted;
    bytes += outcome.bytes;
    failed += outcome.failures.size();
  }
  void put(json::object& out) const {
    out["tags_copied"] = copied;
    out["tags_there"] = there;
    out["manifests_copied"] = manifests;
    out["blobs_copied"] = blobs;
    out["blobs_mounted"] = mounted;
    out["bytes"] = bytes;
  }
};

}  // namespace

TransferReport::TransferReport(std::size_t repositories, bool dry_run, bool quiet)
    : repositories_(repositories),
      dry_run_(dry_run),
      quiet_(quiet),
      terminal_(!quiet && ::isatty(STDERR_FILENO) == 1) {}

TransferReport::~TransferReport() { clear(); }

void TransferReport::bytes(std::uint64_t count) {
  bytes_ += count;
  draw(false);
}

void TransferReport::begins(const transfer::Item&, const std::string& what) {
  current_ = what;
  draw(false);
}

void TransferReport::ended(const Outcome& outcome) {
  ++ended_;
  if (quiet_) return;
  clear();
  const std::string from = outcome.item.from.render();
  const std::string to = outcome.item.to.render();
  // A thread of the copier's must not end by it: finish() tells.
  try {
    say("{}{}: {} {}, {} there already, {}{}\n", from, from == to ? "" : " -> " + to,
        counted(outcome.copied, "tag"), dry_run_ ? "to copy" : "copied", outcome.there,
        render_bytes(outcome.bytes),
        outcome.failures.empty() ? "" : ", " + counted(outcome.failures.size(), "failure"));
    flush_output();
  } catch (const OutputFailed&) {
    output_failed_ = std::current_exception();
  }
  draw(true);
}

void TransferReport::draw(bool now) {
  if (!terminal_) return;
  const auto time = Clock::now();
  if (!now && time - drawn_ < kBetweenLines) return;
  drawn_ = time;
  const double seconds = std::max(std::chrono::duration<double>(time - begun_).count(), 0.1);
  std::string line = fmt::format(
      "{}/{} repositories, {}, {}/s, {}", ended_, repositories_, render_bytes(bytes_),
      render_bytes(static_cast<std::uint64_t>(static_cast<double>(bytes_) / seconds)), shown(current_));
  // Over the last one, with spaces: a terminal that obeys nothing shows it as well.
  line.resize(columns() - 1, ' ');
  tell("\r{}", line);
  line_drawn_ = true;
}

void TransferReport::clear() {
  if (std::exchange(line_drawn_, false)) tell("\r{}\r", std::string(columns() - 1, ' '));
}

void TransferReport::add_steps(std::vector<SetupStep> steps) {
  for (SetupStep& step : steps) {
    if (!step.outcome)
      failures_.push_back({step.what, step.outcome.error()});
    else if (!quiet_)
      say("{}: {}\n", step.what, step.done);
    steps_.push_back(std::move(step));
  }
}

void TransferReport::add_failures(std::vector<Failure> failures) {
  for (Failure& each : failures) failures_.push_back(std::move(each));
}

void TransferReport::add(std::vector<Outcome> outcomes) {
  for (Outcome& each : outcomes) outcomes_.push_back(std::move(each));
}

json::object TransferReport::as_json() const {
  json::array repositories;
  json::array failures;
  Sum all;
  for (const Failure& each : failures_) failures.push_back(failure_json(each));
  for (const Outcome& outcome : outcomes_) {
    Sum one;
    one.add(outcome);
    all.add(outcome);
    json::object entry{{"from", outcome.item.from.render()}, {"to", outcome.item.to.render()}};
    one.put(entry);
    json::array own;
    for (const Failure& each : outcome.failures) own.push_back(failure_json(each));
    failures.insert(failures.end(), own.begin(), own.end());
    entry["failures"] = std::move(own);
    repositories.push_back(std::move(entry));
  }
  json::array setup;
  for (const SetupStep& step : steps_)
    if (step.outcome) setup.push_back(json::object{{"what", step.what}, {"done", step.done}});
  json::object out{{"dry_run", dry_run_}, {"setup", std::move(setup)}};
  all.put(out);
  out["seconds"] = std::chrono::duration<double>(Clock::now() - begun_).count();
  out["repositories"] = std::move(repositories);
  out["failures"] = std::move(failures);
  return out;
}

Result<void> TransferReport::finish() {
  clear();
  if (output_failed_) std::rethrow_exception(output_failed_);
  Sum all;
  for (const Outcome& outcome : outcomes_) all.add(outcome);
  all.failed += failures_.size();
  if (quiet_) {
    say_json(json::serialize(as_json()));
  } else {
    for (const Failure& each : failures_) tell("failed: {}: {}\n", each.what, each.why.message);
    for (const Outcome& outcome : outcomes_)
      for (const Failure& each : outcome.failures) tell("failed: {}: {}\n", each.what, each.why.message);
    const double seconds = std::max(std::chrono::duration<double>(Clock::now() - begun_).count(), 0.001);
    say("{}: {} {}, {} there already",
        fmt::format("{} {}", outcomes_.size(), outcomes_.size() == 1 ? "repository" : "repositories"),
        counted(all.copied, "tag"), dry_run_ ? "to copy" : "copied", all.there);
    if (!dry_run_)
      say("; {} copied, {} mounted, {} in {:.1f} s ({}/s)", counted(all.blobs, "blob"), all.mounted,
          render_bytes(all.bytes), seconds,
          render_bytes(static_cast<std::uint64_t>(static_cast<double>(all.bytes) / seconds)));
    say("\n");
  }
  flush_output();
  if (all.failed == 0) return {};
  return Error{Errc::unavailable,
               fmt::format("{} failed{}; what was copied stays: run the same command again for the rest",
                           all.failed, quiet_ ? "" : ", as said above")};
}

}  // namespace bulkhead::cli
