// A value that must not be seen: its memory is wiped when it goes, and it has no way into a log, a format
// string or a stream. The only way out is reveal(), which is easy to search for in a review.
#pragma once

#include <string.h>

#include <string>
#include <string_view>
#include <utility>

namespace bulkhead {

// T is a contiguous container of trivially copyable elements, in practice std::string or std::array.
// Move-only: a copy of a secret is one more thing to wipe. Not synchronised.
template <class T = std::string>
class Secret {
 public:
  Secret() = default;
  explicit Secret(T value) : value_(std::move(value)) {}
  Secret(Secret&& other) noexcept : value_(other.value_) { other.wipe(); }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      wipe();
      value_ = other.value_;
      other.wipe();
    }
    return *this;
  }
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret() { wipe(); }

  const T& reveal() const { return value_; }
  bool empty() const { return value_.empty(); }

 private:
  // Moves copy and then wipe, because a moved-from short string keeps its characters.
  void wipe() {
    if (value_.size() > 0) ::explicit_bzero(value_.data(), value_.size() * sizeof(value_[0]));
    if constexpr (requires { value_.clear(); }) value_.clear();
  }

  T value_{};
};

}  // namespace bulkhead
