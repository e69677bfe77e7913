#include "app/certificate_watch.h"

namespace bulkhead::app {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::hours kEvery{24};
constexpr std::chrono::hours kSoon{14 * 24};

}  // namespace

CertificateWatch::CertificateWatch(net::TlsContext& tls, std::string host, const Clock& clock, Log& log)
    : tls_(tls), host_(std::move(host)), clock_(clock), log_(log) {
  describe("the certificate is in use");
}

void CertificateWatch::describe(std::string_view event) {
  next_description_ = steady_clock::now() + kEvery;
  const net::CertificateInfo info = tls_.certificate();
  const std::string end = to_rfc3339(info.not_after);
  log_.info(event, {{"names", info.names}, {"not_after", end}});
  const Time now = clock_.now();
  if (info.not_after <= now)
    log_.error("the certificate has expired: clients refuse it; put a new one in its place",
               {{"names", info.names}, {"not_after", end}});
  else if (info.not_before > now)
    log_.error("the certificate is not valid yet: clients refuse it; is this machine's clock right?",
               {{"names", info.names}, {"not_before", to_rfc3339(info.not_before)}});
  else if (info.not_after <= now + kSoon)
    log_.warning("the certificate expires soon; put a new one in its place",
                 {{"names", info.names}, {"not_after", end}});
  if (!host_.empty() && !tls_.is_for(host_))
    log_.warning("the certificate is not made out to the host of public_url: clients refuse it",
                 {{"host", host_}, {"names", info.names}});
  if (tls_.key_is_open())
    log_.warning("everybody on this machine may read the key of the certificate; close its file to others");
}

void CertificateWatch::work() {
  const auto reloaded = tls_.reload_if_changed();
  if (!reloaded) {
    const std::string& message = reloaded.error().message;
    if (message == trouble_ && steady_clock::now() < next_complaint_) return;
    trouble_ = message;
    next_complaint_ = steady_clock::now() + kEvery;
    log_.warning("the new certificate cannot be used; the old one stays", {{"error", message}});
    return;
  }
  trouble_.clear();
  if (*reloaded)
    describe("the certificate has been read again");
  else if (steady_clock::now() >= next_description_)
    describe("the certificate is in use");
}

}  // namespace bulkhead::app
