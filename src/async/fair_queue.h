// Work that waits and that strangers can ask for: who asks takes turns, so that nobody waits behind all that
// one asks for.
//
// Work has a place, a path from the widest group to the narrowest, as of a network within its provider's. At
// each step groups take turns, however much waits in each. Places are known or not, and of four turns, and of
// the room to wait in, three parts are for known ones. Where too much waits, the newest of the group that has
// most gives way: a flood makes its own room.
//
// Not synchronised.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace bulkhead::async {

struct Place {
  bool known = false;
  std::vector<std::string> groups;  // the widest first
};

// One of the two is called; neither may throw.
struct Waiting {
  std::function<void()> work;
  std::function<void()> dropped;
};

class FairQueue {
 public:
  explicit FairQueue(std::size_t limit) : limit_(limit) {}

  // False when too much waits already. `gave_way` is what was dropped to make room, if something was.
  bool add(const Place& place, Waiting job, Waiting& gave_way);
  // Something waits.
  Waiting next();
  std::size_t size() const { return known_.waiting + unknown_.waiting; }

 private:
  // A group and what waits in it. Either `below` or `jobs` is in use.
  struct Group {
    std::size_t waiting = 0;
    std::deque<Waiting> jobs;
    std::map<std::string, std::unique_ptr<Group>> below;  // in which something waits
    std::deque<const std::string*> turns;                 // of their names

    void add(const Place& place, std::size_t depth, Waiting job);
    Waiting next();
    Waiting drop();  // the newest of the fullest
    // Drops one of a group that has more than that of `place`, where there is one.
    bool make_room(const Place& place, std::size_t depth, Waiting& dropped);
  };

  // Whether there is room for `place` that somebody else gives up.
  bool make_room(const Place& place, Waiting& dropped);

  std::size_t limit_;
  Group known_;
  Group unknown_;
  std::size_t turn_ = 0;
};

}  // namespace bulkhead::async
