#include "transfer/challenge.h"

#include <algorithm>
#include <cctype>

namespace bulkhead::transfer {
namespace {

constexpr std::size_t kMost = 16;

bool is_token(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

class Reader {
 public:
  explicit Reader(std::string_view rest) : rest_(rest) {}

  bool at_end() const { return rest_.empty(); }
  bool take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void skip(std::string_view characters) {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(characters), rest_.size()));
  }
  std::string token() {
    const auto end = std::ranges::find_if_not(rest_, is_token);
    std::string out(rest_.begin(), end);
    rest_.remove_prefix(out.size());
    std::ranges::transform(out, out.begin(), [](unsigned char c) { return std::tolower(c); });
    return out;
  }
  // A quoted string, or what stands up to a separator.
  std::string value() {
    std::string out;
    if (!take('"')) {
      while (!rest_.empty() && rest_.front() != ',' && rest_.front() != ' ' && rest_.front() != ';') {
        out += rest_.front();
        rest_.remove_prefix(1);
      }
      return out;
    }
    while (!rest_.empty() && !take('"')) {
      if (rest_.front() == '\\' && rest_.size() > 1) rest_.remove_prefix(1);
      out += rest_.front();
      rest_.remove_prefix(1);
    }
    return out;
  }
  std::optional<std::string> until(char end) {
    const auto at = rest_.find(end);
    if (at == std::string_view::npos) return std::nullopt;
    std::string out(rest_.substr(0, at));
    rest_.remove_prefix(at + 1);
    return out;
  }

 private:
  std::string_view rest_;
};

}  // namespace

std::vector<Challenge> parse_challenges(std::string_view header) {
  std::vector<Challenge> out;
  Reader reader(header);
  while (!reader.at_end()) {
    reader.skip(" \t,");
    std::string word = reader.token();
    if (word.empty()) break;
    reader.skip(" \t");
    if (reader.take('=')) {
      if (out.empty()) break;
      reader.skip(" \t");
      std::string value = reader.value();
      if (out.back().parameters.size() < kMost)
        out.back().parameters.emplace(std::move(word), std::move(value));
    } else {
      if (out.size() == kMost) break;
      out.push_back({std::move(word), {}});
    }
  }
  return out;
}

std::optional<std::string> next_link(std::string_view header) {
  Reader reader(header);
  while (!reader.at_end()) {
    reader.skip(" \t,");
    if (!reader.take('<')) return std::nullopt;
    auto target = reader.until('>');
    if (!target) return std::nullopt;
    for (reader.skip(" \t"); reader.take(';'); reader.skip(" \t")) {
      reader.skip(" \t");
      const std::string name = reader.token();
      reader.skip(" \t");
      if (!reader.take('=')) continue;
      reader.skip(" \t");
      if (reader.value() == "next" && name == "rel") return target;
    }
  }
  return std::nullopt;
}

}  // namespace bulkhead::transfer
