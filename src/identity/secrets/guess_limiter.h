// Guesses at what only its owner knows, a password or a code, counted so that it is the guesser who is
// stopped and not the owner.
//
// Each guess has a source: the network that it comes from, or a live session that proves itself anew. A
// subject (an account) is closed
//
//   - for a source with `per_source` failures within `window`;
//   - for the networks in which it was never seen, when they have together failed `in_all` times within
//     `window_in_all`. A network counts as one where it was seen for `known_for` after a right guess there,
//     the last `known_networks` of them; each of those has a count of `in_all` of its own;
//   - for one IPv6 /48 that is none of those with a quarter of that, and for a /32 with half: whoever has a
//     network of 65,536 others in it is still one somebody;
//   - for a network with `per_network` failures at whatever subjects within `window`, but for subjects that
//     were seen there.
//
// So what strangers do closes no network that the owner uses, and never a session. What somebody can still
// try who has every network of the world, with the defaults of log-in with a password (login.h): 200 in an
// hour, 4,800 a day, at one account, and as many from within each of the eight networks that know it. A list
// of the million commonest passwords takes them 208 days (the first of it are refused when a password is
// set), half of all passwords of eight random small letters 59,000 years. From one network it is 100 in five
// minutes at all accounts together, and ten at each. A session has ten in five minutes, and lives for hours.
//
// A guess under way counts like a failure until it has an outcome. A right one clears the count of its
// source, and no other: whoever shares nothing with the owner must not profit from the owner's log-ins.
//
// Counts are in memory, for `remembered` keys each; those touched longest ago go first. To push one subject's
// count out, a hundred thousand others have to be guessed at. Not synchronised.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "identity/secrets/attempts.h"

namespace bulkhead::identity {

struct GuessLimits {
  std::uint32_t per_source = 10;
  std::chrono::seconds window{300};
  std::uint32_t in_all = 200;  // 0: not limited
  std::chrono::seconds window_in_all{3600};
  std::uint32_t per_network = 100;  // 0: not limited
  std::size_t known_networks = 8;
  std::chrono::seconds known_for{30 * 24 * 3600};
  std::size_t remembered = 100'000;
};

// Where a guess comes from.
struct GuessSource {
  std::string network;       // network_of()
  std::int64_t session = 0;  // a live session of the subject's own; then the network does not matter
};

class GuessLimiter {
 public:
  explicit GuessLimiter(const GuessLimits& limits);

  // For how long the source is refused, when it is.
  std::optional<std::chrono::seconds> refused_for(std::string_view subject, const GuessSource& source,
                                                  Time now) const;
  // Whether one more could begin, were all those under way to fail.
  bool has_room(std::string_view subject, const GuessSource& source, Time now) const;

  // Whether the network is one where the subject was seen.
  bool knows(std::string_view subject, std::string_view network, Time now) const;

  // A guess under way; what becomes of it is said once.
  struct Guess {
    std::string by_source;  // the keys that it is counted under, "" for none
    std::string by_subject;
    std::string by_network;
    std::vector<std::string> by_wider;  // from the widest, as many as the network lies within
  };
  Guess begin(std::string_view subject, const GuessSource& source, Time now);
  void fail(const Guess& guess, Time now);
  void abandon(const Guess& guess);  // it could not be decided
  // Right: clears the source's count, and makes its network one where the subject was seen.
  // True where that is to be kept beyond the process, once a day.
  bool succeed(const Guess& guess, std::string_view subject, const GuessSource& source, Time now);
  // An earlier process saw the subject there. The oldest first.
  void note(std::string_view subject, const std::string& network, Time at);

  // Clears the counts of the subjects that are meant, and with `networks_too` where they were seen. Looks at
  // all that is remembered.
  void forget(const std::function<bool(std::string_view subject)>& meant, bool networks_too);

 private:
  struct Seen {
    std::string network;
    Time at{};
    Time kept{};  // when succeed() last said so
  };
  struct Subject {
    std::string name;
    std::vector<Seen> networks;  // newest first
  };
  using Subjects = std::list<Subject>;  // touched last at the front

  Guess keys(std::string_view subject, const GuessSource& source, Time now) const;
  void let_go(const Guess& guess);
  // What was known of it before, if anything.
  Seen& remember(std::string_view subject, const std::string& network, Time now);

  GuessLimits limits_;
  Attempts by_source_;
  Attempts by_subject_;
  Attempts by_network_;
  std::array<Attempts, 2> by_wider_;  // of a subject in a /32, and in a /48
  Subjects subjects_;
  std::map<std::string_view, Subjects::iterator> by_name_;  // views into the subjects' own names
};

}  // namespace bulkhead::identity
