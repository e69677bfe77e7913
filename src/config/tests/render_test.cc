#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>

#include "base/file.h"
#include "config/load.h"

namespace bulkhead::config {
namespace {

std::filesystem::path temporary_file() {
  std::string pattern = (std::filesystem::temp_directory_path() / "bulkhead-config-XXXXXX").string();
  return FileDescriptor(::mkstemp(pattern.data())).valid() ? pattern : "";
}

TEST(RenderToml, ShowsValueAndOrigin) {
  Sources sources;
  sources.environment = {{"BULKHEAD_HTTP_THREADS", "2"}};
  sources.flags = {{"tls.mode", "auto"}};
  const std::string text = render_toml(load(sources).value());
  EXPECT_EQ(text.rfind("listen = \"127.0.0.1:5000\"  # default\n", 0), 0u) << text;
  EXPECT_NE(text.find("\n[tls]\nmode = \"auto\"  # --tls\n"), text.npos) << text;
  EXPECT_NE(text.find("\n[http]\nthreads = 2  # BULKHEAD_HTTP_THREADS\n"), text.npos) << text;
}

TEST(RenderToml, LoadsBackAsTheSameSettings) {
  Sources sources;
  sources.flags = {{"listen", "[::1]:5001"},
                   {"hosts", "a.example,b.example:5000"},
                   {"trusted_proxies", "10.0.0.0/8"},
                   {"data", "/srv/with \"quotes\" and \\"},
                   {"limits.upload_idle", "90m"},
                   {"limits.manifest_bytes", "1025"},
                   {"log.format", "json"},
                   {"metrics.public", "true"}};
  const std::string first = render_toml(load(sources).value());

  const auto path = temporary_file();
  std::ofstream(path) << first;
  Sources again;
  again.file = path;
  const auto loaded = load(again);
  std::filesystem::remove(path);
  ASSERT_TRUE(loaded) << loaded.error().message;

  Loaded with_first_origins = *loaded;
  with_first_origins.origins = load(sources)->origins;
  EXPECT_EQ(render_toml(with_first_origins), first);
  EXPECT_EQ(loaded->settings.data, "/srv/with \"quotes\" and \\");
}

TEST(RenderExample, SetsWhatWasSetAndNothingElse) {
  Sources sources;
  sources.flags = {{"data", "/var/lib/bulkhead"}, {"log.format", "json"}};
  const std::string text = render_example(load(sources).value());
  EXPECT_NE(text.find("\ndata = \"/var/lib/bulkhead\"\n"), text.npos) << text;
  EXPECT_NE(text.find("\n#listen = \"127.0.0.1:5000\"\n"), text.npos) << text;

  const auto path = temporary_file();
  std::ofstream(path) << text;
  Sources again;
  again.file = path;
  const auto loaded = load(again);
  std::filesystem::remove(path);
  ASSERT_TRUE(loaded) << loaded.error().message;
  for (const auto& [key, origin] : loaded->origins)
    EXPECT_EQ(origin == "default", !sources.flags.contains(key)) << key << ": " << origin;
}

// What a reader gets who takes away every # that stands before a setting.
TEST(RenderExample, EveryDefaultInItIsAccepted) {
  std::string text = render_example(load({}).value());
  for (auto at = text.find("\n#"); at != text.npos; at = text.find("\n#", at + 1))
    if (text[at + 2] != ' ') text.erase(at + 1, 1);
  const auto path = temporary_file();
  std::ofstream(path) << text;
  Sources sources;
  sources.file = path;
  const auto loaded = load(sources);
  std::filesystem::remove(path);
  ASSERT_TRUE(loaded) << loaded.error().message;
  for (const auto& [key, origin] : loaded->origins) EXPECT_NE(origin, "default") << key;
}

TEST(RenderToml, HidesADatabasePassword) {
  Sources sources;
  sources.flags = {{"database", "postgres://bulkhead:hunter2@db/bulkhead"}};
  const auto loaded = load(sources).value();
  EXPECT_EQ(loaded.settings.database, "postgres://bulkhead:hunter2@db/bulkhead");
  const std::string text = render_toml(loaded);
  EXPECT_EQ(text.find("hunter2"), text.npos);
  EXPECT_NE(text.find("database = \"postgres://bulkhead:***@db/bulkhead\"  # --database\n"), text.npos)
      << text;
}

TEST(RenderToml, AFileNameCannotAddALine) {
  Loaded loaded = load({}).value();
  loaded.origins["data"] = "a\nlisten = \"0.0.0.0:1\":3";
  EXPECT_EQ(render_toml(loaded).find("\nlisten"), std::string::npos);
}

TEST(Reference, NamesEverySettingOnce) {
  const std::string page = render_reference();
  for (const SettingInfo& info : settings()) {
    const auto heading = "\n### `" + info.key + "`\n";
    const auto at = page.find(heading);
    ASSERT_NE(at, page.npos) << info.key;
    EXPECT_EQ(page.find(heading, at + 1), page.npos) << info.key;
    EXPECT_NE(page.find("`" + info.environment + "`, `" + info.flag + "`"), page.npos) << info.key;
  }
}

TEST(Reference, IsTheCommittedPage) {
  const auto page = read_file(std::filesystem::path(BULKHEAD_SOURCE) / "docs/guide/settings.md", 1 << 20);
  ASSERT_TRUE(page) << page.error().message;
  EXPECT_EQ(*page, render_reference())
      << "Write the page anew: build/release/bulkhead config reference > docs/guide/settings.md";
}

}  // namespace
}  // namespace bulkhead::config
