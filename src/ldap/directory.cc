#include "ldap/directory.h"

#include <fmt/format.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <mutex>

#include "base/bytes.h"
#include "ldap/connection.h"
#include "ldap/filter.h"
#include "ldap/person.h"

namespace bulkhead::ldap {
namespace {

constexpr std::size_t kLongestName = 256;
constexpr std::size_t kLongestPassword = 1024;
constexpr std::size_t kLongestId = 4096;
constexpr std::string_view kDnItself = "dn";
constexpr std::string_view kNoAttributes = "1.1";  // RFC 4511 section 4.5.1.8

// Of a search for groups: below what directories give at once, whatever they are (Active Directory: 1,000).
constexpr std::size_t kGroupsAtOnce = 100;
constexpr std::chrono::seconds kAvoided{30};
constexpr int kSoonerForTheNext = 2;  // by which the time of a step is divided where another server is left
constexpr std::size_t kMostAvoided = 256;

Error gone() { return {Errc::not_found, "the directory has nobody with this id"}; }
Error refused() { return {Errc::unauthenticated, std::string(Directory::kWrong)}; }

// One exchange with a directory: who is asked for, and what is known about them.
class Exchange {
 public:
  Exchange(Connection connection, const Settings& settings, const Secret<>& bind_password,
           const Limits& limits)
      : connection_(std::move(connection)),
        settings_(settings),
        bind_password_(bind_password),
        limits_(limits) {}

  // As the account that searches, or as nobody.
  Result<void> bind_for_searching() {
    if (!settings_.bind_dn.empty() && bind_password_.empty())
      return Error{Errc::unavailable, "the directory's bind_dn has no password here"};
    static const std::string kNone;
    const auto bound =
        connection_.bind(settings_.bind_dn, settings_.bind_dn.empty() ? kNone : bind_password_.reveal());
    if (!bound) return bound.error();
    if (!*bound) return Error{Errc::unavailable, "the directory refuses bind_dn or its password"};
    return {};
  }

  Result<Found> find_people(std::string filter) {
    return connection_.search({settings_.user_base, std::move(filter), person_attributes(settings_), 1});
  }

  Result<bool> bind_as(const std::string& dn, const Secret<>& password) {
    return connection_.bind(dn, password.reveal());
  }

  bool lost() const { return connection_.lost(); }

  Result<Person> read_with_groups(const Entry& entry) {
    auto person = read_person(entry, settings_, limits_);
    if (!person) return person;
    if (const auto found = find_groups(*person); !found) return found.error();
    return person;
  }

 private:
  Result<void> find_groups(Person& person) {
    // A filter for nobody's name could find groups that have nothing to do with the person.
    const bool nameless = person.name.empty() && has_placeholder(settings_.group_filter, "{name}");
    if (settings_.group_base.empty() || nameless) return {};
    const bool by_dn = settings_.group_name_attribute == kDnItself;
    const auto found =
        connection_.search({settings_.group_base,
                            fill_in(settings_.group_filter, person.name, person.dn),
                            {by_dn ? std::string(kNoAttributes) : settings_.group_name_attribute},
                            limits_.groups,
                            std::min(kGroupsAtOnce, limits_.groups)});
    if (!found) return found.error();
    std::vector<std::string>& names = person.groups;
    for (Entry entry : found->entries) {
      if (by_dn) entry.attributes.push_back({std::string(kDnItself), {entry.dn}, 1});
      for (std::string& name : texts(entry, settings_.group_name_attribute))
        if (name.size() <= limits_.value_bytes) names.push_back(std::move(name));
    }
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    const bool too_many = found->more || names.size() > limits_.groups;
    if (names.size() > limits_.groups) names.resize(limits_.groups);
    if (too_many)
      person.groups_missing =
          fmt::format("the person is in more groups than the {} that are looked at", limits_.groups);
    else if (found->cut_off)
      person.groups_missing =
          fmt::format("the directory gave {} groups and then said that its own size limit is reached",
                      found->entries.size());
    else if (!found->referral.empty())
      person.groups_missing = fmt::format(
          "the directory has a referral to {} for further groups, which is not followed", found->referral);
    return {};
  }

  Connection connection_;
  const Settings& settings_;
  const Secret<>& bind_password_;
  Limits limits_;
};

// A name that nobody has, so that a bind can be asked for and fails.
Result<std::string> nobody_below(const std::string& base) {
  std::array<std::byte, 16> random{};
  if (::getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size()))
    return Error{Errc::internal, "the system gives no random bytes"};
  return fmt::format("cn={},{}", to_hex(random), base);
}

Result<Person> authenticate_at(Exchange& exchange, const Settings& settings, std::string_view name,
                               const Secret<>& password) {
  const auto found = exchange.find_people(fill_in(settings.user_filter, name, ""));
  if (!found) return found.error();

  // Whoever is not one known person is somebody whom the directory refuses. An entry without a name (the
  // directory's root) or with one that a string cannot hold would make the bind an anonymous or a foreign
  // one.
  const bool known = found->entries.size() == 1 && !found->more && !found->entries.front().dn.empty() &&
                     found->entries.front().dn.find('\0') == std::string::npos;
  auto dn = known ? Result<std::string>(found->entries.front().dn) : nobody_below(settings.user_base);
  if (!dn) return dn.error();
  const auto bound = exchange.bind_as(*dn, password);
  if (!bound) return bound.error();
  if (found->entries.empty() && !found->referral.empty())
    return Error{
        Errc::unauthenticated,
        fmt::format("nobody here has this name, and a referral to {} is not followed", found->referral)};
  if (!known || !*bound) return refused();

  if (const auto again = exchange.bind_for_searching(); !again) return again.error();
  return exchange.read_with_groups(found->entries.front());
}

Result<Person> look_up_at(Exchange& exchange, const Settings& settings, std::string_view id,
                          const std::string& bytes) {
  // With what the user filter asks for besides the name: who no longer fits it is gone.
  const auto found = exchange.find_people(
      fmt::format("(&({}={}){})", settings.id_attribute, escape(bytes), fill_any(settings.user_filter)));
  if (!found) return found.error();
  if (found->more || found->entries.size() > 1)
    return Error{Errc::unavailable,
                 fmt::format("the directory has more than one person with this {}", settings.id_attribute)};
  if (found->entries.empty()) return gone();
  auto person = exchange.read_with_groups(found->entries.front());
  if (person && person->id != id) return gone();
  return person;
}

std::string describe(const Person& person) {
  constexpr std::size_t kShown = 20;
  std::string out = fmt::format("{}: name {}, id {}, e-mail {}, {} groups", person.dn, person.name, person.id,
                                person.email.empty() ? "none" : person.email, person.groups.size());
  for (std::size_t i = 0; i < std::min(kShown, person.groups.size()); ++i)
    out += (i == 0 ? ": " : ", ") + person.groups[i];
  if (person.groups.size() > kShown) out += ", …";
  if (!person.groups_missing.empty()) out += "; " + person.groups_missing;
  return out;
}

// Of the search, what was found.
Result<std::string> search_for(Exchange& exchange, const Settings& settings, std::string_view name) {
  const std::string wanted = name.empty() ? "nobody-of-this-name" : std::string(name);
  const std::string filter = fill_in(settings.user_filter, wanted, "");
  const auto found = exchange.find_people(filter);
  if (!found) return found.error();
  if (name.empty()) return fmt::format("{} can be searched", settings.user_base);
  if (found->entries.empty() && !found->referral.empty())
    return Error{Errc::not_found,
                 fmt::format("a referral to {}, which is not followed; that server belongs into the URL",
                             found->referral)};
  if (found->entries.empty())
    return Error{Errc::not_found, fmt::format("nobody below {} fits {}", settings.user_base, filter)};
  if (found->entries.size() > 1 || found->more)
    return Error{Errc::conflict, fmt::format("more than one entry fits {}, so none gets in", filter)};
  const auto person = exchange.read_with_groups(found->entries.front());
  if (!person) return person.error();
  return describe(*person);
}

// Whether the steps go on.
bool note(std::vector<Step>& steps, std::string name, const Result<std::string>& outcome) {
  steps.push_back({std::move(name), outcome.has_value(), outcome ? *outcome : outcome.error().message});
  return outcome.has_value();
}

Result<std::string> said(const Result<void>& outcome, std::string sentence) {
  if (!outcome) return outcome.error();
  return sentence;
}

void probe_one(std::vector<Step>& steps, const Url& url, const Settings& settings,
               const Secret<>& bind_password, const Options& options, std::string_view name) {
  auto connection = Connection::open(url, settings.start_tls, options);
  if (!connection) {
    note(steps, "connect",
         Error{connection.error().code, fmt::format("{}: {}", url.render(), connection.error().message)});
    return;
  }
  note(steps, "connect", fmt::format("{} answers", url.render()));
  Exchange exchange(*std::move(connection), settings, bind_password, options.limits);
  const std::string who = settings.bind_dn.empty() ? "nobody (anonymously)" : settings.bind_dn;
  if (!note(steps, "bind", said(exchange.bind_for_searching(), "bound as " + who))) return;
  note(steps, "search", search_for(exchange, settings, name));
}

}  // namespace

// Which servers could not be asked lately.
struct Directory::Servers {
  using Clock = std::chrono::steady_clock;

  std::mutex mutex;
  std::map<std::string, Clock::time_point> failed;
  std::atomic<std::uint64_t> failures{0};

  std::vector<Url> in_order(std::vector<Url> urls) {
    const std::lock_guard lock(mutex);
    const auto now = Clock::now();
    std::erase_if(failed, [&](const auto& each) { return each.second + kAvoided <= now; });
    // Not that of ranges, which clang 14 cannot compile.
    std::stable_partition(urls.begin(), urls.end(),
                          [&](const Url& url) { return !failed.contains(url.render()); });
    return urls;
  }

  void note(const Url& url, bool works) {
    const std::lock_guard lock(mutex);
    if (works)
      failed.erase(url.render());
    else if (failed.size() < kMostAvoided)
      failed[url.render()] = Clock::now();
  }

  // Has one server after the other asked until one is there that says something, be it a refusal.
  Result<Person> ask(const Settings& settings, const Secret<>& bind_password, const Options& options,
                     const std::function<Result<Person>(Exchange&)>& question) {
    if (const auto checked = check(settings, options.plain_hosts); !checked)
      return Error{Errc::unavailable,
                   fmt::format("the directory's settings are not allowed: {}", checked.error().message)};
    Result<Person> last = Error{Errc::unavailable, "the directory has no server"};
    const std::vector<Url> urls = in_order(*parse_urls(settings.url));
    for (const Url& url : urls) {
      // One that is silent shall not use up the time that somebody waits while another could be asked.
      Options patient = options;
      if (&url != &urls.back()) patient.limits.timeout /= kSoonerForTheNext;
      bool lost = true;
      last = ask_one(url, settings, bind_password, patient, question, lost);
      note(url, !lost);
      if (!lost) break;
      ++failures;
    }
    return last;
  }

  static Result<Person> ask_one(const Url& url, const Settings& settings, const Secret<>& bind_password,
                                const Options& options,
                                const std::function<Result<Person>(Exchange&)>& question, bool& lost) {
    auto connection = Connection::open(url, settings.start_tls, options);
    if (!connection) return connection.error();
    Exchange exchange(*std::move(connection), settings, bind_password, options.limits);
    const auto bound = exchange.bind_for_searching();
    auto answer = bound ? question(exchange) : Result<Person>(bound.error());
    lost = exchange.lost();
    return answer;
  }
};

std::uint64_t Directory::failures() const { return servers_->failures; }

std::vector<Step> Directory::probe(const Settings& settings, const Secret<>& bind_password,
                                   std::string_view name) const {
  std::vector<Step> steps;
  if (const auto checked = check(settings, options_.plain_hosts); !checked) {
    note(steps, "settings", checked.error());
    return steps;
  }
  const auto urls = *parse_urls(settings.url);
  for (const Url& url : urls)
    probe_one(steps, url, settings, bind_password, options_, name.substr(0, kLongestName));
  return steps;
}

Directory::Directory(Options options) : options_(std::move(options)), servers_(std::make_unique<Servers>()) {}

Directory::~Directory() = default;

Result<Person> Directory::authenticate(const Settings& settings, const Secret<>& bind_password,
                                       std::string_view name, const Secret<>& password) const {
  if (name.empty() || name.size() > kLongestName || password.empty() ||
      password.reveal().size() > kLongestPassword)
    return refused();
  return servers_->ask(settings, bind_password, options_, [&](Exchange& exchange) {
    return authenticate_at(exchange, settings, name, password);
  });
}

Result<Person> Directory::look_up(const Settings& settings, const Secret<>& bind_password,
                                  std::string_view id) const {
  const auto bytes = id.size() <= kLongestId ? parse_id(id) : std::nullopt;
  if (!bytes) return gone();
  return servers_->ask(settings, bind_password, options_,
                       [&](Exchange& exchange) { return look_up_at(exchange, settings, id, *bytes); });
}

}  // namespace bulkhead::ldap
