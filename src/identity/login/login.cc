// An attempt takes a place in the counts of guess_limiter.h before anything is read or hashed, and gives it
// back with its outcome. A place counts like a failure as long as it is held: when failures and places
// together reach a limit, the next attempt waits for an outcome rather than being refused, so that twenty
// builds that log in at the same moment with the right password all succeed while a thousand guesses made at
// once get no further than ten.

#include "identity/login/login.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

#include "base/log.h"
#include "base/subscriber_network.h"
#include "identity/login/known_networks.h"
#include "identity/login/verified_passwords.h"
#include "identity/secrets/attempts.h"
#include "identity/secrets/token_format.h"

namespace bulkhead::identity {
namespace {

// Why a log-in was refused: kept for the operator's evidence, the caller learns none of it.
namespace why {
constexpr std::string_view kUnknown = "unknown_account";
constexpr std::string_view kNoPassword = "no_password";
constexpr std::string_view kPassword = "wrong_password";
constexpr std::string_view kChanged = "changed_meanwhile";
constexpr std::string_view kToken = "token_as_password";
constexpr std::string_view kLimited = "rate_limited";
constexpr std::string_view kUndecided = "not_decided";
}  // namespace why

// How long an attempt waits for the outcome of others.
constexpr std::chrono::seconds kLongestWait{10};

struct Outcome {
  std::optional<Accounts::Credentials> credentials;  // of a success
  std::string_view why_not;
};

// The name as it is counted and journaled. Whatever cannot be a name counts as one and is not written down:
// it may be a password that was typed into the wrong field.
std::string countable(std::string_view name) {
  return is_account_name(name) ? std::string(name) : std::string();
}

std::string lower(std::string_view name) {
  std::string spelled(name);
  std::ranges::transform(spelled, spelled.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return spelled;
}

// As whom somebody is counted whose password somebody else checks.
std::string elsewhere(std::string_view where, std::string_view name) {
  return fmt::format("{}/{}", where, lower(name));
}

// The name that an attempt is made under is journaled as it is counted.
audit::Origin countable(audit::Origin origin) {
  if (!origin.account.empty()) origin.account = countable(origin.account);
  return origin;
}

Error limited(std::chrono::seconds wait) {
  return {Errc::rate_limited, fmt::format("too many failed log-ins; try again in {} seconds", wait.count()),
          wait};
}

}  // namespace

struct LogIn::State {
  // Who is counted, under which keys.
  struct Caller {
    std::string subject;
    GuessSource source;
  };

  Accounts& accounts;
  const crypto::PasswordHasher& hasher;
  audit::Journal& journal;
  const Clock& clock;
  const GuessLimits limits;
  std::optional<KnownNetworks> networks;
  VerifiedPasswords verified;
  GuessLimiter guesses;
  Attempts by_network;            // of what nobody guesses
  std::mutex mutex;               // guards both
  std::condition_variable ended;  // an attempt gave its place back

  State(Accounts& a, const crypto::PasswordHasher& h, audit::Journal& j, const Clock& c, const LoginLimits& l)
      : accounts(a),
        hasher(h),
        journal(j),
        clock(c),
        limits(l.passwords),
        verified(c, l.remembered_for, l.passwords_remembered),
        guesses(limits),
        by_network(limits.per_network, limits.window, limits.remembered) {}

  Result<GuessLimiter::Guess> take_place(const Caller& caller);
  Result<Outcome> check(std::string_view name, const Secret<>& password) const;
  Result<Judgement> consider(const Account& account, const Condition& condition) const;
  // What follows from an attempt that was judged.
  Result<Account> conclude(const Caller& caller, const GuessLimiter::Guess& guess, std::string_view target,
                           audit::Origin tried, Judgement judgement);
  // The guess has begun; this ends it.
  Result<Account> decide(const Caller& caller, const GuessLimiter::Guess& guess, std::string_view target,
                         const audit::Origin& tried, const Judge& judge);
  Result<Account> attempt(const Caller& caller, std::string_view target, const audit::Origin& tried,
                          const Judge& judge);
  void record(audit::Action action, std::string_view target, std::string_view detail,
              const audit::Origin& origin);
  template <class F>
  void settle(const F& outcome) {
    {
      const std::lock_guard lock(mutex);
      outcome();
    }
    ended.notify_all();
  }
};

Result<GuessLimiter::Guess> LogIn::State::take_place(const Caller& caller) {
  const auto late = std::chrono::steady_clock::now() + kLongestWait;
  std::unique_lock lock(mutex);
  for (;;) {
    const Time now = clock.now();
    if (const auto wait = guesses.refused_for(caller.subject, caller.source, now)) return limited(*wait);
    if (guesses.has_room(caller.subject, caller.source, now))
      return guesses.begin(caller.subject, caller.source, now);
    if (ended.wait_until(lock, late) == std::cv_status::timeout)
      return Error{Errc::rate_limited, "too many log-ins are being checked at once; try again in 1 seconds",
                   std::chrono::seconds(1)};
  }
}

// Every way through this spends one password hash, so that the time says nothing of which it was.
Result<Outcome> LogIn::State::check(std::string_view name, const Secret<>& password) const {
  auto credentials = accounts.credentials(name);
  if (!credentials) {
    if (credentials.error().code != Errc::not_found) return credentials.error();
    hasher.spend(password);
    // A directory's people, and robots, have none of their own.
    return Outcome{std::nullopt, accounts.find(name) ? why::kNoPassword : why::kUnknown};
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

Result<void> LogIn::keep_networks(db::Database& database) {
  state_->networks.emplace(database, state_->limits);
  const auto known = state_->networks->load(state_->clock.now());
  if (!known) return known.error();
  const std::lock_guard lock(state_->mutex);
  for (const auto& each : *known) state_->guesses.note(each.subject, each.network, each.at);
  return {};
}

Result<void> LogIn::admit(std::string_view name, const audit::Origin& origin) const {
  const std::string counted = countable(name);
  const auto wait = [&] {
    const std::lock_guard lock(state_->mutex);
    return state_->guesses.refused_for(counted, {network_of(origin.address)}, state_->clock.now());
  }();
  if (!wait) return {};
  state_->record(audit::Action::login_failed, counted, why::kLimited, countable(origin));
  return limited(*wait);
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

Result<void> LogIn::admit_password(std::string_view name, const Secret<>& password,
                                   const audit::Origin& origin) {
  const std::string_view goes = where_token_goes(password.reveal());
  if (goes.empty()) return {};
  if (auto admitted = admit_network(name, origin); !admitted) return admitted;
  failed(name, why::kToken, origin);
  return Error{Errc::invalid_argument, std::string(goes)};
}

void LogIn::failed(std::string_view name, std::string_view why, const audit::Origin& origin) {
  refused(origin.address);
  state_->record(audit::Action::login_failed, countable(name), why, countable(origin));
}

void LogIn::refused(std::string_view address) {
  const std::string network = network_of(address);
  const Time now = state_->clock.now();
  const std::lock_guard lock(state_->mutex);
  state_->by_network.begin(network, now);
  state_->by_network.fail(network, now);
}

void LogIn::succeeded(std::string_view account, const audit::Origin& origin, std::string_view note) {
  audit::Origin named = origin;
  named.account = account;
  state_->record(audit::Action::login_succeeded, account, note, named);
}

void LogIn::lift(std::string_view name) {
  const std::string of_provider = fmt::format("/{}", name);
  state_->settle([&] {
    state_->guesses.forget(
        [&](std::string_view subject) { return subject == name || subject.ends_with(of_provider); }, false);
  });
}

void LogIn::forget(std::string_view name) {
  lift(name);
  state_->verified.forget(name);
  state_->settle(
      [&] { state_->guesses.forget([&](std::string_view subject) { return subject == name; }, true); });
  // What stays in the database lets nobody in: it bounds guesses in those networks apart, as before.
  if (state_->networks) static_cast<void>(state_->networks->forget(name));
}

void LogIn::forget_passwords() { state_->verified.forget_all(); }

Result<LogIn::Judgement> LogIn::State::consider(const Account& account, const Condition& condition) const {
  if (!condition) return Judgement{account, std::nullopt};
  auto veto = condition(account);
  if (!veto) return veto.error();
  return Judgement{account, *std::move(veto)};
}

Result<Account> LogIn::State::conclude(const Caller& caller, const GuessLimiter::Guess& guess,
                                       std::string_view target, audit::Origin tried, Judgement judgement) {
  if (judgement.veto && judgement.veto->answer) {
    settle([&] { guesses.abandon(guess); });
    record(audit::Action::login_failed, target, judgement.veto->why, tried);
    return *std::move(judgement.veto->answer);
  }
  if (judgement.veto) {
    settle([&] { guesses.fail(guess, clock.now()); });
    record(audit::Action::login_failed, target, judgement.veto->why, tried);
    return Error{Errc::unauthenticated, "the user name or the password is wrong"};
  }
  const Time now = clock.now();
  bool keep = false;
  settle([&] { keep = guesses.succeed(guess, caller.subject, caller.source, now); });
  // Where it cannot be kept the process knows it all the same, and the log-in was right.
  if (keep && networks)
    static_cast<void>(networks->note(judgement.account.id, caller.subject, caller.source.network, now));
  tried.account = judgement.account.name;
  record(audit::Action::login_succeeded, judgement.account.name, judgement.note, tried);
  return std::move(judgement.account);
}

Result<Account> LogIn::State::decide(const Caller& caller, const GuessLimiter::Guess& guess,
                                     std::string_view target, const audit::Origin& tried,
                                     const Judge& judge) {
  auto judgement = [&] {
    try {
      return judge();
    } catch (...) {
      settle([&] { guesses.abandon(guess); });
      throw;
    }
  }();
  if (judgement) return conclude(caller, guess, target, tried, *std::move(judgement));
  settle([&] { guesses.abandon(guess); });
  record(
      audit::Action::login_failed, target,
      fmt::format(R"({{"reason":"{}","error":{}}})", why::kUndecided, json_quote(judgement.error().message)),
      tried);
  return judgement.error();
}

Result<Account> LogIn::State::attempt(const Caller& caller, std::string_view target,
                                      const audit::Origin& tried, const Judge& judge) {
  const auto guess = take_place(caller);
  if (guess) return decide(caller, *guess, target, tried, judge);
  record(audit::Action::login_failed, target, why::kLimited, tried);
  return guess.error();
}

Result<Account> LogIn::verify(std::string_view name, const Secret<>& password, const audit::Origin& origin,
                              const Condition& condition, std::int64_t session) {
  if (auto admitted = admit_password(name, password, origin); !admitted) return admitted.error();
  // It may have been verified while this one waited for its turn.
  if (auto known = recall(name, password, origin, condition, session)) return *std::move(known);
  const std::string counted = countable(name);
  return state_->attempt(
      {counted, {network_of(origin.address), session}}, counted, countable(origin),
      [&]() -> Result<Judgement> {
        const auto outcome = state_->check(name, password);
        if (!outcome) return outcome.error();
        if (!outcome->credentials) return Judgement{{}, Veto{std::string(outcome->why_not), std::nullopt}};
        const auto& [account, stored] = *outcome->credentials;
        auto judgement = state_->consider(account, condition);
        if (!judgement || judgement->veto) return judgement;
        state_->verified.put(name, password,
                             {account.id, account.credential_version, state_->hasher.pepper_version()});
        // A log-in with the right password stands even when the better hash cannot be stored now; the next
        // one tries again.
        if (state_->hasher.outdated(stored))
          static_cast<void>(state_->accounts.upgrade_hash(account.id, stored, state_->hasher.hash(password)));
        return judgement;
      });
}

bool LogIn::knows(std::string_view name, std::string_view address, std::string_view where) const {
  const std::string subject = where.empty() ? countable(name) : elsewhere(where, name);
  const std::lock_guard lock(state_->mutex);
  return state_->guesses.knows(subject, network_of(address), state_->clock.now());
}

bool LogIn::remembers(std::string_view name, const Secret<>& password) const {
  const auto known = state_->verified.find(name, password);
  return known && known->pepper_version == state_->hasher.pepper_version();
}

std::optional<Result<Account>> LogIn::recall(std::string_view name, const Secret<>& password,
                                             const audit::Origin& origin, const Condition& condition,
                                             std::int64_t session) {
  State& state = *state_;
  const auto known = state.verified.find(name, password);
  // After a rotation the log-in that moves the stored hash to the new pepper is to be a whole one.
  if (!known || known->pepper_version != state.hasher.pepper_version()) return std::nullopt;
  const auto account = state.accounts.find(known->account_id);
  if (!account && account.error().code != Errc::not_found) return account.error();
  if (!account || !account->active() || account->name != name ||
      account->credential_version != known->credential_version) {
    state.verified.forget(name);
    return std::nullopt;
  }
  auto judgement = state.consider(*account, condition);
  // What is answered like a wrong password takes the time of one.
  if (judgement && judgement->veto && !judgement->veto->answer) return std::nullopt;
  const State::Caller caller{std::string(name), {network_of(origin.address), session}};
  GuessLimiter::Guess guess;
  const auto wait = [&] {
    const std::lock_guard lock(state.mutex);
    const Time now = state.clock.now();
    const auto refused = state.guesses.refused_for(caller.subject, caller.source, now);
    // It is no guess, so it need not wait for those that are under way.
    if (!refused) guess = state.guesses.begin(caller.subject, caller.source, now);
    return refused;
  }();
  if (wait) {
    state.record(audit::Action::login_failed, name, why::kLimited, countable(origin));
    return limited(*wait);
  }
  return state.decide(caller, guess, name, origin, [&] { return std::move(judgement); });
}

Result<Account> LogIn::verify_elsewhere(std::string_view where, std::string_view name,
                                        const audit::Origin& origin, const Judge& judge,
                                        std::int64_t session) {
  const std::string spelled = lower(name);
  return state_->attempt({elsewhere(where, name), {network_of(origin.address), session}}, countable(spelled),
                         countable(origin), judge);
}

}  // namespace bulkhead::identity
