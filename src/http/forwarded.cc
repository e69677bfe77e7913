#include "http/forwarded.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

#include "http/grammar.h"

namespace bulkhead::http {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

void split(std::string_view line, std::vector<std::string_view>& nodes) {
  while (!line.empty()) {
    const std::size_t comma = std::min(line.find(','), line.size());
    const std::string_view node = trimmed(line.substr(0, comma));
    // RFC 9110 section 5.6.1: an empty element is none.
    if (!node.empty()) nodes.push_back(node);
    line.remove_prefix(std::min(comma + 1, line.size()));
  }
}

// Reads one line of Forwarded, element after element.
class ForwardedLine {
 public:
  explicit ForwardedLine(std::string_view line) : rest_(line) {}

  // False, and nothing is to be made of `nodes`, when the line is malformed.
  bool read(std::vector<std::string_view>& nodes) {
    for (;;) {
      skip_spaces();
      if (rest_.empty()) return true;
      if (take(',')) continue;
      std::string_view node;
      if (!element(node)) return false;
      nodes.push_back(node);
      if (!rest_.empty() && !take(',')) return false;
    }
  }

 private:
  void skip_spaces() {
    while (!rest_.empty() && is_space(rest_.front())) rest_.remove_prefix(1);
  }
  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  std::string_view token() {
    const auto end = std::find_if_not(rest_.begin(), rest_.end(), is_token);
    const std::string_view found = rest_.substr(0, static_cast<std::size_t>(end - rest_.begin()));
    rest_.remove_prefix(found.size());
    return found;
  }
  // A token, or a quoted string with its quotes; "" when it is neither.
  std::string_view value() {
    if (!rest_.starts_with('"')) return token();
    for (std::size_t i = 1; i < rest_.size(); ++i) {
      if (rest_[i] == '\\')
        ++i;
      else if (rest_[i] == '"') {
        const std::string_view found = rest_.substr(0, i + 1);
        rest_.remove_prefix(i + 1);
        return found;
      }
    }
    return {};
  }
  // Pairs up to a comma or the end; `node` is the value of its one `for`.
  bool element(std::string_view& node) {
    std::size_t named = 0;
    do {
      skip_spaces();
      const std::string_view name = token();
      if (name.empty()) continue;  // an empty pair
      if (!take('=')) return false;
      const std::string_view given = value();
      if (given.empty()) return false;
      if (!equals_ignoring_case(name, "for")) continue;
      node = given;
      ++named;
    } while (skip_spaces(), take(';'));
    if (named != 1) node = {};
    return rest_.empty() || rest_.front() == ',';
  }

  std::string_view rest_;
};

std::string unquoted(std::string_view value) {
  if (!value.starts_with('"')) return std::string(value);
  std::string out;
  for (std::size_t i = 1; i + 1 < value.size(); ++i) {
    if (value[i] == '\\' && i + 2 < value.size()) ++i;
    out.push_back(value[i]);
  }
  return out;
}

std::optional<std::string> canonical_v4(const std::string& text) {
  ::in_addr address{};
  char out[INET_ADDRSTRLEN];
  if (::inet_pton(AF_INET, text.c_str(), &address) != 1) return std::nullopt;
  return ::inet_ntop(AF_INET, &address, out, sizeof out) ? std::optional<std::string>(out) : std::nullopt;
}

std::optional<std::string> canonical_v6(const std::string& text) {
  ::in6_addr address{};
  char out[INET6_ADDRSTRLEN];
  if (::inet_pton(AF_INET6, text.c_str(), &address) != 1) return std::nullopt;
  const void* bytes = &address;
  int family = AF_INET6;
  if (IN6_IS_ADDR_V4MAPPED(&address)) {
    bytes = address.s6_addr + 12;
    family = AF_INET;
  }
  return ::inet_ntop(family, bytes, out, sizeof out) ? std::optional<std::string>(out) : std::nullopt;
}

// ":" and a port, or nothing; RFC 7239 section 6.2 also has ports that are hidden behind a name.
bool is_port(std::string_view text, bool may_be_hidden) {
  if (text.empty()) return true;
  if (text.front() != ':') return false;
  text.remove_prefix(1);
  if (may_be_hidden && text.starts_with('_'))
    return text.size() > 1 && std::ranges::all_of(text, [](char c) {
             return is_alphanumeric(c) || c == '.' || c == '_' || c == '-';
           });
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return !text.empty() && error == std::errc() && end == text.data() + text.size();
}

}  // namespace

std::vector<std::string_view> forwarded_nodes(const Request& request, ProxyHeader header) {
  const bool standard = header == ProxyHeader::forwarded;
  std::vector<std::string_view> nodes;
  for (const HeaderView& line : request.headers) {
    if (!equals_ignoring_case(line.name, standard ? "Forwarded" : "X-Forwarded-For")) continue;
    const std::size_t before = nodes.size();
    if (!standard) {
      split(line.value, nodes);
    } else if (!ForwardedLine(line.value).read(nodes)) {
      nodes.resize(before);
      nodes.emplace_back();
    }
  }
  return nodes;
}

std::optional<std::string> address_of_node(std::string_view node, ProxyHeader header) {
  const bool standard = header == ProxyHeader::forwarded;
  const std::string text = standard ? unquoted(node) : std::string(node);
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string::npos || !is_port(std::string_view(text).substr(end + 1), standard))
      return std::nullopt;
    return canonical_v6(text.substr(1, end - 1));
  }
  if (!standard && std::ranges::count(text, ':') > 1) return canonical_v6(text);
  const std::size_t colon = std::min(text.find(':'), text.size());
  if (!is_port(std::string_view(text).substr(colon), standard)) return std::nullopt;
  return canonical_v4(text.substr(0, colon));
}

}  // namespace bulkhead::http
