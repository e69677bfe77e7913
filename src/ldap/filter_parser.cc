// The grammar of RFC 4515 section 3, by recursive descent over a view that shrinks.
#include "base/utf8.h"
#include "ldap/filter.h"

namespace bulkhead::ldap {
namespace {

constexpr int kDeepest = 16;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_key_character(char c) { return is_letter(c) || is_digit(c) || c == '-'; }

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : rest_(text) {}

  std::optional<ParsedFilter> run() {
    if (!filter(0, false) || !rest_.empty()) return std::nullopt;
    return std::move(parsed_);
  }

 private:
  bool take(std::string_view token) {
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    parsed_.shape += token;
    return true;
  }

  bool filter(int depth, bool negated) {
    if (depth > kDeepest || !take("(")) return false;
    bool fine = false;
    if (take("&") || take("|")) {
      do fine = filter(depth + 1, negated);
      while (fine && rest_.starts_with('('));
    } else if (take("!")) {
      fine = filter(depth + 1, true);
    } else {
      fine = item(negated);
    }
    return fine && take(")");
  }

  std::string_view take_while(bool (*accepts)(char)) {
    std::size_t length = 0;
    while (length < rest_.size() && accepts(rest_[length])) ++length;
    const std::string_view taken = rest_.substr(0, length);
    parsed_.shape += taken;
    rest_.remove_prefix(length);
    return taken;
  }

  bool oid() {
    const std::string_view taken = take_while([](char c) { return is_key_character(c) || c == '.'; });
    return is_descriptor(taken) || is_numeric_oid(taken);
  }

  bool item(bool negated) {
    bool named = false;
    if (!rest_.starts_with(':')) {
      if (!oid()) return false;
      named = true;
      while (take(";"))
        if (take_while(is_key_character).empty()) return false;
    }
    if (named) {
      if (take("~=") || take(">=") || take("<=")) return single_value(negated);
      if (take("=")) return pattern(negated);
    }
    const bool with_dn = take(":dn:=") || take(":dn:");
    if (with_dn && parsed_.shape.ends_with('=')) return named && single_value(negated);
    if (take(":=")) return named && !with_dn && single_value(negated);
    if (!with_dn && !take(":")) return false;
    return oid() && take(":=") && single_value(negated);
  }

  bool single_value(bool negated) { return value(negated, false) && !rest_.starts_with('*'); }

  // What follows "=": a value, * for presence, or values between stars.
  bool pattern(bool negated) {
    bool after_star = false;
    while (true) {
      const bool empty = rest_.starts_with('*') || rest_.starts_with(')');
      const bool only = !after_star && rest_.starts_with(')');
      if ((!empty || only) && !value(negated, true)) return false;
      if (!rest_.starts_with('*')) return true;
      if (after_star && empty) return false;  // **
      take("*");
      after_star = true;
    }
  }

  bool value(bool negated, bool matchable) {
    std::string bytes;
    bool braces = false;
    while (!rest_.empty()) {
      const char c = rest_.front();
      if (c == '\0' || c == '(') return false;
      if (c == ')' || c == '*') break;
      if (c == '\\') {
        if (rest_.size() < 3 || hex_digit(rest_[1]) < 0 || hex_digit(rest_[2]) < 0) return false;
        bytes += static_cast<char>(hex_digit(rest_[1]) * 16 + hex_digit(rest_[2]));
        rest_.remove_prefix(3);
        continue;
      }
      braces = braces || c == '{' || c == '}';
      const std::string_view before = rest_;
      if (!take_code_point(rest_)) return false;
      bytes += before.substr(0, before.size() - rest_.size());
    }
    parsed_.shape += '#';
    parsed_.values.push_back({std::move(bytes), matchable, negated, braces});
    return true;
  }

  std::string_view rest_;
  ParsedFilter parsed_;
};

}  // namespace

bool is_descriptor(std::string_view text) {
  if (text.empty() || !is_letter(text.front())) return false;
  for (const char c : text)
    if (!is_key_character(c)) return false;
  return true;
}

bool is_numeric_oid(std::string_view text) {
  std::size_t arcs = 0;
  while (true) {
    std::size_t digits = 0;
    while (digits < text.size() && is_digit(text[digits])) ++digits;
    if (digits == 0 || (digits > 1 && text.front() == '0')) return false;
    ++arcs;
    text.remove_prefix(digits);
    if (text.empty()) return arcs > 1;
    if (text.front() != '.') return false;
    text.remove_prefix(1);
  }
}

std::optional<ParsedFilter> parse_filter(std::string_view text) { return Parser(text).run(); }

}  // namespace bulkhead::ldap
