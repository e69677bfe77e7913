// A client that sends exactly the bytes it is told to, and reads answers with a time limit of its own so that
// a wrong server fails a test instead of hanging it.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/file.h"
#include "http/request.h"

namespace bulkhead::http {

struct Answer {
  unsigned status = 0;  // 0: the connection ended instead
  std::string head;
  std::string body;

  std::string header(std::string_view name) const {
    for (std::size_t at = head.find("\r\n"); at != std::string::npos && at + 2 < head.size();) {
      const std::size_t end = head.find("\r\n", at + 2);
      const std::string_view line = std::string_view(head).substr(at + 2, end - at - 2);
      const std::size_t colon = line.find(": ");
      if (colon != std::string_view::npos && equals_ignoring_case(line.substr(0, colon), name))
        return std::string(line.substr(colon + 2));
      at = end;
    }
    return "";
  }
};

class Client {
 public:
  explicit Client(std::uint16_t port, int receive_buffer = 0) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    prepare(receive_buffer);
    ::sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket_.get(), reinterpret_cast<::sockaddr*>(&address), sizeof address), 0);
  }
  explicit Client(const std::filesystem::path& path) : socket_(::socket(AF_UNIX, SOCK_STREAM, 0)) {
    prepare(0);
    ::sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    EXPECT_EQ(::connect(socket_.get(), reinterpret_cast<::sockaddr*>(&address), sizeof address), 0);
  }

  int descriptor() const { return socket_.get(); }

  // False when the server has closed.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }
  void end() { ::shutdown(socket_.get(), SHUT_WR); }

  // The next answer; its body may end early, and is absent for a HEAD request.
  Answer receive(bool head_request = false) {
    Answer answer;
    std::size_t end = std::string::npos;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos)
      if (!more()) return answer;
    answer.head = take(end + 2);
    take(2);
    if (!answer.head.starts_with("HTTP/1.1 ")) return answer;
    std::from_chars(answer.head.data() + 9, answer.head.data() + 12, answer.status);
    if (head_request || answer.status < 200 || answer.status == 204 || answer.status == 304) return answer;
    const std::string length = answer.header("Content-Length");
    std::size_t wanted = 0;
    std::from_chars(length.data(), length.data() + length.size(), wanted);
    while (buffer_.size() < wanted && more()) {
    }
    answer.body = take(std::min(wanted, buffer_.size()));
    return answer;
  }
  Answer ask(std::string_view bytes) {
    EXPECT_TRUE(send(bytes));
    return receive();
  }
  // The server has closed, in an orderly way, and sent nothing more.
  bool at_end() { return buffer_.empty() && !more() && ended_; }
  // At least one more byte arrives within the time.
  bool within(std::chrono::milliseconds time) {
    set_time(time);
    const bool arrived = !buffer_.empty() || more();
    set_time(kPatience);
    return arrived;
  }
  // One read of at most `size` bytes; how many there were.
  std::size_t take_some(std::size_t size) {
    std::string piece(size, '\0');
    const ssize_t count = ::recv(socket_.get(), piece.data(), size, 0);
    return count > 0 ? static_cast<std::size_t>(count) : 0;
  }

 private:
  static constexpr std::chrono::milliseconds kPatience{30'000};

  void prepare(int receive_buffer) {
    set_time(kPatience);
    if (receive_buffer > 0)
      ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  }
  void set_time(std::chrono::milliseconds time) {
    const ::timeval value{time.count() / 1000, time.count() % 1000 * 1000};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &value, sizeof value);
  }
  bool more() {
    char piece[65536];
    const ssize_t count = ::recv(socket_.get(), piece, sizeof piece, 0);
    if (count == 0) ended_ = true;
    if (count <= 0) return false;
    buffer_.append(piece, static_cast<std::size_t>(count));
    return true;
  }
  std::string take(std::size_t count) {
    std::string front = buffer_.substr(0, count);
    buffer_.erase(0, count);
    return front;
  }

  FileDescriptor socket_;
  std::string buffer_;
  bool ended_ = false;
};

}  // namespace bulkhead::http
