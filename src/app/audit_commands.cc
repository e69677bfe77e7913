#include "app/audit_commands.h"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <charconv>

#include "audit/query.h"

namespace bulkhead::app {
namespace {

namespace json = boost::json;

constexpr std::int64_t kLargestPage = 1000;

struct Query {
  audit::Filter filter;
  std::size_t limit = 0;
};

Result<Query> query_of(Installation& installation, Arguments& arguments) {
  Query query;
  query.filter.account = arguments.text("account");
  query.filter.repository = arguments.text("repository");
  query.filter.digest = arguments.text("digest");
  query.filter.address = arguments.text("address");
  const std::string action = arguments.text("action");
  const std::string since = arguments.text("since");
  const std::string until = arguments.text("until");
  query.limit = static_cast<std::size_t>(
      std::clamp<std::int64_t>(arguments.integer("limit").value_or(kLargestPage), 1, kLargestPage));
  if (!action.empty()) {
    const auto parsed = audit::parse_action(action);
    if (!parsed) return parsed.error();
    query.filter.action = *parsed;
  }
  for (const auto& [text, into] :
       {std::pair(&since, &query.filter.since), std::pair(&until, &query.filter.until)}) {
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

std::optional<Time> parse_calendar(std::string_view text) {
  using namespace std::chrono;
  const auto y = digits(text, 4, '-');
  const auto m = y ? digits(text, 2, '-') : std::nullopt;
  const auto d = m ? digits(text, 2, '\0') : std::nullopt;
  if (!d) return std::nullopt;
  const year_month_day date{year(*y), month(static_cast<unsigned>(*m)), day(static_cast<unsigned>(*d))};
  if (!date.ok()) return std::nullopt;
  Time time{sys_days(date)};
  if (text.empty()) return time;
  if (!text.starts_with('T')) return std::nullopt;
  text.remove_prefix(1);
  const auto hour = digits(text, 2, ':');
  const auto minute = hour ? digits(text, 2, ':') : std::nullopt;
  const auto second = minute ? digits(text, 2, '\0') : std::nullopt;
  if (!second || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  time += hours(*hour) + minutes(*minute) + seconds(*second);
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    std::int64_t scale = 100'000;
    while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
      time += microseconds((text.front() - '0') * scale);
      scale /= 10;
      text.remove_prefix(1);
    }
  }
  if (text != "Z") return std::nullopt;
  return time;
}

}  // namespace

Result<Time> parse_moment(std::string_view text, Time now) {
  if (const auto calendar = parse_calendar(text)) return *calendar;
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
      fmt::format("\"{}\" is no time; write 2026-01-31, 2026-01-31T08:15:00Z, or an age: 90s, 30m, 24h, 7d",
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
