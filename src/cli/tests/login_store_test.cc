#include "cli/login_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/bytes.h"
#include "base/file.h"
#include "base/testing/temporary_directory.h"
#include "cli/credential_helper.h"

namespace bulkhead::cli {
namespace {

class Store : public testing::Test {
 protected:
  LoginStore load() {
    auto loaded = LoginStore::load(path_);
    if (!loaded) throw std::runtime_error(loaded.error().message);
    return *std::move(loaded);
  }

  TemporaryDirectory directory_;
  std::filesystem::path path_ = directory_.path() / "bulkhead" / "credentials.json";
};

TEST(ServerUrl, HasASchemeAndNoPath) {
  EXPECT_EQ(server_url("registry.example.com").value(), "https://registry.example.com");
  EXPECT_EQ(server_url("registry.example.com:5000/").value(), "https://registry.example.com:5000");
  EXPECT_EQ(server_url("http://registry.example.com").value(), "http://registry.example.com");
  EXPECT_EQ(server_url("127.0.0.1:5000").value(), "http://127.0.0.1:5000");
  EXPECT_EQ(server_url("localhost").value(), "http://localhost");
  EXPECT_EQ(server_url("https://localhost").value(), "https://localhost");
  EXPECT_EQ(server_url("[::1]:5000").value(), "http://[::1]:5000");
  // The name of this machine is not the beginning of another's.
  EXPECT_EQ(server_url("localhost.example.com").value(), "https://localhost.example.com");
  EXPECT_EQ(server_url("127.example.com").value(), "https://127.example.com");
}

TEST(ServerUrl, RefusesWhatIsNoServer) {
  for (const std::string_view text :
       {"", "https://", "ftp://a", "https://a/b", "https://user@a", "a b", "a?x", "https://a#b", "://a"})
    EXPECT_FALSE(server_url(text)) << text;
}

TEST(RegistryOf, IsHostAndPort) {
  EXPECT_EQ(registry_of("https://a.example:5000"), "a.example:5000");
  EXPECT_EQ(registry_of("https://a.example/v2/"), "a.example");
  EXPECT_EQ(registry_of("a.example"), "a.example");
}

TEST_F(Store, IsEmptyWithoutAFile) {
  const LoginStore store = load();
  EXPECT_EQ(store.current(), "");
  EXPECT_TRUE(store.sessions().empty());
}

TEST_F(Store, KeepsWhatWasPutIntoIt) {
  LoginStore written = load();
  ASSERT_TRUE(written.update([](LoginStore& store) {
    store.put_session("https://a", {"alice", Secret<>("bhsession_a"), "/ca.pem"});
    store.put_session("https://b", {"bob", Secret<>("bhsession_b"), ""});
    store.put_registry("a", {"alice", Secret<>("bhpat_a"), 12});
  }));
  const LoginStore again = load();
  EXPECT_EQ(again.current(), "https://b");
  EXPECT_EQ(again.sessions().at("https://a").name, "alice");
  EXPECT_EQ(again.sessions().at("https://a").token.reveal(), "bhsession_a");
  EXPECT_EQ(again.sessions().at("https://a").ca, "/ca.pem");
  EXPECT_EQ(again.registries().at("a").secret.reveal(), "bhpat_a");
  EXPECT_EQ(again.registries().at("a").token, 12);
}

TEST_F(Store, KeepsWhatOthersPutIntoItMeanwhile) {
  LoginStore mine = load();
  LoginStore theirs = load();
  ASSERT_TRUE(theirs.update([](LoginStore& store) {
    store.put_session("https://b", {"bob", Secret<>("bhsession_b"), ""});
  }));
  ASSERT_TRUE(mine.update([](LoginStore& store) {
    store.put_session("https://a", {"alice", Secret<>("bhsession_a"), ""});
  }));
  EXPECT_EQ(mine.sessions().size(), 2u);
  EXPECT_EQ(load().sessions().size(), 2u);
}

TEST_F(Store, IsForItsOwnersEyesOnly) {
  LoginStore store = load();
  ASSERT_TRUE(store.update([](LoginStore&) {}));
  struct ::stat status {};
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  ASSERT_EQ(::stat(path_.parent_path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700u);
  ASSERT_EQ(::chmod(path_.c_str(), 0640), 0);
  const auto refused = LoginStore::load(path_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::denied);
}

TEST_F(Store, RefusesAFileThatIsNone) {
  ASSERT_TRUE(make_directories(path_.parent_path()));
  for (const std::string_view contents : {"", "[]", "{", "{\"a\":1,\"a\":2}"}) {
    ASSERT_TRUE(replace_file(path_, as_bytes(contents)));
    EXPECT_FALSE(LoginStore::load(path_)) << contents;
  }
}

TEST_F(Store, GivesBackWhatIsReplaced) {
  LoginStore store = load();
  EXPECT_FALSE(store.put_session("https://a", {"alice", Secret<>("x"), ""}));
  EXPECT_EQ(store.put_session("https://a", {"bob", Secret<>("y"), ""})->token.reveal(), "x");
  EXPECT_EQ(store.drop_session("https://a")->name, "bob");
  EXPECT_FALSE(store.drop_session("https://a"));
  EXPECT_FALSE(store.put_registry("a", {"alice", Secret<>("x"), 1}));
  EXPECT_EQ(store.put_registry("a", {"alice", Secret<>("y"), 2})->token, 1);
  EXPECT_EQ(store.drop_registry("a")->token, 2);
  EXPECT_FALSE(store.drop_registry("a"));
}

TEST_F(Store, GoesBackToAnotherServerAfterALogout) {
  LoginStore store = load();
  store.put_session("https://a", {"alice", Secret<>("x"), ""});
  store.put_session("https://b", {"bob", Secret<>("y"), ""});
  store.drop_session("https://b");
  EXPECT_EQ(store.current(), "https://a");
  store.drop_session("https://a");
  EXPECT_EQ(store.current(), "");
}

// The protocol of docker-credential-helpers.
class Helper : public Store {
 protected:
  std::string ask(std::string_view action, std::string_view input) {
    auto answer = answer_credential_request(store_, action, input);
    return answer ? std::string(answer->reveal()) : "error: " + answer.error().message;
  }

  LoginStore store_ = load();
};

TEST_F(Helper, StoresGetsListsAndErases) {
  EXPECT_EQ(ask("store", R"({"ServerURL":"https://a.example/v2/","Username":"alice","Secret":"bhpat_x"})"),
            "");
  EXPECT_EQ(ask("get", "a.example\n"), R"({"ServerURL":"a.example","Username":"alice","Secret":"bhpat_x"})");
  EXPECT_EQ(ask("list", ""), R"({"a.example":"alice"})");
  store_ = load();
  EXPECT_EQ(ask("get", "https://a.example"),
            R"({"ServerURL":"https://a.example","Username":"alice","Secret":"bhpat_x"})");
  EXPECT_EQ(ask("erase", "a.example\n"), "");
  EXPECT_EQ(ask("get", "a.example"), "error: credentials not found in native keychain");
  EXPECT_EQ(ask("erase", "a.example"), "");
}

TEST_F(Helper, RefusesWhatItDoesNotUnderstand) {
  for (const std::string_view input : {"", "[]", "{}", "{\"ServerURL\":\"\"}", "not json"})
    EXPECT_TRUE(ask("store", input).starts_with("error: ")) << input;
  EXPECT_TRUE(ask("steal", "").starts_with("error: usage"));
  EXPECT_EQ(ask("get", ""), "error: credentials not found in native keychain");
}

TEST(CredentialHelper, IsKnownByItsName) {
  EXPECT_TRUE(is_credential_helper("docker-credential-bulkhead"));
  EXPECT_TRUE(is_credential_helper("/usr/local/bin/docker-credential-bulkhead"));
  EXPECT_FALSE(is_credential_helper("/usr/bin/bulkhead"));
  EXPECT_FALSE(is_credential_helper("/docker-credential-bulkhead/bulkhead"));
}

}  // namespace
}  // namespace bulkhead::cli
