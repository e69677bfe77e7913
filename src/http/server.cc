#include "http/server.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <charconv>
#include <chrono>
#include <deque>
#include <future>
#include <optional>
#include <thread>
#include <utility>
#include <variant>

#include "base/file.h"
#include "http/connection.h"
#include "http/crowd.h"

namespace bulkhead::http {
namespace {

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;
using Local = asio::local::stream_protocol;
constexpr std::chrono::minutes kBetweenComplaints{1};
using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

Result<Tcp::endpoint> parse_endpoint(std::string_view text) {
  const auto bad = [&] {
    return Error{Errc::invalid_argument,
                 fmt::format("\"{}\" is not ADDRESS:PORT; write 127.0.0.1:5000 or [::1]:5000", text)};
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return bad();
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.empty() || host == "*") host = "0.0.0.0";
  if (host == "localhost") host = "127.0.0.1";
  const std::string_view digits = text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc() || end != digits.data() + digits.size() || digits.empty()) return bad();
  boost::system::error_code parse_error;
  const auto address = asio::ip::make_address(host, parse_error);
  if (parse_error) return bad();
  return Tcp::endpoint(address, port);
}

// IPv4 addresses that arrive on an IPv6 socket are shown as what they are.
std::string client_address(const Tcp::endpoint& endpoint) {
  const auto address = endpoint.address();
  if (address.is_v6() && address.to_v6().is_v4_mapped())
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
  return address.to_string();
}

// Whether the other end of a local socket is this process's user, or root.
bool is_own_user(int socket) {
  ::ucred peer{};
  ::socklen_t size = sizeof peer;
  return ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
         (peer.uid == ::geteuid() || peer.uid == 0);
}

// One of the acceptors that share an address; the kernel spreads connections over them.
Result<Tcp::acceptor> open_acceptor(asio::io_context& context, const Tcp::endpoint& endpoint, bool shared) {
  Tcp::acceptor acceptor(context);
  boost::system::error_code error;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(Tcp::acceptor::reuse_address(true), error);
  if (!error && shared) acceptor.set_option(ReusePort(true), error);
  if (!error && endpoint.address().is_v6()) acceptor.set_option(asio::ip::v6_only(false), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error && shared) acceptor.listen(4096, error);
  if (error)
    return Error{Errc::unavailable, fmt::format("cannot listen on {}:{}: {}", endpoint.address().to_string(),
                                                endpoint.port(), error.message())};
  ::fcntl(acceptor.native_handle(), F_SETFD, FD_CLOEXEC);
  return acceptor;
}

// What belongs to one event loop, touched only there once the loops run.
struct Loop {
  explicit Loop(asio::io_context& io) : context(io), sweeper(io) {}
  asio::io_context& context;
  net::Sweeper sweeper;
  std::deque<std::variant<Tcp::acceptor, Local::acceptor>> acceptors;  // accept() holds references to them
  boost::intrusive::list<Connection, boost::intrusive::constant_time_size<false>> connections;
  // Given up where there is no other descriptor: to serve the operator, and to close on a stranger who would
  // else wait.
  FileDescriptor reserve;
  std::chrono::steady_clock::time_point next_complaint{};
  void keep_reserve() {
    if (!reserve.valid()) reserve = FileDescriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  }
};

}  // namespace

struct Server::State {
  State(async::OffloadPool& files, Limits limits, Hooks hooks, const net::TlsContext* tls_context, Log& log)
      : shared{files, limits, std::move(hooks), log, {}, {}},
        tls(tls_context),
        crowd(limits.connections, limits.connections_per_address) {}

  template <class Acceptor>
  async::Task<> accept(Loop& loop, Acceptor& acceptor);
  // `networks`: where it comes from; nothing for a local one, which is not counted.
  void open(Loop& loop, net::Socket socket, std::string address, const std::optional<Networks>& networks);
  async::Task<> serve(std::shared_ptr<Connection> connection);
  // On each loop the one of them that has been idle for longest is closed, soon.
  void close_idle(const Crowd::Fullest& fullest);
  void leave(const std::optional<Networks>& networks);

  Shared shared;
  const net::TlsContext* tls;
  Crowd crowd;
  std::vector<std::unique_ptr<Loop>> loops;
  std::filesystem::path local_path;
};

Server::Server(async::Loops& loops, async::OffloadPool& files, Limits limits, Hooks hooks,
               const net::TlsContext* tls, Log& log)
    : state_(std::make_unique<State>(files, limits, std::move(hooks), tls, log)) {
  for (std::size_t i = 0; i < loops.size(); ++i) state_->loops.push_back(std::make_unique<Loop>(loops.at(i)));
}

Server::~Server() = default;

const Counters& Server::counters() const { return state_->shared.counters; }

void Server::State::leave(const std::optional<Networks>& networks) {
  if (networks) crowd.leave(*networks);
  --shared.counters.open;
}

void Server::State::close_idle(const Crowd::Fullest& fullest) {
  for (auto& loop : loops)
    asio::post(loop->context, [at = loop.get(), fullest] {
      Connection* longest = nullptr;
      for (Connection& each : at->connections) {
        if (!each.networks() || (*each.networks())[fullest.width] != fullest.network) continue;
        if (each.idle() && (longest == nullptr || each.idle_since() < longest->idle_since())) longest = &each;
      }
      if (longest != nullptr) longest->stop(false);
    });
}

async::Task<> Server::State::serve(std::shared_ptr<Connection> connection) {
  const std::optional<Networks> networks = connection->networks();
  try {
    co_await connection->run();
  } catch (const std::exception& error) {
    shared.log.error("a connection failed on a bug", {{"error", error.what()}});
  }
  connection.reset();
  leave(networks);
}

void Server::State::open(Loop& loop, net::Socket socket, std::string address,
                         const std::optional<Networks>& networks) {
  ++shared.counters.accepted;
  if (networks) {
    const auto entry = crowd.enter(*networks);
    if (!entry.entered || entry.fullest) ++shared.counters.refused;
    if (!entry.entered) return;
    if (entry.fullest) close_idle(*entry.fullest);
  }
  ++shared.counters.open;
  try {
    net::SslPointer session;
    if (tls != nullptr && networks) {
      session = tls->accept(socket.native_handle());
      if (!session) throw std::bad_alloc();
    }
    auto connection = std::make_shared<Connection>(shared, std::move(socket), std::move(session),
                                                   loop.sweeper, std::move(address), networks);
    loop.connections.push_back(*connection);
    asio::co_spawn(loop.context, serve(std::move(connection)), asio::detached);
  } catch (const std::exception& error) {
    shared.log.error("a connection could not be served", {{"error", error.what()}});
    leave(networks);
  }
}

template <class Acceptor>
async::Task<> Server::State::accept(Loop& loop, Acceptor& acceptor) {
  constexpr bool local = std::is_same_v<Acceptor, Local::acceptor>;
  asio::steady_timer pause(loop.context);
  bool giving_way = false;
  for (;;) {
    if (!giving_way) loop.keep_reserve();
    auto [error, socket] = co_await acceptor.async_accept(async::kTuple);
    if (error == asio::error::operation_aborted || !acceptor.is_open()) co_return;
    const bool gave_way = std::exchange(giving_way, false);
    if (error) {
      if (const auto now = std::chrono::steady_clock::now(); now >= loop.next_complaint) {
        loop.next_complaint = now + kBetweenComplaints;
        shared.log.warning("cannot accept a connection; saying so once a minute",
                           {{"reason", error.message()}});
      }
      if (!gave_way && loop.reserve.valid()) {
        loop.reserve = FileDescriptor();
        giving_way = true;
        continue;
      }
      // Trying again at once would only burn the processor.
      pause.expires_after(std::chrono::milliseconds(100));
      co_await pause.async_wait(async::kTuple);
      continue;
    }
    if constexpr (local) {
      // The file's mode keeps others out; should it have been changed, the kernel still says who is there.
      if (is_own_user(socket.native_handle())) open(loop, std::move(socket), "local", std::nullopt);
    } else if (gave_way) {
      ++shared.counters.accepted;
      ++shared.counters.refused;
    } else {
      boost::system::error_code ignored;
      socket.set_option(Tcp::no_delay(true), ignored);
      const auto peer = socket.remote_endpoint(ignored);
      if (!ignored)
        open(loop, std::move(socket), client_address(peer), networks_around(client_address(peer)));
    }
  }
}

Result<void> Server::may_listen(std::string_view address) {
  const auto endpoint = parse_endpoint(address);
  if (!endpoint) return endpoint.error();
  asio::io_context context;
  if (auto free = open_acceptor(context, *endpoint, false); !free) return free.error();
  return {};
}

Result<std::uint16_t> Server::listen(std::string_view address) {
  auto endpoint = parse_endpoint(address);
  if (!endpoint) return endpoint.error();
  if (endpoint->port() != 0) {
    // Acceptors that share an address would share it with another server of the same user as well.
    if (auto free = open_acceptor(state_->loops.front()->context, *endpoint, false); !free)
      return free.error();
  }
  std::vector<Tcp::acceptor> acceptors;
  for (auto& loop : state_->loops) {
    auto acceptor = open_acceptor(loop->context, *endpoint, true);
    if (!acceptor) return acceptor.error();
    // Port 0: the first loop's choice is everybody's.
    endpoint->port(acceptor->local_endpoint().port());
    acceptors.push_back(std::move(*acceptor));
  }
  for (std::size_t i = 0; i < acceptors.size(); ++i) {
    Loop& loop = *state_->loops[i];
    auto& acceptor = std::get<Tcp::acceptor>(loop.acceptors.emplace_back(std::move(acceptors[i])));
    asio::co_spawn(loop.context, state_->accept(loop, acceptor), asio::detached);
  }
  return endpoint->port();
}

Result<void> Server::listen_local(const std::filesystem::path& path) {
  if (path.native().size() >= sizeof(::sockaddr_un::sun_path))
    return Error{Errc::invalid_argument, fmt::format("the path {} is too long for a socket", path.string())};
  Loop& loop = *state_->loops.front();
  std::error_code ignored;
  if (std::filesystem::is_socket(path, ignored)) std::filesystem::remove(path, ignored);
  boost::system::error_code error;
  Local::acceptor acceptor(loop.context);
  acceptor.open(Local(), error);
  // The mode that bind(2) gives the file, so that nobody else can connect at any time.
  if (!error && ::fchmod(acceptor.native_handle(), 0600) != 0)
    error = {errno, boost::system::system_category()};
  if (!error) acceptor.bind(Local::endpoint(path.string()), error);
  if (!error) acceptor.listen(64, error);
  if (error)
    return Error{Errc::unavailable, fmt::format("cannot listen on {}: {}", path.string(), error.message())};
  ::fcntl(acceptor.native_handle(), F_SETFD, FD_CLOEXEC);
  auto& listening = std::get<Local::acceptor>(loop.acceptors.emplace_back(std::move(acceptor)));
  state_->local_path = path;
  asio::co_spawn(loop.context, state_->accept(loop, listening), asio::detached);
  return {};
}

void Server::stop(std::chrono::milliseconds deadline) {
  state_->shared.stopping = true;
  const auto on_each_loop = [&](auto work) {
    for (auto& loop : state_->loops) {
      std::promise<void> done;
      asio::post(loop->context, [&] {
        work(*loop);
        done.set_value();
      });
      done.get_future().wait();
    }
  };
  const auto stop_connections = [](bool now) {
    return [now](Loop& loop) {
      for (Connection& connection : loop.connections) connection.stop(now);
    };
  };
  on_each_loop([](Loop& loop) {
    for (auto& acceptor : loop.acceptors)
      std::visit(
          [](auto& open) {
            boost::system::error_code ignored;
            open.close(ignored);
          },
          acceptor);
  });
  on_each_loop(stop_connections(false));
  const auto end = std::chrono::steady_clock::now() + deadline;
  while (state_->shared.counters.open > 0 && std::chrono::steady_clock::now() < end)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  on_each_loop(stop_connections(true));
  const auto last = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  while (state_->shared.counters.open > 0 && std::chrono::steady_clock::now() < last)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  std::error_code ignored;
  if (!state_->local_path.empty()) std::filesystem::remove(state_->local_path, ignored);
}

}  // namespace bulkhead::http
