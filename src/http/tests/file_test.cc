// Answers from files, and the check before their last bytes.
#include "http/tests/server_fixture.h"

namespace bulkhead::http {
namespace {

class FileAnswers : public ServerTest {
 protected:
  FileAnswers() : contents_(3'500'000, '\0') {
    for (std::size_t i = 0; i < contents_.size(); ++i)
      contents_[i] = static_cast<char>(i * 2654435761u >> 15);
    store(contents_);
  }
  std::string contents_;
};

TEST_F(FileAnswers, AreExactlyTheRange) {
  Client client(start());
  const std::pair<std::size_t, std::size_t> ranges[] = {{0, contents_.size() - 1},
                                                        {0, 0},
                                                        {contents_.size() - 1, contents_.size() - 1},
                                                        {1'000'000, 2'500'000},
                                                        {1, 65'536}};
  for (const auto& [first, last] : ranges)
    for (const std::string path : {"/file?", "/checked?"}) {
      const Answer answer = client.ask(get(path + std::to_string(first) + "-" + std::to_string(last)));
      EXPECT_EQ(answer.status, 206u);
      EXPECT_TRUE(answer.body == contents_.substr(first, last - first + 1)) << path << first << "-" << last;
    }
  EXPECT_EQ(handler_.checks, 5);
}

TEST_F(FileAnswers, HeadDoesNotCheck) {
  Client client(start());
  ASSERT_TRUE(client.send("HEAD /checked?0-99 HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_EQ(client.receive(true).header("Content-Length"), "100");
  EXPECT_EQ(client.ask(get("/hello")).body, "hello");
  EXPECT_EQ(handler_.checks, 0);
}

TEST_F(FileAnswers, AFailedCheckCutsTheAnswerShort) {
  handler_.sound = false;
  start();
  for (const std::string last : {"0", "999", "65535", "65536", "3499999"}) {
    Client client(port_);
    const Answer answer = client.ask(get("/checked?0-" + last));
    EXPECT_EQ(answer.status, 206u);
    const std::size_t length = std::stoul(last) + 1;
    EXPECT_EQ(answer.header("Content-Length"), std::to_string(length));
    EXPECT_LT(answer.body.size(), length);
    EXPECT_TRUE(answer.body == contents_.substr(0, answer.body.size()));
    EXPECT_TRUE(client.at_end());
  }
}

TEST_F(FileAnswers, AFileThatBecameShorterCutsTheAnswerShort) {
  Client client(start());
  const Answer answer = client.ask(get("/file?0-3500000"));
  EXPECT_EQ(answer.header("Content-Length"), "3500001");
  EXPECT_LE(answer.body.size(), contents_.size());
  EXPECT_TRUE(client.at_end());
}

TEST_F(FileAnswers, AreNotLostWhenTheConnectionCloses) {
  Client client(start());
  ASSERT_TRUE(client.send(get("/file?0-3499999", "Connection: close\r\n")));
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_TRUE(client.receive().body == contents_);
  EXPECT_TRUE(client.at_end());
}

}  // namespace
}  // namespace bulkhead::http
