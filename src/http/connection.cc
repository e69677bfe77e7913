#include "http/connection.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>

namespace bulkhead::http {
namespace {

constexpr std::size_t kReadBuffer = 4096;
// Small bodies travel in the TLS record of their headers.
constexpr std::size_t kInlineBody = 12 << 10;
constexpr std::uint64_t kHeldBack = 64 << 10;
constexpr std::size_t kDrainedAtOnce = 256 << 10;

// The Date header's value, made once a second on each loop.
std::string_view http_date() {
  thread_local std::time_t second = 0;
  thread_local std::string text;
  const std::time_t now = std::time(nullptr);
  if (now != second) {
    second = now;
    text = fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", fmt::gmtime(now));
  }
  return text;
}

}  // namespace

Connection::Connection(Shared& shared, net::Socket socket, net::SslPointer tls, net::Sweeper& sweeper,
                       std::string address, std::optional<Networks> networks)
    : shared_(shared),
      stream_(std::move(socket), std::move(tls), sweeper),
      address_(std::move(address)),
      networks_(std::move(networks)),
      parser_(shared.limits) {}

void Connection::stop(bool now) {
  if (now || idle_) stream_.cancel();
}

async::Task<> Connection::run() {
  if (stream_.encrypted()) {
    stream_.set_deadline(in(shared_.limits.header_timeout));
    const auto plain = co_await stream_.begins_plainly();
    if (!plain) co_return;
    plain_by_mistake_ = *plain;
    if (!plain_by_mistake_)
      if (auto done = co_await stream_.handshake(); !done) co_return;
    stream_.clear_deadline();
  }
  // Not one condition with &&: GCC 12 awaits both sides of it.
  for (bool open = true; open;) {
    open = co_await read_head();
    if (open) open = co_await serve();
  }
  stream_.shutdown_write();
}

async::Task<bool> Connection::read_head() {
  parser_.reset();
  input_.bytes.erase(0, input_.begin);
  input_.begin = 0;
  // Thousands of connections do nothing most of the time; what a large request needed is given back.
  if (input_.bytes.empty() && input_.bytes.capacity() > 2 * kReadBuffer) std::string().swap(input_.bytes);
  if (head_.capacity() > kReadBuffer) std::string().swap(head_);
  bool timing = false;
  for (;;) {
    if (!input_.bytes.empty()) {
      switch (parser_.parse(input_.bytes)) {
        case RequestParser::Head::complete:
          input_.begin = parser_.head_bytes();
          stream_.clear_deadline();
          if (!plain_by_mistake_) co_return true;
          // Go's servers say it in these words, and people look for them.
          co_await refuse(400, "the client sent an HTTP request to an HTTPS server; use https://");
          co_return false;
        case RequestParser::Head::refused: {
          if (plain_by_mistake_) co_return false;
          const Refusal refusal = parser_.refusal();
          co_await refuse(refusal.status, refusal.message);
          co_return false;
        }
        case RequestParser::Head::incomplete: break;
      }
    }
    idle_ = input_.bytes.empty();
    if (idle_ && shared_.stopping) co_return false;
    if (idle_) {
      idle_since_ = std::chrono::steady_clock::now();
      stream_.set_deadline(in(shared_.limits.idle_timeout));
    } else if (!timing) {
      timing = true;
      stream_.set_deadline(in(shared_.limits.header_timeout));
    }
    const std::size_t had = input_.bytes.size();
    input_.bytes.resize(had + kReadBuffer);
    auto count = co_await stream_.read_some(std::as_writable_bytes(std::span(input_.bytes).subspan(had)));
    const bool was_idle = std::exchange(idle_, false);
    input_.bytes.resize(had + (count ? *count : 0));
    if (count && *count > 0) continue;
    if (!count && count.error().code == Errc::timeout && !was_idle && !plain_by_mistake_)
      co_await refuse(408, "the request's headers took too long");
    co_return false;
  }
}

async::Task<bool> Connection::serve() {
  const auto started = std::chrono::steady_clock::now();
  const std::uint64_t written = stream_.bytes_written();
  Exchange exchange(shared_.limits, stream_, parser_, input_, address_);
  Response response;
  bool failed = false;
  try {
    response = co_await shared_.hooks.handle(exchange);
  } catch (const std::exception& error) {
    shared_.log.error("a request failed on a bug",
                      {{"request", exchange.request_id}, {"route", exchange.route}, {"error", error.what()}});
    failed = true;
  }
  if (failed)
    response =
        shared_.hooks.refuse(exchange, 500, "an internal error; the log has it under this request's id");

  // An unread body would be taken for the next request.
  const bool body_left = !exchange.body_done();
  const bool keep_alive = exchange.request().keep_alive && !response.close && !body_left && !shared_.stopping;
  stream_.recover();
  const bool head_request = exchange.request().method == Method::head;
  const bool sent = co_await send(response, keep_alive, head_request);
  shared_.hooks.observe(exchange, response.status, std::chrono::steady_clock::now() - started,
                        stream_.bytes_written() - written);
  if (!sent) {
    stream_.cancel();
    co_return false;
  }
  if (!keep_alive) {
    if (body_left || !exchange.leftover().empty()) co_await linger();
    co_return false;
  }
  if (exchange.request().chunked) input_ = {std::string(exchange.leftover()), 0};
  co_return true;
}

// RFC 6797. Not for a name that each machine has: a browser would leave out plain HTTP on all its ports.
std::string Connection::hsts_line() const {
  if (!stream_.encrypted() || shared_.limits.hsts.count() == 0) return {};
  std::string_view host = parser_.request().header("Host").value_or("");
  host = host.substr(0, host.find(':'));
  constexpr std::string_view kLocal = "localhost";
  if (host.size() >= kLocal.size()) {
    const std::string_view last = host.substr(host.size() - kLocal.size());
    const bool whole = host.size() == last.size() || host[host.size() - last.size() - 1] == '.';
    if (whole && equals_ignoring_case(last, kLocal)) return {};
  }
  return fmt::format("Strict-Transport-Security: max-age={}\r\n", shared_.limits.hsts.count());
}

async::Task<bool> Connection::send(const Response& response, bool keep_alive, bool head_request) {
  head_.clear();
  const bool bodiless = response.status == 204 || response.status == 304 || response.status < 200;
  write_head(head_, response, keep_alive, !bodiless, http_date(), hsts_line());
  const auto idle = shared_.limits.idle_timeout;
  Result<void> done = {};
  if (head_request || bodiless) {
    done = co_await stream_.write(idle, as_bytes(head_));
  } else if (const auto* file = std::get_if<FileBytes>(&response.body)) {
    done = co_await send_file(head_, *file);
  } else if (const auto* parts = std::get_if<FileParts>(&response.body)) {
    done = co_await send_parts(head_, *parts);
  } else {
    std::string_view body = std::holds_alternative<std::string>(response.body)
                                ? std::string_view(std::get<std::string>(response.body))
                                : std::get<SharedBytes>(response.body).bytes;
    if (response.within.count() > 0) stream_.finish_within(response.within);
    if (stream_.encrypted() && body.size() <= kInlineBody) head_.append(std::exchange(body, {}));
    done = co_await stream_.write(idle, as_bytes(head_), as_bytes(body));
  }
  stream_.clear_deadline();
  co_return bool(done);
}

async::Task<Result<void>> Connection::send_file(std::string_view head, const FileBytes& file) {
  const auto idle = shared_.limits.idle_timeout;
  if (auto written = co_await stream_.write(idle, as_bytes(head)); !written) co_return written.error();
  std::uint64_t offset = file.offset;
  std::uint64_t length = file.length;
  if (file.before_tail && length > 0) {
    const std::uint64_t first = length > kHeldBack ? length - kHeldBack : 0;
    auto sent = co_await stream_.send_file(file.file, offset, first, shared_.files, idle);
    if (!sent) co_return sent.error();
    offset += first;
    length -= first;
    stream_.clear_deadline();
    if (auto sound = co_await file.before_tail(); !sound) co_return sound.error();
  }
  co_return co_await stream_.send_file(file.file, offset, length, shared_.files, idle);
}

async::Task<Result<void>> Connection::send_parts(std::string_view head, const FileParts& file) {
  const auto idle = shared_.limits.idle_timeout;
  for (const FileParts::Part& part : file.parts) {
    if (auto written = co_await stream_.write(idle, as_bytes(head), as_bytes(part.before)); !written)
      co_return written.error();
    head = {};
    if (&part == &file.parts.back() && file.file.before_tail) {
      stream_.clear_deadline();
      if (auto sound = co_await file.file.before_tail(); !sound) co_return sound.error();
    }
    auto sent = co_await stream_.send_file(file.file.file, part.offset, part.length, shared_.files, idle);
    if (!sent) co_return sent.error();
  }
  co_return co_await stream_.write(idle, as_bytes(file.after));
}

async::Task<> Connection::refuse(unsigned status, std::string_view message) {
  stream_.recover();
  const std::uint64_t written = stream_.bytes_written();
  Exchange exchange(shared_.limits, stream_, parser_, input_, address_);
  const Response response = shared_.hooks.refuse(exchange, status, message);
  const bool sent = co_await send(response, false, false);
  shared_.hooks.observe(exchange, status, std::chrono::nanoseconds(0), stream_.bytes_written() - written);
  if (sent) co_await linger();
}

async::Task<> Connection::linger() {
  stream_.shutdown_write();
  // A server that stops does not wait for whoever has been answered.
  if (shared_.stopping) co_return;
  idle_ = true;
  idle_since_ = std::chrono::steady_clock::now();
  stream_.set_deadline(in(shared_.limits.linger));
  for (std::uint64_t drained = 0; drained < shared_.limits.linger_bytes;) {
    auto count = co_await stream_.discard_some(kDrainedAtOnce);
    if (!count || *count == 0) co_return;
    drained += *count;
  }
  co_await stream_.wait_for_end();
}

}  // namespace bulkhead::http
