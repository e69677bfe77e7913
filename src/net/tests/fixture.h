// A Stream on one end of a connected pair of sockets, driven on the test's thread; the test holds the other
// end.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <random>
#include <string>
#include <thread>

#include "base/file.h"
#include "base/testing/temporary_directory.h"
#include "net/stream.h"

namespace bulkhead::net {

class StreamTest : public testing::Test {
 protected:
  static constexpr std::chrono::milliseconds kLong{60'000};

  StreamTest() { ::signal(SIGPIPE, SIG_IGN); }

  // TCP, because Unix sockets buffer by message and not by byte.
  static std::pair<FileDescriptor, FileDescriptor> connected_pair() {
    const FileDescriptor listener(::socket(AF_INET, SOCK_STREAM, 0));
    ::sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<::sockaddr*>(&address);
    EXPECT_EQ(::bind(listener.get(), generic, size), 0);
    EXPECT_EQ(::listen(listener.get(), 1), 0);
    EXPECT_EQ(::getsockname(listener.get(), generic, &size), 0);
    FileDescriptor client(::socket(AF_INET, SOCK_STREAM, 0));
    EXPECT_EQ(::connect(client.get(), generic, size), 0);
    FileDescriptor server(::accept(listener.get(), nullptr, nullptr));
    EXPECT_TRUE(server.valid());
    return {std::move(server), std::move(client)};
  }

  Socket adopt(FileDescriptor descriptor) {
    const int own = ::dup(descriptor.get());
    return Socket(io_, boost::asio::generic::stream_protocol(AF_INET, SOCK_STREAM), own);
  }

  // Runs the loop on this thread until the task ends.
  template <class T>
  T run(async::Task<T> task) {
    auto future = boost::asio::co_spawn(io_, std::move(task), boost::asio::use_future);
    io_.restart();
    while (future.wait_for(std::chrono::seconds(0)) != std::future_status::ready) io_.run_one();
    return future.get();
  }

  // A file whose every piece differs, on disk and, where the file system allows it, out of memory.
  FileDescriptor file(std::string_view contents) {
    const auto path = directory_ / ("file-" + std::to_string(files_++));
    std::ofstream(path, std::ios::binary) << contents;
    auto opened = open_file(path, O_RDONLY);
    EXPECT_TRUE(opened);
    EXPECT_TRUE(sync_file(opened->get(), path));
    ::posix_fadvise(opened->get(), 0, 0, POSIX_FADV_DONTNEED);
    return std::move(*opened);
  }
  static std::string noise(std::size_t size) {
    std::mt19937 random(static_cast<unsigned>(size));
    std::string text(size, '\0');
    for (char& c : text) c = static_cast<char>(random());
    return text;
  }

  // Everything until the end of the stream.
  static std::string read_all(int socket) {
    std::string out;
    char buffer[65536];
    for (;;) {
      const ssize_t count = ::read(socket, buffer, sizeof buffer);
      if (count <= 0) return out;
      out.append(buffer, static_cast<std::size_t>(count));
    }
  }
  static bool send_all(int socket, std::string_view text) {
    return ::send(socket, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
  }

  const TemporaryDirectory temporary_;
  const std::filesystem::path directory_ = temporary_.path();
  int files_ = 0;
  boost::asio::io_context io_{1};
  Sweeper sweeper_{io_};
};

}  // namespace bulkhead::net
