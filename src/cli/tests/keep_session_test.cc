#include "cli/keep_session.h"

#include <gtest/gtest.h>

#include "base/testing/temporary_directory.h"

namespace bulkhead::cli {
namespace {

class Answering final : public ApiClient {
 public:
  Result<ApiAnswer> exchange(const ApiRequest& request) override {
    asked.push_back(request.method + " " + request.path);
    if (error) return *error;
    return ApiAnswer{200, nullptr, ""};
  }

  std::optional<Error> error;
  std::vector<std::string> asked;
};

class KeepSession : public testing::Test {
 protected:
  KeepSession() {
    put("https://a", "bhsession_a", 1000);
    put("https://b", "bhsession_b", 0);
  }
  void put(const std::string& server, const char* session, std::int64_t at) {
    EXPECT_TRUE(store_.update([&](LoginStore& store) {
      store.put_session(server, {"somebody", Secret<>(session), "", at});
    }));
  }
  std::int64_t refresh_at(const std::string& server) { return store_.sessions().at(server).refresh_at; }

  TemporaryDirectory directory_;
  LoginStore store_ = LoginStore::load(directory_.path() / "credentials.json").value();
  Answering client_;
};

TEST_F(KeepSession, AsksOnceAnHour) {
  keep_session(client_, store_, "https://a", 999);
  EXPECT_TRUE(client_.asked.empty());
  keep_session(client_, store_, "https://a", 1000);
  keep_session(client_, store_, "https://a", 1001);
  EXPECT_EQ(client_.asked, std::vector<std::string>{"POST /sessions/current/refresh"});
  EXPECT_EQ(refresh_at("https://a"), 1000 + kRefreshSeconds);
  EXPECT_EQ(LoginStore::load(directory_.path() / "credentials.json")->sessions().at("https://a").refresh_at,
            1000 + kRefreshSeconds);
}

TEST_F(KeepSession, LeavesALogInOfMeanwhileAsItIs) {
  LoginStore before = LoginStore::load(directory_.path() / "credentials.json").value();
  put("https://a", "bhsession_new", 5000);
  keep_session(client_, before, "https://a", 1000);
  const LoginStore after = LoginStore::load(directory_.path() / "credentials.json").value();
  EXPECT_EQ(after.sessions().at("https://a").token.reveal(), "bhsession_new");
  EXPECT_EQ(after.sessions().at("https://a").refresh_at, 5000);
}

TEST_F(KeepSession, LeavesOtherSessionsAlone) {
  keep_session(client_, store_, "https://b", 1'000'000);
  keep_session(client_, store_, "https://c", 1'000'000);
  EXPECT_TRUE(client_.asked.empty());
}

TEST_F(KeepSession, TriesAgainSoonerWhenTheProviderIsDownAndNeverWhenThereIsNothingToAsk) {
  client_.error = Error{Errc::unavailable, "down"};
  keep_session(client_, store_, "https://a", 2000);
  EXPECT_GT(refresh_at("https://a"), 2000);
  EXPECT_LT(refresh_at("https://a"), 2000 + kRefreshSeconds);
  client_.error = Error{Errc::conflict, "no"};
  keep_session(client_, store_, "https://a", 3000);
  EXPECT_EQ(refresh_at("https://a"), 0);
}

}  // namespace
}  // namespace bulkhead::cli
