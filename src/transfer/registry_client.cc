#include "transfer/registry_client.h"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <thread>

#include "base/shown.h"
#include "oci/strict_json.h"

namespace bulkhead::transfer {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFirstPause{250};
constexpr milliseconds kLongestPause{8000};
constexpr milliseconds kLook{50};  // how often a pause looks whether it is to stop
constexpr std::chrono::seconds kLongestWait{120};
constexpr int kInVain = 3;

bool passes(unsigned status) {
  return status == 429 || status == 502 || status == 503 || status == 504 || status == 500;
}

// The first message of an error answer.
std::string said(const Answer& answer) {
  const auto parsed = oci::parse_strict_json(answer.body);
  const auto* object = parsed ? parsed->if_object() : nullptr;
  const auto* errors = object != nullptr ? object->if_contains("errors") : nullptr;
  const auto* list = errors != nullptr ? errors->if_array() : nullptr;
  const auto* first = list != nullptr && !list->empty() ? list->front().if_object() : nullptr;
  const auto* message = first != nullptr ? first->if_contains("message") : nullptr;
  return message != nullptr && message->is_string()
             ? std::string(std::string_view(message->get_string()).substr(0, 500))
             : "";
}

Errc errc_of(unsigned status) {
  switch (status) {
    case 401: return Errc::unauthenticated;
    case 403: return Errc::denied;
    case 404: return Errc::not_found;
    case 409: return Errc::conflict;
    case 413: return Errc::too_large;
    case 429: return Errc::rate_limited;
    default: return status < 500 ? Errc::invalid_argument : Errc::unavailable;
  }
}

}  // namespace

// A connection that goes back where it came from.
class RegistryClient::Lent {
 public:
  explicit Lent(RegistryClient& client) : client_(client) {
    const std::lock_guard lock(client.mutex_);
    if (client.free_.empty()) {
      connection_ = std::make_unique<Connection>(client.authority_, client.stop_);
    } else {
      connection_ = std::move(client.free_.back());
      client.free_.pop_back();
    }
  }
  ~Lent() {
    const std::lock_guard lock(client_.mutex_);
    client_.free_.push_back(std::move(connection_));
  }
  Lent(const Lent&) = delete;
  Lent& operator=(const Lent&) = delete;
  Connection& operator*() { return *connection_; }

 private:
  RegistryClient& client_;
  std::unique_ptr<Connection> connection_;
};

RegistryClient::RegistryClient(RegistryOptions options, const Stop& stop)
    : url_(options.url),
      authority_(std::move(options.authority)),
      attempts_(options.attempts),
      stop_(stop),
      authenticator_(std::move(options.url), std::move(options.access)) {}

std::string RegistryClient::scope_of(std::string_view repository, std::string_view actions) {
  return fmt::format("repository:{}:{}", repository, actions);
}

Error RegistryClient::refusal(const Answer& answer, std::string_view what) const {
  const std::string message = said(answer);
  return {errc_of(answer.status),
          fmt::format("{}: {} answered {}{}{}", what, shown(host_of(url_)), answer.status,
                      message.empty() ? "" : ": ", shown(message)),
          answer.retry_after};
}

Result<void> RegistryClient::wait_for_turn() {
  for (;;) {
    if (stop_) return Error{Errc::interrupted, "stopped"};
    Clock::duration left{};
    {
      const std::lock_guard lock(mutex_);
      if (in_vain_ >= kInVain)
        return Error{Errc::unavailable,
                     fmt::format("{} is not asked any more: {}", shown(host_of(url_)), last_failure_)};
      left = not_before_ - Clock::now();
    }
    if (left <= Clock::duration::zero()) return {};
    if (left > kLongestWait) {
      const auto seconds = std::chrono::ceil<std::chrono::seconds>(left);
      return Error{
          Errc::rate_limited,
          fmt::format("{} wants to be asked again in {} seconds and no sooner; run the same command then",
                      shown(host_of(url_)), seconds.count()),
          seconds};
    }
    std::this_thread::sleep_for(std::min<Clock::duration>(left, kLook));
  }
}

void RegistryClient::put_off(milliseconds pause) {
  const std::lock_guard lock(mutex_);
  not_before_ = std::max(not_before_, Clock::now() + pause);
}

void RegistryClient::note(const Result<Answer>& outcome) {
  const std::lock_guard lock(mutex_);
  if (outcome) {
    in_vain_ = 0;
  } else if (outcome.error().code == Errc::unavailable) {
    ++in_vain_;
    last_failure_ = outcome.error().message;
  }
}

Result<Answer> RegistryClient::authorized(Request& request, const std::string& scope,
                                          Connection& connection) {
  for (bool again : {true, false}) {
    auto authorization = authenticator_.authorization(scope, connection);
    if (!authorization) return authorization.error();
    request.authorization = *std::move(authorization);
    auto answer = connection.send(request);
    if (!answer || answer->status != 401 || !again) return answer;
    if (auto learned = authenticator_.challenged(*answer, scope, connection); !learned)
      return learned.error();
  }
  return Error{Errc::internal, "unreachable"};
}

Result<Answer> RegistryClient::send(Request request, const std::string& scope, Again again) {
  if (request.url.starts_with('/')) request.url = url_ + request.url;
  // What a sink has taken it cannot be given again; who gave it knows how to go on.
  bool taken = false;
  if (request.sink)
    request.sink = [&taken, sink = std::move(request.sink)](const Answer& answer, std::string_view piece) {
      taken = true;
      return sink(answer, piece);
    };
  milliseconds pause = kFirstPause;
  for (int attempt = 1;; ++attempt) {
    if (auto turn = wait_for_turn(); !turn) return turn.error();
    Lent connection(*this);
    auto answer = authorized(request, scope, *connection);
    const bool last = attempt == attempts_;
    std::chrono::seconds told{};
    if (answer) {
      if (!passes(answer->status) || last) {
        note(passes(answer->status) && answer->status != 429
                 ? Result<Answer>(Error{Errc::unavailable, fmt::format("it answered {}", answer->status)})
                 : Result<Answer>(Answer{}));
        return answer;
      }
      told = answer->retry_after;
      if (told > kLongestWait) {
        put_off(told);
        continue;  // to be told so, as all others are
      }
    } else {
      const Errc code = answer.error().code;
      const bool helps = code == Errc::unavailable || code == Errc::rate_limited;
      if (taken || last || !helps || (again == Again::refused && code == Errc::unavailable)) {
        if (!taken) note(answer);
        return answer;
      }
      told = answer.error().retry_after;
    }
    // A server that says when is taken at its word by all requests; without that each waits by itself.
    if (told > std::chrono::seconds::zero()) {
      put_off(told);
    } else {
      for (auto slept = milliseconds::zero(); slept < pause && !stop_; slept += kLook)
        std::this_thread::sleep_for(kLook);
      pause = std::min(pause * 2, kLongestPause);
    }
  }
}

}  // namespace bulkhead::transfer
