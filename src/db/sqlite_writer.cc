#include "db/sqlite_writer.h"

#include <algorithm>

namespace bulkhead::db {

SqliteWriter::SqliteWriter(std::unique_ptr<SqliteConnection> connection, const SqliteWriterLimits& limits)
    : connection_(std::move(connection)), limits_(limits), thread_([this] { loop(); }) {}

SqliteWriter::~SqliteWriter() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    arrived_.notify_one();
  }
  thread_.join();
}

Result<void> SqliteWriter::write(const Database::Work& work) {
  const auto deadline = std::chrono::steady_clock::now() + limits_.wait;
  Request request(work);
  {
    std::unique_lock lock(mutex_);
    if (!place_.wait_until(lock, deadline, [&] { return queue_.size() < limits_.queue; })) {
      return Error{Errc::unavailable, "too many writes are waiting for the database; try again"};
    }
    queue_.push_back(&request);
    arrived_.notify_one();
    if (!request.finished.wait_until(lock, deadline, [&] { return request.stage != Stage::queued; })) {
      std::erase(queue_, &request);
      place_.notify_one();
      return Error{Errc::unavailable, "the database did not get to a write within the time limit; try again"};
    }
    request.finished.wait(lock, [&] { return request.stage == Stage::finished; });
  }
  return request.outcome.deliver();
}

void SqliteWriter::loop() {
  for (Group group = take(); !group.empty(); group = take()) {
    while (!group.empty()) group = attempt(group);
  }
}

// Waits for work; empty when it is time to stop.
SqliteWriter::Group SqliteWriter::take() {
  std::unique_lock lock(mutex_);
  arrived_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
  const auto count = static_cast<std::ptrdiff_t>(std::min(queue_.size(), limits_.group));
  Group group(queue_.begin(), queue_.begin() + count);
  queue_.erase(queue_.begin(), queue_.begin() + count);
  for (Request* request : group) request->stage = Stage::running;
  place_.notify_all();
  return group;
}

// One transaction. Returns the works that have to run again because an error of another made SQLite roll back
// all of it; the group shrinks every time, as that other has got its answer.
SqliteWriter::Group SqliteWriter::attempt(const Group& group) {
  if (Result<void> begun = statement("BEGIN IMMEDIATE"); !begun) {
    finish_with(group, begun.error());
    return {};
  }
  Group succeeded;
  for (auto next = group.begin(); next != group.end(); ++next) {
    Request& request = **next;
    run(request);
    if (request.outcome.succeeded()) {
      succeeded.push_back(&request);
    } else {
      finish({&request});
    }
    if (!connection_->in_transaction()) {
      succeeded.insert(succeeded.end(), next + 1, group.end());
      return succeeded;
    }
  }
  Result<void> committed = statement(succeeded.empty() ? "ROLLBACK" : "COMMIT");
  if (committed) {
    finish(succeeded);
  } else {
    if (connection_->in_transaction()) static_cast<void>(statement("ROLLBACK"));
    finish_with(succeeded, committed.error());
  }
  return {};
}

// Leaves the transaction with the work's changes if it succeeded, and without them if not.
void SqliteWriter::run(Request& request) {
  if (Result<void> saved = statement("SAVEPOINT work"); !saved) {
    request.outcome = {saved.error(), nullptr};
    return;
  }
  request.outcome = Transaction(*connection_).perform(request.work);
  if (!connection_->in_transaction()) {
    if (request.outcome.succeeded()) {
      request.outcome.result = Error{Errc::internal, "a work ended the transaction it was given"};
    }
    return;
  }
  // COMMIT would refuse the whole group for it.
  if (request.outcome.succeeded() && connection_->has_dangling_references()) {
    request.outcome.result = Error{Errc::conflict, "FOREIGN KEY constraint failed"};
  }
  if (!request.outcome.succeeded()) {
    // Should this fail too, nothing of the transaction may be committed.
    if (!statement("ROLLBACK TO work")) static_cast<void>(statement("ROLLBACK"));
  }
  if (connection_->in_transaction()) static_cast<void>(statement("RELEASE work"));
}

Result<void> SqliteWriter::statement(std::string_view sql) {
  Result<Outcome> outcome = connection_->run(sql, {});
  if (!outcome) return outcome.error();
  return {};
}

// Notifies under the lock: the request is gone as soon as its caller sees the stage.
void SqliteWriter::finish(const Group& group) {
  const std::lock_guard lock(mutex_);
  for (Request* request : group) {
    request->stage = Stage::finished;
    request->finished.notify_one();
  }
}

void SqliteWriter::finish_with(const Group& group, const Error& error) {
  for (Request* request : group) request->outcome = {error, nullptr};
  finish(group);
}

}  // namespace bulkhead::db
