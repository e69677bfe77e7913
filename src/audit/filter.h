// What a query looks for.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "audit/event.h"
#include "audit/index.h"

namespace bulkhead::audit {

// Empty fields match everything. `digest` matches the old or the new digest, or a digest target; with
// `digest_begins`, those that begin with it.
struct Filter {
  std::string account;
  std::string repository;
  std::string repository_begins;  // "acme/": everything in the namespace
  std::string digest;
  bool digest_begins = false;
  std::string address;
  std::string request_id;
  std::optional<Action> action;
  std::optional<Time> since;  // inclusive
  std::optional<Time> until;  // exclusive
};

bool matches(const Filter& filter, const EventView& event);

// Decides by a summary whether records need reading at all. Immutable.
class FrameTest {
 public:
  explicit FrameTest(const Filter& filter);
  bool may_match(const Summary& summary) const;

 private:
  struct Wanted {
    IndexedField field;
    std::uint64_t hash;
  };
  std::vector<Wanted> wanted_;
  std::optional<Action> action_;
  std::optional<Time> since_;
  std::optional<Time> until_;
};

}  // namespace bulkhead::audit
