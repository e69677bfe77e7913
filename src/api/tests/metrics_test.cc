#include "api/metrics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <regex>
#include <set>
#include <sstream>

namespace bulkhead::api {
namespace {

using namespace std::chrono_literals;

// The exposition's samples by name and labels, after checking that it is one: what `promtool check metrics`
// looks at.
std::map<std::string, double> samples(const Metrics& metrics) {
  static const std::regex kSample(
      "([a-zA-Z_:][a-zA-Z0-9_:]*)(\\{[a-z_]+=\"[^\"\\\\]*\"(,[a-z_]+=\"[^\"\\\\]*\")*\\})? (\\S+)");
  std::map<std::string, double> out;
  std::map<std::string, std::string> types;
  std::set<std::string> helped;
  std::string family;
  const std::string text = metrics.render();
  EXPECT_TRUE(text.ends_with('\n'));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string hash;
    std::string kind;
    std::string name;
    std::string rest;
    if (line.starts_with('#')) {
      words >> hash >> kind >> name;
      std::getline(words, rest);
      EXPECT_GT(rest.size(), 1u) << line;
      family = name;
      if (kind == "HELP") {
        EXPECT_TRUE(helped.insert(name).second) << "a family stands together: " << line;
      } else {
        EXPECT_EQ(kind, "TYPE") << line;
        EXPECT_TRUE(helped.contains(name)) << line;
        EXPECT_TRUE(types.emplace(name, rest.substr(1)).second) << line;
      }
      continue;
    }
    std::smatch match;
    EXPECT_TRUE(std::regex_match(line, match, kSample)) << line;
    EXPECT_TRUE(match.str(1).starts_with(family)) << line;
    if (types[family] == "counter") {
      EXPECT_TRUE(family.ends_with("_total")) << line;
    }
    const std::string value = match.str(4);
    std::size_t used = 0;
    const double number = value == "+Inf" ? INFINITY : std::stod(value, &used);
    EXPECT_TRUE(out.emplace(match.str(1) + match.str(2), number).second) << "twice: " << line;
  }
  return out;
}

std::string bucket(std::string_view route, std::string_view bound) {
  return "bulkhead_http_request_duration_seconds_bucket{route=\"" + std::string(route) + "\",le=\"" +
         std::string(bound) + "\"}";
}

TEST(Metrics, AreValidBeforeAnythingHappened) {
  const auto all = samples(Metrics());
  EXPECT_EQ(all.at("bulkhead_http_sent_bytes_total"), 0);
  EXPECT_EQ(all.at(bucket("manifest", "+Inf")), 0);
}

TEST(Metrics, CountAnswersByRouteAndClass) {
  Metrics metrics;
  metrics.observe("blob", 200, 1ms, 100, 0);
  metrics.observe("blob", 206, 1ms, 10, 0);
  metrics.observe("blob", 404, 1ms, 1, 0);
  metrics.observe("upload", 202, 1ms, 0, 5000);
  metrics.observe("nobody knows", 503, 1ms, 0, 7);
  const auto all = samples(metrics);
  EXPECT_EQ(all.at("bulkhead_http_requests_total{route=\"blob\",status=\"2xx\"}"), 2);
  EXPECT_EQ(all.at("bulkhead_http_requests_total{route=\"blob\",status=\"4xx\"}"), 1);
  EXPECT_EQ(all.at("bulkhead_http_requests_total{route=\"upload\",status=\"2xx\"}"), 1);
  EXPECT_EQ(all.at("bulkhead_http_requests_total{route=\"other\",status=\"5xx\"}"), 1);
  EXPECT_EQ(all.at("bulkhead_http_sent_bytes_total"), 111);
  EXPECT_EQ(all.at("bulkhead_http_received_bytes_total"), 5007);
}

TEST(Metrics, HistogramsAreCumulativeAndTheirBoundsInclusive) {
  Metrics metrics;
  metrics.observe("manifest", 200, 50us, 0, 0);
  metrics.observe("manifest", 200, 51us, 0, 0);
  metrics.observe("manifest", 200, 700ms, 0, 0);
  metrics.observe("manifest", 200, 20min, 0, 0);
  const auto all = samples(metrics);
  EXPECT_EQ(all.at(bucket("manifest", "5e-05")), 1);
  EXPECT_EQ(all.at(bucket("manifest", "0.0001")), 2);
  EXPECT_EQ(all.at(bucket("manifest", "0.5")), 2);
  EXPECT_EQ(all.at(bucket("manifest", "1")), 3);
  EXPECT_EQ(all.at(bucket("manifest", "600")), 3);
  EXPECT_EQ(all.at(bucket("manifest", "+Inf")), 4);
  EXPECT_EQ(all.at("bulkhead_http_request_duration_seconds_count{route=\"manifest\"}"), 4);
  EXPECT_NEAR(all.at("bulkhead_http_request_duration_seconds_sum{route=\"manifest\"}"), 1200.700101, 1e-6);
  EXPECT_EQ(all.at(bucket("blob", "+Inf")), 0);
}

TEST(Metrics, AddedValuesAreReadAtEachScrape) {
  Metrics metrics;
  double value = 1.5;
  metrics.add("bulkhead_things", "gauge", "Things there are.", [&value] { return value; });
  metrics.add("bulkhead_things_seen_total", "counter", "Things there were.",
              [] { return 9007199254740991.0; });
  EXPECT_EQ(samples(metrics).at("bulkhead_things"), 1.5);
  value = -2;
  const auto all = samples(metrics);
  EXPECT_EQ(all.at("bulkhead_things"), -2);
  EXPECT_EQ(all.at("bulkhead_things_seen_total"), 9007199254740991.0);
}

}  // namespace
}  // namespace bulkhead::api
