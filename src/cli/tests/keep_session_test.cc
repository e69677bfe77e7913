#include "cli/keep_session.h"

#include <gtest/gtest.h>

#include "base/testing/temporary_directory.h"

namespace bulkhead::cli {
namespace {

class Answering final : public ApiClient {
 public:
  Result<ApiAnswer> send(const ApiRequest& request) override {
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
    store_.put_session("https://a", {"alice", Secret<>("bhsession_a"), "", 1000});
    store_.put_session("https://b", {"bob", Secret<>("bhsession_b"), "", 0});
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
