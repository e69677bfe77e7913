#include "config/load.h"
#include "base/testing/temporary_directory.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <fstream>

namespace bulkhead::config {
namespace {

class Load : public testing::Test {
 protected:
  void file(std::string_view contents) {
    sources_.file = directory_ / "bulkhead.toml";
    std::ofstream(*sources_.file, std::ios::binary) << contents;
  }

  // The settings, of sources that must be right.
  Settings loaded() const {
    const auto result = load(sources_);
    EXPECT_TRUE(result) << result.error().message;
    return result ? result->settings : Settings{};
  }

  std::string origin(const std::string& key) const { return load(sources_)->origins.at(key); }

  // All errors, with the temporary directory cut off.
  std::string errors() const {
    const auto result = load(sources_);
    if (result) return "(none)";
    std::string text = result.error().message;
    const std::string prefix = directory_.string() + "/";
    for (auto at = text.find(prefix); at != text.npos; at = text.find(prefix)) text.erase(at, prefix.size());
    return text;
  }

  const TemporaryDirectory temporary_;
  const std::filesystem::path directory_ = temporary_.path();
  Sources sources_;
};

TEST_F(Load, NothingAtAllIsTheDefaults) {
  const Settings settings = loaded();
  EXPECT_EQ(settings.listen, (Endpoint{"127.0.0.1", 5000}));
  EXPECT_EQ(settings.database, "sqlite");
  EXPECT_EQ(settings.http.header_bytes, 32768u);
  EXPECT_EQ(settings.limits.upload_idle, 24h);
  EXPECT_TRUE(settings.hosts.empty());
  EXPECT_EQ(origin("listen"), "default");
}

TEST_F(Load, ReadsEveryTypeFromAFile) {
  file(R"(listen = "[::1]:5001"
data = "/srv/bulkhead"
hosts = ["a.example", "b.example:5000"]
trusted_proxies = ["10.0.0.0/8"]
http.threads = 3
[log]
level = "debug"
requests = true
[limits]
upload_idle = "90m"
manifest_bytes = 1048576
transfer_memory = "128MiB"
)");
  const Settings settings = loaded();
  EXPECT_EQ(settings.listen, (Endpoint{"::1", 5001}));
  EXPECT_EQ(settings.data, "/srv/bulkhead");
  EXPECT_EQ(settings.hosts, (std::vector<std::string>{"a.example", "b.example:5000"}));
  EXPECT_TRUE(settings.trusted_proxies.at(0).contains("10.9.9.9"));
  EXPECT_EQ(settings.http.threads, 3u);
  EXPECT_EQ(settings.log.level, LogLevel::debug);
  EXPECT_TRUE(settings.log.requests);
  EXPECT_EQ(settings.limits.upload_idle, 90min);
  EXPECT_EQ(settings.limits.manifest_bytes, kMiB);
  EXPECT_EQ(settings.limits.transfer_memory, 128 * kMiB);
}

TEST_F(Load, AFlagGoesBeforeTheEnvironmentBeforeTheFile) {
  file("[http]\nthreads = 1\nheaders = 11\nconnections = 21\n");
  sources_.environment = {{"BULKHEAD_HTTP_THREADS", "2"}, {"BULKHEAD_HTTP_HEADERS", "12"}};
  sources_.flags = {{"http.threads", "3"}};
  const Settings settings = loaded();
  EXPECT_EQ(settings.http.threads, 3u);
  EXPECT_EQ(settings.http.headers, 12u);
  EXPECT_EQ(settings.http.connections, 21u);
  EXPECT_EQ(origin("http.threads"), "--http-threads");
  EXPECT_EQ(origin("http.headers"), "BULKHEAD_HTTP_HEADERS");
  EXPECT_EQ(origin("http.connections"), (directory_ / "bulkhead.toml").string() + ":4");
  EXPECT_EQ(origin("offload.threads"), "default");
}

TEST_F(Load, NamesTheLineOfAnUnknownSettingAndTheNearest) {
  file("data = \"./data\"\n\nlisen = \"127.0.0.1:1\"\n");
  EXPECT_EQ(errors(), "bulkhead.toml:3: unknown setting \"lisen\"; did you mean \"listen\"?");
  file("[http]\nidle_timout = \"1s\"\n");
  EXPECT_EQ(errors(),
            "bulkhead.toml:2: unknown setting \"http.idle_timout\"; did you mean \"http.idle_timeout\"?");
  file("colour = \"blue\"\n");
  EXPECT_EQ(errors(), "bulkhead.toml:1: unknown setting \"colour\"");
}

TEST_F(Load, NoticesAnUnknownGroupEvenWhenItIsEmpty) {
  file("[htpp]\n");
  EXPECT_NE(errors().find("bulkhead.toml:1: unknown setting \"htpp\""), std::string::npos) << errors();
  file("[http]\n");
  EXPECT_EQ(errors(), "(none)");
}

TEST_F(Load, TellsAGroupFromASetting) {
  file("http = 5\n[listen]\naddress = \"127.0.0.1\"\n");
  EXPECT_EQ(errors(),
            "bulkhead.toml:1: \"http\" is a group of settings, not a setting\n"
            "bulkhead.toml:3: unknown setting \"listen.address\"");
}

TEST_F(Load, SaysWhatItExpectedAndWhatItGot) {
  file("http.threads = \"many\"\n");
  EXPECT_EQ(errors(), "bulkhead.toml:1: http.threads: expected an integer from 0 to 1024, not \"many\"");
  file("http.threads = 1025\n");
  EXPECT_EQ(errors(), "bulkhead.toml:1: http.threads: expected an integer from 0 to 1024, not 1025");
  file("http.threads = 1.5\n");
  EXPECT_EQ(
      errors(),
      "bulkhead.toml:1: http.threads: expected an integer from 0 to 1024, not a number with a fraction");
  file("tls.mode = \"on\"\n");
  EXPECT_EQ(errors(), "bulkhead.toml:1: tls.mode: expected one of \"off\", \"auto\", \"files\", not \"on\"");
  file("hosts = [1]\n");
  EXPECT_NE(errors().find("not a list with something other than text in it"), std::string::npos) << errors();
}

TEST_F(Load, RefusesANumberInQuotesInAFileButNotInTheEnvironment) {
  file("http.threads = \"4\"\n");
  EXPECT_NE(errors(), "(none)");
  sources_ = {};
  sources_.environment = {{"BULKHEAD_HTTP_THREADS", "4"}};
  EXPECT_EQ(loaded().http.threads, 4u);
}

TEST_F(Load, RefusesAKeyThatIsGivenTwice) {
  file("data = \"a\"\ndata = \"b\"\n");
  EXPECT_EQ(errors().rfind("bulkhead.toml:2: ", 0), 0u) << errors();
  file("http.threads = 1\n[http]\nthreads = 2\n");
  EXPECT_NE(errors(), "(none)");
}

TEST_F(Load, NamesTheLineOfASyntaxError) {
  file("data = \"a\"\nlisten = \n");
  EXPECT_EQ(errors().rfind("bulkhead.toml:2: ", 0), 0u) << errors();
}

TEST_F(Load, RefusesNestingWithoutEnd) {
  file("hosts = " + std::string(100'000, '['));
  EXPECT_EQ(errors().rfind("bulkhead.toml:1: ", 0), 0u) << errors();
}

TEST_F(Load, ReportsEveryMistakeOfEverySource) {
  file("lisen = 1\nhttp.threads = -1\n");
  sources_.environment = {{"BULKHEAD_DTAA", "x"}, {"BULKHEAD_LOG_LEVEL", "loud"}};
  sources_.flags = {{"auth.token_lifetime", "5"}, {"nonsense", "1"}};
  EXPECT_EQ(errors(),
            "bulkhead.toml:1: unknown setting \"lisen\"; did you mean \"listen\"?\n"
            "bulkhead.toml:2: http.threads: expected an integer from 0 to 1024, not -1\n"
            "BULKHEAD_DTAA: unknown environment variable; did you mean \"BULKHEAD_DATA\"?\n"
            "BULKHEAD_LOG_LEVEL: expected one of \"debug\", \"info\", \"warning\", \"error\", not \"loud\"\n"
            "--auth-token-lifetime: expected a duration with its unit (ms, s, m, h or d) from \"1m\" to "
            "\"1h\", not \"5\"\n"
            "nonsense: unknown setting");
}

TEST_F(Load, AWrongValueIsAnErrorEvenWhereAnotherSourceOverridesIt) {
  file("http.threads = -1\n");
  sources_.flags = {{"http.threads", "1"}};
  EXPECT_NE(errors(), "(none)");
}

TEST_F(Load, LeavesTheRestOfTheEnvironmentAlone) {
  sources_.environment = {{"PATH", "/bin"}, {"BULKHEADED", "x"}, {"HOME", "/"}};
  EXPECT_EQ(errors(), "(none)");
}

TEST_F(Load, LeavesTheVariablesOfAKubernetesServiceAlone) {
  sources_.environment = {{"BULKHEAD_SERVICE_HOST", "10.0.0.1"},
                          {"BULKHEAD_SERVICE_PORT", "5000"},
                          {"BULKHEAD_SERVICE_PORT_HTTP", "5000"},
                          {"BULKHEAD_PORT", "tcp://10.0.0.1:5000"},
                          {"BULKHEAD_PORT_5000_TCP_ADDR", "10.0.0.1"}};
  EXPECT_EQ(loaded().service, "bulkhead");
  sources_.environment = {{"BULKHEAD_SERVICE", "registry"}};
  EXPECT_EQ(loaded().service, "registry");
  sources_.environment = {{"BULKHEAD_SERVICES", "registry"}};
  EXPECT_NE(errors(), "(none)");
}

TEST_F(Load, AnErrorStaysOnItsLine) {
  sources_.environment = {{"BULKHEAD_X\nforged", "1"}, {"BULKHEAD_DATABASE", "a\nforged: fine"}};
  const std::string text = errors();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << text;
}

TEST_F(Load, NoErrorShowsADatabasePassword) {
  for (const auto url :
       {"mysql://u:hunter2@db/app", "postgre://u:hunter2@db/app", "postgres:/u:hunter2@db"}) {
    sources_.environment = {{"BULKHEAD_DATABASE", url}};
    EXPECT_EQ(errors().find("hunter2"), std::string::npos) << errors();
    EXPECT_NE(errors().find("***"), std::string::npos) << errors();
  }
}

TEST_F(Load, AMissingFileIsAnErrorThatNamesIt) {
  sources_.file = directory_ / "absent.toml";
  const auto result = load(sources_);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::not_found);
  EXPECT_NE(result.error().message.find("absent.toml"), std::string::npos);
}

TEST_F(Load, RefusesAFileThatIsNoSettingsFile) {
  file("#" + std::string(1 << 20, 'x'));
  EXPECT_EQ(load(sources_).error().code, Errc::too_large);
}

TEST_F(Load, TlsFromFilesNeedsBothFiles) {
  file("[tls]\nmode = \"files\"\ncertificate = \"a.pem\"\n");
  EXPECT_EQ(errors(), "bulkhead.toml:2: tls.mode is \"files\", which needs both tls.certificate and tls.key");
  file("[tls]\nmode = \"files\"\ncertificate = \"a.pem\"\nkey = \"b.pem\"\n");
  EXPECT_EQ(errors(), "(none)");
}

TEST_F(Load, ACertificateThatWouldNotBeUsedIsAnError) {
  sources_.flags = {{"tls.certificate", "a.pem"}, {"tls.key", "b.pem"}};
  EXPECT_EQ(errors(),
            "--tls-certificate: tls.certificate is set, but only tls.mode = \"files\" uses it\n"
            "--tls-key: tls.key is set, but only tls.mode = \"files\" uses it");
}

TEST_F(Load, OneThingOpensTheKeys) {
  sources_.flags = {
      {"keys_passphrase_file", "a"}, {"keys_pkcs11_module", "b"}, {"keys_pkcs11_pin_file", "c"}};
  EXPECT_EQ(
      errors(),
      "--keys-passphrase-file: keys_passphrase_file and keys_pkcs11_module are both set, but one thing opens "
      "the keys");
}

TEST_F(Load, ATokenNeedsItsModuleAndItsPin) {
  sources_.flags = {{"keys_pkcs11_module", "b"}};
  EXPECT_EQ(errors(), "--keys-pkcs11-module: keys_pkcs11_module is set, which needs keys_pkcs11_pin_file");
  sources_.flags = {{"keys_pkcs11_token", "t"}, {"keys_pkcs11_pin_file", "c"}};
  EXPECT_EQ(
      errors(),
      "--keys-pkcs11-token: keys_pkcs11_token is set, but without keys_pkcs11_module there is no token\n"
      "--keys-pkcs11-pin-file: keys_pkcs11_pin_file is set, but without keys_pkcs11_module there is no "
      "token");
}

TEST_F(Load, ASegmentFitsIntoTheJournal) {
  file("audit.journal_bytes = \"32MiB\"\n");
  EXPECT_EQ(errors(),
            "bulkhead.toml:1: audit.segment_bytes (64MiB) is larger than audit.journal_bytes (32MiB), which "
            "holds the "
            "segments");
  file("audit.journal_bytes = \"64MiB\"\n");
  EXPECT_EQ(errors(), "(none)");
}

TEST_F(Load, APasswordFileNeedsADatabaseWithAPassword) {
  sources_.flags = {{"database_password_file", "/run/secrets/db"}};
  EXPECT_NE(errors(), "(none)");
  sources_.flags["database"] = "postgres://bulkhead@db/bulkhead";
  EXPECT_EQ(errors(), "(none)");
}

}  // namespace
}  // namespace bulkhead::config
