#include "app/audit_commands.h"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <charconv>

#include "audit/query.h"
#include "base/ip_network.h"
#include "config/suggest.h"
#include "oci/digest.h"

namespace bulkhead::app {
namespace {

namespace json = boost::json;

constexpr std::int64_t kLargestPage = 1000;
constexpr std::size_t kShortestDigest = 12;  // as many digits as lists show

struct Query {
  audit::Filter filter;
  std::size_t limit = 0;
};

// A whole digest, or a part of one from its beginning such as lists show.
Result<void> take_digest(std::string text, audit::Filter& filter) {
  if (text.empty()) return {};
  if (text.find(':') == std::string::npos) text = "sha256:" + text;
  const auto colon = text.find(':');
  const std::string_view hex = std::string_view(text).substr(colon + 1);
  const bool lower_hex = hex.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  filter.digest = text;
  if (oci::Digest::parse(text)) return {};
  const std::size_t whole = text.starts_with("sha512:") ? 128 : 64;
  filter.digest_begins = true;
  if (lower_hex && hex.size() >= kShortestDigest && hex.size() < whole &&
      (text.starts_with("sha256:") || text.starts_with("sha512:")))
    return {};
  return Error{
      Errc::digest_invalid,
      fmt::format("\"{}\" is no digest; write sha256: and 64 hexadecimal digits, or at least its first {}",
                  text, kShortestDigest)};
}

Result<void> take_address(std::string text, audit::Filter& filter) {
  if (!text.empty() && text != "local" && !is_ip_address(text))
    return Error{Errc::invalid_argument,
                 fmt::format("\"{}\" is no IP address; write one, or \"local\" for operators", text)};
  filter.address = std::move(text);
  return {};
}

// "acme/" is everything in that namespace.
void take_repository(std::string text, audit::Filter& filter) {
  (text.ends_with('/') ? filter.repository_begins : filter.repository) = std::move(text);
}

Result<void> take_action(const std::string& text, audit::Filter& filter) {
  if (text.empty()) return {};
  if (const auto parsed = audit::parse_action(text)) {
    filter.action = *parsed;
    return {};
  }
  const std::vector<std::string> names = audit::action_names();
  std::string near;
  for (const std::string& name : names)
    if (text.size() >= 3 && name.find(text) != std::string::npos) near += (near.empty() ? "" : ", ") + name;
  if (near.empty()) near = config::nearest(text, names, "_").value_or("");
  return Error{Errc::invalid_argument,
               fmt::format("\"{}\" is no action; {}", text,
                           near.empty() ? "docs/formats/events.md lists them" : "near to it: " + near)};
}

Result<Query> query_of(Installation& installation, Arguments& arguments) {
  Query query;
  audit::Filter& filter = query.filter;
  filter.account = arguments.text("account");
  filter.request_id = arguments.text("request");
  take_repository(arguments.text("repository"), filter);
  const auto digest = take_digest(arguments.text("digest"), filter);
  const auto address = take_address(arguments.text("address"), filter);
  const auto action = take_action(arguments.text("action"), filter);
  const std::string since = arguments.text("since");
  const std::string until = arguments.text("until");
  query.limit = static_cast<std::size_t>(
      std::clamp<std::int64_t>(arguments.integer("limit").value_or(kLargestPage), 1, kLargestPage));
  for (const auto* taken : {&digest, &address, &action})
    if (!*taken) return taken->error();
  for (const auto& [text, into] : {std::pair(&since, &filter.since), std::pair(&until, &filter.until)}) {
    if (text->empty()) continue;
    const auto moment = parse_moment(*text, installation.clock().now());
    if (!moment) return moment.error();
    *into = *moment;
  }
  return query;
}

Result<json::value> render(const Result<audit::Page>& page) {
  if (!page) return page.error();
  json::array events;
  for (const auto& [id, event] : page->events) events.push_back(json::parse(audit::to_json(event, id)));
  json::object out{{"events", std::move(events)}, {"cursor", page->next.render()}};
  if (page->damaged_places > 0) out["damage"] = page->damage;
  return json::value(std::move(out));
}

// Takes `count` digits and the separator behind them off `text`.
std::optional<int> digits(std::string_view& text, std::size_t count, char separator) {
  int value = 0;
  if (text.size() < count) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + count, value);
  if (error != std::errc() || end != text.data() + count) return std::nullopt;
  text.remove_prefix(count);
  if (separator == '\0') return value;
  if (!text.starts_with(separator)) return std::nullopt;
  text.remove_prefix(1);
  return value;
}

// "Z", "+01:00", "-0330"; nothing is UTC, as all that is printed is.
std::optional<std::chrono::minutes> parse_zone(std::string_view text) {
  using namespace std::chrono;
  if (text.empty() || text == "Z" || text == "z") return minutes(0);
  const bool behind = text.front() == '-';
  if (!behind && text.front() != '+') return std::nullopt;
  text.remove_prefix(1);
  const auto hour = digits(text, 2, '\0');
  if (hour && text.starts_with(':')) text.remove_prefix(1);
  const auto minute = hour ? digits(text, 2, '\0') : std::nullopt;
  if (!minute || !text.empty() || *hour > 23 || *minute > 59) return std::nullopt;
  const minutes apart = hours(*hour) + minutes(*minute);
  return behind ? -apart : apart;
}

// What stands behind the date: 08:15, 08:15:00, 08:15:00.25, each with a zone.
std::optional<Time> parse_time_of_day(std::string_view text, Time day) {
  using namespace std::chrono;
  const auto hour = digits(text, 2, ':');
  const auto minute = hour ? digits(text, 2, '\0') : std::nullopt;
  if (!minute || *hour > 23 || *minute > 59) return std::nullopt;
  Time time = day + hours(*hour) + minutes(*minute);
  if (text.starts_with(':')) {
    text.remove_prefix(1);
    const auto second = digits(text, 2, '\0');
    if (!second || *second > 60) return std::nullopt;
    time += seconds(*second);
    std::int64_t scale = 100'000;
    if (text.starts_with('.'))
      for (text.remove_prefix(1); !text.empty() && text.front() >= '0' && text.front() <= '9'; scale /= 10) {
        time += microseconds((text.front() - '0') * scale);
        text.remove_prefix(1);
      }
  }
  const auto zone = parse_zone(text);
  if (!zone) return std::nullopt;
  return time - *zone;
}

std::optional<Time> parse_calendar(std::string_view text) {
  using namespace std::chrono;
  const auto y = digits(text, 4, '-');
  const auto m = y ? digits(text, 2, '-') : std::nullopt;
  const auto d = m ? digits(text, 2, '\0') : std::nullopt;
  if (!d) return std::nullopt;
  const year_month_day date{year(*y), month(static_cast<unsigned>(*m)), day(static_cast<unsigned>(*d))};
  if (!date.ok()) return std::nullopt;
  const Time begin{sys_days(date)};
  if (text.empty()) return begin;
  if (!text.starts_with('T') && !text.starts_with(' ')) return std::nullopt;
  return parse_time_of_day(text.substr(1), begin);
}

}  // namespace

Result<Time> parse_moment(std::string_view text, Time now) {
  if (const auto calendar = parse_calendar(text)) return *calendar;
  const Time today = std::chrono::floor<std::chrono::days>(now);
  if (text == "today") return today;
  if (text == "yesterday") return today - std::chrono::days(1);
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  if (error == std::errc() && count >= 0 && count < 1'000'000) {
    using namespace std::chrono;
    if (unit == "s") return now - seconds(count);
    if (unit == "m") return now - minutes(count);
    if (unit == "h") return now - hours(count);
    if (unit == "d") return now - days(count);
  }
  return Error{
      Errc::invalid_argument,
      fmt::format(
          "\"{}\" is no time; write 2026-01-31, 2026-01-31T08:15:00+01:00 (without a zone it is UTC), "
          "yesterday, or an age: 90s, 30m, 24h, 7d",
          text)};
}

Result<json::value> newest_events(Installation& installation, Arguments& arguments) {
  const auto query = query_of(installation, arguments);
  if (auto checked = arguments.check(); !checked) return checked.error();
  if (!query) return query.error();
  return render(
      audit::newest(installation.database(), installation.journal_directory(), query->filter, query->limit));
}

Result<json::value> events_after(Installation& installation, Arguments& arguments) {
  const auto query = query_of(installation, arguments);
  const std::string text = arguments.text("cursor");
  if (auto checked = arguments.check(); !checked) return checked.error();
  if (!query) return query.error();
  audit::Cursor cursor;
  if (!text.empty()) {
    const auto parsed = audit::Cursor::parse(text);
    if (!parsed) return parsed.error();
    cursor = *parsed;
  }
  return render(audit::after(installation.database(), installation.journal_directory(), query->filter, cursor,
                             query->limit));
}

}  // namespace bulkhead::app
