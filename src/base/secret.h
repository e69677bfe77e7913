// A value that must not be seen: its memory is wiped when it goes, and it has no way into a log, a format
// string or a stream. The only way out is reveal(), which is easy to search for in a review.
#pragma once

#include <string.h>

#include <string>
#include <string_view>

namespace bulkhead {

// T is a contiguous container of trivially copyable elements, in practice std::string or std::array.
// Move-only: a copy of a secret is one more thing to wipe. Not synchronised.
template <class T = std::string>
class Secret {
 public:
  Secret() = default;
  explicit Secret(T value) : value_(value) { wipe(value); }
  Secret(Secret&& other) noexcept : value_(other.value_) { wipe(other.value_); }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      wipe(value_);
      value_ = other.value_;
      wipe(other.value_);
    }
    return *this;
  }
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret() { wipe(value_); }

  const T& reveal() const { return value_; }
  bool empty() const { return value_.empty(); }

 private:
  // Construction and moves copy and then wipe, because a moved-from short string keeps its characters.
  static void wipe(T& value) {
    if (value.size() > 0) ::explicit_bzero(value.data(), value.size() * sizeof(value[0]));
    if constexpr (requires { value.clear(); }) value.clear();
  }

  T value_{};
};

}  // namespace bulkhead
