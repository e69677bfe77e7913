// Keys and passwords live in Secret<>: what it promises about memory is tested where it matters most.
#include "base/secret.h"

#include <gtest/gtest.h>

#include <array>
#include <concepts>
#include <cstddef>
#include <memory>
#include <sstream>
#include <string>
#include <type_traits>

namespace bulkhead {
namespace {

using Raw = std::array<char, 32>;

Raw raw_secret() {
  Raw raw;
  raw.fill('s');
  return raw;
}

// A secret in memory that outlives it, so that what it leaves behind can be looked at.
template <class T>
class Storage {
 public:
  template <class... Arguments>
  Secret<T>& make(Arguments&&... arguments) {
    return *std::construct_at(reinterpret_cast<Secret<T>*>(bytes_), std::forward<Arguments>(arguments)...);
  }
  void destroy() { std::destroy_at(reinterpret_cast<Secret<T>*>(bytes_)); }
  bool shows(char c, std::size_t times) const {
    const volatile unsigned char* bytes = bytes_;
    std::size_t run = 0;
    for (std::size_t i = 0; i < sizeof bytes_; ++i) {
      run = bytes[i] == static_cast<unsigned char>(c) ? run + 1 : 0;
      if (run == times) return true;
    }
    return false;
  }

 private:
  alignas(Secret<T>) unsigned char bytes_[sizeof(Secret<T>)]{};
};

TEST(Secret, IsWipedWhenItGoes) {
  Storage<Raw> storage;
  storage.make(raw_secret());
  ASSERT_TRUE(storage.shows('s', 32));
  storage.destroy();
  EXPECT_FALSE(storage.shows('s', 4));
}

TEST(Secret, AShortStringHeldInPlaceIsWipedToo) {
  Storage<std::string> storage;
  storage.make(std::string(12, 's'));
  ASSERT_TRUE(storage.shows('s', 12));
  storage.destroy();
  EXPECT_FALSE(storage.shows('s', 4));
}

TEST(Secret, LeavesNothingBehindWhenMoved) {
  Storage<Raw> storage;
  auto& from = storage.make(raw_secret());
  const Secret<Raw> to(std::move(from));
  EXPECT_EQ(to.reveal(), raw_secret());
  EXPECT_FALSE(storage.shows('s', 4));
  storage.destroy();
}

TEST(Secret, LeavesNothingBehindWhenAssigned) {
  Storage<Raw> storage;
  auto& from = storage.make(raw_secret());
  Secret<Raw> to;
  to = std::move(from);
  EXPECT_EQ(to.reveal(), raw_secret());
  EXPECT_FALSE(storage.shows('s', 4));
  storage.destroy();
}

template <class T>
concept Printable = requires(std::ostringstream& stream, const T& value) {
  stream << value;
};

TEST(Secret, CannotBeCopiedPrintedOrConverted) {
  EXPECT_FALSE(std::is_copy_constructible_v<Secret<>>);
  EXPECT_FALSE(std::is_copy_assignable_v<Secret<>>);
  EXPECT_FALSE(Printable<Secret<>>);
  EXPECT_FALSE((std::convertible_to<Secret<>, std::string>));
  EXPECT_FALSE((std::convertible_to<Secret<>, std::string_view>));
}

}  // namespace
}  // namespace bulkhead
