// An attempt takes a place in two counts, its account's and its network's, before anything is read or hashed,
// and gives it back with its outcome. A place counts like a failure as long as it is held: when failures and
// places together reach the limit, the next attempt waits for an outcome rather than being refused, so that
// twenty builds that log in at the same moment with the right password all succeed while a thousand guesses
// made at once get no further than ten.

#include "identity/login/login.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

#include "identity/secrets/attempts.h"
#include "identity/secrets/network.h"

namespace bulkhead::identity {
namespace {

// Why a log-in was refused: kept for the operator's evidence, the caller learns none of it.
namespace why {
constexpr std::string_view kUnknown = "unknown_account";
constexpr std::string_view kPassword = "wrong_password";
constexpr std::string_view kChanged = "changed_meanwhile";
constexpr std::string_view kLimited = "rate_limited";
}  // namespace why

struct Outcome {
  std::optional<Accounts::Credentials> credentials;  // of a success
  std::string_view why_not;
};

// The name as it is counted and journaled. Whatever cannot be a name counts as one and is not written down:
// it may be a password that was typed into the wrong field.
std::string countable(std::string_view name) {
  return is_account_name(name) ? std::string(name) : std::string();
}

// The name that an attempt is made under is journaled as it is counted.
audit::Origin countable(audit::Origin origin) {
  if (!origin.account.empty()) origin.account = countable(origin.account);
  return origin;
}

Error limited(std::chrono::seconds wait) {
  return {Errc::rate_limited, fmt::format("too many failed log-ins; try again in {} seconds", wait.count())};
}

}  // namespace

struct LogIn::State {
  // Who is counted, under which keys.
  struct Caller {
    std::string account;
    std::string network;
  };

  Accounts& accounts;
  const crypto::PasswordHasher& hasher;
  audit::Journal& journal;
  const Clock& clock;
  Attempts by_account;
  Attempts by_network;
  std::mutex mutex;               // guards the counts
  std::condition_variable ended;  // an attempt gave its place back

  State(Accounts& a, const crypto::PasswordHasher& h, audit::Journal& j, const Clock& c,
        const LoginLimits& limits)
      : accounts(a),
        hasher(h),
        journal(j),
        clock(c),
        by_account(limits.attempts_per_account, limits.window, limits.remembered),
        by_network(limits.attempts_per_network, limits.window, limits.remembered) {}

  std::optional<std::chrono::seconds> refused_for(const Caller& caller) const {
    const Time now = clock.now();
    return std::max(by_account.refused_for(caller.account, now), by_network.refused_for(caller.network, now));
  }

  Result<void> take_place(const Caller& caller);
  Result<Outcome> check(std::string_view name, const Secret<>& password) const;
  Result<Account> attempt(const Caller& caller, std::string_view target, audit::Origin tried,
                          const Judge& judge);
  void record(audit::Action action, std::string_view target, std::string_view detail,
              const audit::Origin& origin);
};

namespace {

// A place that was taken; given back as undecided unless it is settled, also when an exception passes.
template <class State>
class Place {
 public:
  Place(State& state, const typename State::Caller& caller) : state_(state), caller_(caller) {}
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() {
    if (!settled_)
      settle([&] { state_.by_account.abandon(caller_.account); },
             [&] { state_.by_network.abandon(caller_.network); });
  }

  void succeeded() {
    settle([&] { state_.by_account.succeed(caller_.account); },
           [&] { state_.by_network.abandon(caller_.network); });
  }

  void failed() {
    const Time now = state_.clock.now();
    settle([&] { state_.by_account.fail(caller_.account, now); },
           [&] { state_.by_network.fail(caller_.network, now); });
  }

 private:
  template <class F, class G>
  void settle(const F& account, const G& network) {
    {
      const std::lock_guard lock(state_.mutex);
      account();
      network();
    }
    settled_ = true;
    state_.ended.notify_all();
  }

  State& state_;
  const typename State::Caller& caller_;
  bool settled_ = false;
};

}  // namespace

Result<void> LogIn::State::take_place(const Caller& caller) {
  std::unique_lock lock(mutex);
  for (;;) {
    if (const auto wait = refused_for(caller)) return limited(*wait);
    const Time now = clock.now();
    if (by_account.has_room(caller.account, now) && by_network.has_room(caller.network, now)) {
      by_account.begin(caller.account, now);
      by_network.begin(caller.network, now);
      return {};
    }
    ended.wait(lock);
  }
}

// Every way through this spends one password hash, so that the time says nothing of which it was.
Result<Outcome> LogIn::State::check(std::string_view name, const Secret<>& password) const {
  auto credentials = accounts.credentials(name);
  if (!credentials) {
    if (credentials.error().code != Errc::not_found) return credentials.error();
    hasher.spend(password);
    return Outcome{std::nullopt, why::kUnknown};
  }
  if (!hasher.verify(password, credentials->password_hash)) return Outcome{std::nullopt, why::kPassword};
  if (!credentials->account.active())
    return Outcome{std::nullopt, identity::name(credentials->account.state)};
  // The account may have been disabled, or its password changed, while the hash was computed.
  const auto current = accounts.find(credentials->account.id);
  if (!current) return current.error();
  if (!current->active() || current->credential_version != credentials->account.credential_version)
    return Outcome{std::nullopt, why::kChanged};
  return Outcome{*std::move(credentials), {}};
}

void LogIn::State::record(audit::Action action, std::string_view target, std::string_view detail,
                          const audit::Origin& origin) {
  journal.append({.at = clock.now(),
                  .action = action,
                  .origin = origin,
                  .repository = {},
                  .target = std::string(target),
                  .old_digest = {},
                  .new_digest = {},
                  .detail = std::string(detail)});
}

LogIn::LogIn(Accounts& accounts, const crypto::PasswordHasher& hasher, audit::Journal& journal,
             const Clock& clock, LoginLimits limits)
    : state_(new State(accounts, hasher, journal, clock, limits)) {}

LogIn::~LogIn() = default;

Result<void> LogIn::admit(std::string_view name, std::string_view address) const {
  const State::Caller caller{countable(name), network_of(address)};
  const std::lock_guard lock(state_->mutex);
  if (const auto wait = state_->refused_for(caller)) return limited(*wait);
  return {};
}

Result<void> LogIn::admit_network(std::string_view name, const audit::Origin& origin) {
  const std::string network = network_of(origin.address);
  const auto wait = [&] {
    const std::lock_guard lock(state_->mutex);
    return state_->by_network.refused_for(network, state_->clock.now());
  }();
  if (!wait) return {};
  state_->record(audit::Action::login_failed, countable(name), why::kLimited, countable(origin));
  return limited(*wait);
}

void LogIn::failed(std::string_view name, std::string_view why, const audit::Origin& origin) {
  const State::Caller caller{countable(name), network_of(origin.address)};
  {
    const Time now = state_->clock.now();
    const std::lock_guard lock(state_->mutex);
    state_->by_account.begin(caller.account, now);
    state_->by_account.fail(caller.account, now);
    state_->by_network.begin(caller.network, now);
    state_->by_network.fail(caller.network, now);
  }
  state_->record(audit::Action::login_failed, caller.account, why, countable(origin));
}

void LogIn::refused(std::string_view address) {
  const std::string network = network_of(address);
  const Time now = state_->clock.now();
  const std::lock_guard lock(state_->mutex);
  state_->by_network.begin(network, now);
  state_->by_network.fail(network, now);
}

void LogIn::succeeded(std::string_view account, const audit::Origin& origin) {
  audit::Origin named = origin;
  named.account = account;
  state_->record(audit::Action::login_succeeded, account, "", named);
}

Result<Account> LogIn::State::attempt(const Caller& caller, std::string_view target, audit::Origin tried,
                                      const Judge& judge) {
  if (const auto admitted = take_place(caller); !admitted) {
    record(audit::Action::login_failed, target, why::kLimited, tried);
    return admitted.error();
  }
  Place place(*this, caller);
  auto judgement = judge();
  if (!judgement) return judgement.error();
  if (judgement->veto && judgement->veto->answer) {
    record(audit::Action::login_failed, target, judgement->veto->why, tried);
    return *judgement->veto->answer;
  }
  if (judgement->veto) {
    place.failed();
    record(audit::Action::login_failed, target, judgement->veto->why, tried);
    return Error{Errc::unauthenticated, "the user name or the password is wrong"};
  }
  place.succeeded();
  tried.account = judgement->account.name;
  record(audit::Action::login_succeeded, judgement->account.name, "", tried);
  return std::move(judgement->account);
}

Result<Account> LogIn::verify(std::string_view name, const Secret<>& password, const audit::Origin& origin,
                              const Condition& condition) {
  const std::string counted = countable(name);
  return state_->attempt(
      {counted, network_of(origin.address)}, counted, countable(origin), [&]() -> Result<Judgement> {
        const auto outcome = state_->check(name, password);
        if (!outcome) return outcome.error();
        if (!outcome->credentials) return Judgement{{}, Veto{outcome->why_not, std::nullopt}};
        const auto& [account, stored] = *outcome->credentials;
        if (condition) {
          auto veto = condition(account);
          if (!veto) return veto.error();
          if (*veto) return Judgement{{}, *std::move(veto)};
        }
        // A log-in with the right password stands even when the better hash cannot be stored now; the next
        // one tries again.
        if (state_->hasher.outdated(stored))
          static_cast<void>(state_->accounts.upgrade_hash(account.id, stored, state_->hasher.hash(password)));
        return Judgement{account, std::nullopt};
      });
}

Result<Account> LogIn::verify_elsewhere(std::string_view where, std::string_view name,
                                        const audit::Origin& origin, const Judge& judge) {
  std::string spelled(name);
  std::ranges::transform(spelled, spelled.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return state_->attempt({fmt::format("{}/{}", where, spelled), network_of(origin.address)},
                         countable(spelled), countable(origin), judge);
}

}  // namespace bulkhead::identity
