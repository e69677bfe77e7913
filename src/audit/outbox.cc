#include "audit/outbox.h"

#include <string>

namespace bulkhead::audit {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";
constexpr std::string_view kCut = "…";

// The length of the UTF-8 sequence at the front that a database accepts as text, or 0: Unicode 15, table 3-7,
// less NUL.
std::size_t text_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const auto tail = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xbf) {
    return byte(i) >= low && byte(i) <= high;
  };
  const unsigned first = byte(0);
  if (first < 0x80) return first == 0 ? 0 : 1;
  if (first >= 0xc2 && first <= 0xdf) return tail(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef)
    return tail(1, first == 0xe0 ? 0xa0 : 0x80, first == 0xed ? 0x9f : 0xbf) && tail(2) ? 3 : 0;
  if (first >= 0xf0 && first <= 0xf4)
    return tail(1, first == 0xf0 ? 0x90 : 0x80, first == 0xf4 ? 0x8f : 0xbf) && tail(2) && tail(3) ? 4 : 0;
  return 0;
}

std::string storable(std::string_view text, std::size_t limit) {
  std::string out;
  std::size_t last_fitting = 0;  // where the mark of a cut would still fit
  for (std::size_t i = 0; i < text.size();) {
    if (out.size() <= limit - kCut.size()) last_fitting = out.size();
    const std::size_t length = text_length(text.substr(i));
    out += length > 0 ? text.substr(i, length) : kReplacement;
    i += length > 0 ? length : 1;
    if (out.size() > limit) {
      out.resize(last_fitting);
      out += kCut;
      break;
    }
  }
  return out;
}

}  // namespace

Result<void> record(db::Session& session, const Event& event) {
  const auto text = [](std::string_view value) { return storable(value, kMaxTextBytes); };
  auto written = session.execute(
      "INSERT INTO events (at, action, account, credential, repository, target, old_digest, new_digest, "
      "address, "
      "user_agent, request_id, detail) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      {to_micros(event.at), std::string(name(event.action)), text(event.origin.account),
       text(event.origin.credential), text(event.repository), text(event.target), text(event.old_digest),
       text(event.new_digest), text(event.origin.address), text(event.origin.user_agent),
       text(event.origin.request_id), storable(event.detail, kMaxDetailBytes)});
  if (!written) return written.error();
  return {};
}

}  // namespace bulkhead::audit
