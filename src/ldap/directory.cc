#include "ldap/directory.h"

#include <fmt/format.h>
#include <sys/random.h>

#include <algorithm>
#include <array>

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

Error refused() { return {Errc::unauthenticated, "the user name or the password is wrong"}; }

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

  Result<Person> read_with_groups(const Entry& entry) {
    auto person = read_person(entry, settings_, limits_);
    if (!person) return person;
    auto groups = find_groups(*person);
    if (!groups) return groups.error();
    person->groups = std::move(*groups);
    return person;
  }

 private:
  Result<std::vector<std::string>> find_groups(const Person& person) {
    std::vector<std::string> names;
    // A filter for nobody's name could find groups that have nothing to do with the person.
    const bool nameless = person.name.empty() && has_placeholder(settings_.group_filter, "{name}");
    if (settings_.group_base.empty() || nameless) return names;
    const bool by_dn = settings_.group_name_attribute == kDnItself;
    const auto found =
        connection_.search({settings_.group_base,
                            fill_in(settings_.group_filter, person.name, person.dn),
                            {by_dn ? std::string(kNoAttributes) : settings_.group_name_attribute},
                            limits_.groups});
    if (!found) return found.error();
    for (Entry entry : found->entries) {
      if (by_dn) entry.attributes.push_back({std::string(kDnItself), {entry.dn}, 1});
      for (std::string& name : texts(entry, settings_.group_name_attribute))
        if (name.size() <= limits_.value_bytes) names.push_back(std::move(name));
    }
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    if (found->more || names.size() > limits_.groups)
      return Error{
          Errc::too_large,
          fmt::format("the directory says that this person is in more than {} groups", limits_.groups)};
    return names;
  }

  Connection connection_;
  const Settings& settings_;
  const Secret<>& bind_password_;
  Limits limits_;
};

Result<Exchange> begin(const Settings& settings, const Secret<>& bind_password, const Options& options) {
  if (const auto checked = check(settings, options.plain_hosts); !checked)
    return Error{Errc::unavailable,
                 fmt::format("the directory's settings are not allowed: {}", checked.error().message)};
  auto connection = Connection::open(*parse_url(settings.url), settings.start_tls, options);
  if (!connection) return connection.error();
  Exchange exchange(std::move(*connection), settings, bind_password, options.limits);
  if (const auto bound = exchange.bind_for_searching(); !bound) return bound.error();
  return exchange;
}

// A name that nobody has, so that a bind can be asked for and fails.
Result<std::string> nobody_below(const std::string& base) {
  std::array<std::byte, 16> random{};
  if (::getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size()))
    return Error{Errc::internal, "the system gives no random bytes"};
  return fmt::format("cn={},{}", to_hex(random), base);
}

}  // namespace

Result<Person> Directory::authenticate(const Settings& settings, const Secret<>& bind_password,
                                       std::string_view name, const Secret<>& password) const {
  if (name.empty() || name.size() > kLongestName || password.empty() ||
      password.reveal().size() > kLongestPassword)
    return refused();
  auto exchange = begin(settings, bind_password, options_);
  if (!exchange) return exchange.error();
  const auto found = exchange->find_people(fill_in(settings.user_filter, name, ""));
  if (!found) return found.error();

  // Whoever is not one known person is somebody whom the directory refuses. An entry without a name (the
  // directory's root) or with one that a string cannot hold would make the bind an anonymous or a foreign
  // one.
  const bool known = found->entries.size() == 1 && !found->more && !found->entries.front().dn.empty() &&
                     found->entries.front().dn.find('\0') == std::string::npos;
  auto dn = known ? Result<std::string>(found->entries.front().dn) : nobody_below(settings.user_base);
  if (!dn) return dn.error();
  const auto bound = exchange->bind_as(*dn, password);
  if (!bound) return bound.error();
  if (!known || !*bound) return refused();

  if (const auto again = exchange->bind_for_searching(); !again) return again.error();
  return exchange->read_with_groups(found->entries.front());
}

Result<Person> Directory::look_up(const Settings& settings, const Secret<>& bind_password,
                                  std::string_view id) const {
  const Error gone(Errc::not_found, "the directory has nobody with this id");
  const auto bytes = id.size() <= kLongestId ? parse_id(id) : std::nullopt;
  if (!bytes) return gone;
  auto exchange = begin(settings, bind_password, options_);
  if (!exchange) return exchange.error();
  // With what the user filter asks for besides the name: who no longer fits it is gone.
  const auto found = exchange->find_people(
      fmt::format("(&({}={}){})", settings.id_attribute, escape(*bytes), fill_any(settings.user_filter)));
  if (!found) return found.error();
  if (found->more || found->entries.size() > 1)
    return Error{Errc::unavailable,
                 fmt::format("the directory has more than one person with this {}", settings.id_attribute)};
  if (found->entries.empty()) return gone;
  auto person = exchange->read_with_groups(found->entries.front());
  if (person && person->id != id) return gone;
  return person;
}

}  // namespace bulkhead::ldap
