// How many connections each network has, in three widths: an IPv4 address, its /24 and its /16; an IPv6 /64,
// its /48 and its /32. Where there are too many, the network that has most gives way to one that has fewer:
// to refuse whoever comes would be what a flood is for. Internal to http/. Thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace bulkhead::http {

// The widest first.
using Networks = std::array<std::string, 3>;
// An IPv4 address that is mapped into IPv6 is the IPv4 address.
Networks networks_around(std::string_view ip_address);

class Crowd {
 public:
  // `in_all` connections, and `of_one` of a network of the narrowest width.
  Crowd(std::size_t in_all, std::size_t of_one) : in_all_(in_all), of_one_(of_one) {}

  // One of these is to be closed.
  struct Fullest {
    std::size_t width = 0;
    std::string network;
  };
  struct Entry {
    bool entered = false;                 // then leave() follows
    std::optional<Fullest> fullest = {};  // what has to give way for it
  };
  Entry enter(const Networks& networks);
  void leave(const Networks& networks);

 private:
  struct Width {
    std::map<std::string, std::size_t> counts;
    std::set<std::pair<std::size_t, std::string>> by_count;
    void change(const std::string& network, bool more);
    std::size_t of(const std::string& network) const;
  };

  const std::size_t in_all_;
  const std::size_t of_one_;
  std::mutex mutex_;
  std::size_t all_ = 0;
  std::array<Width, 3> widths_;
};

}  // namespace bulkhead::http
