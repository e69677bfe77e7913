#include "base/secret.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <ostream>
#include <string>
#include <type_traits>

#include "base/log.h"

namespace bulkhead {
namespace {

// A container whose elements outlive it, so that a test may look at what was left behind.
struct Watched {
  std::array<char, 4>* storage;

  std::size_t size() const { return storage->size(); }
  char* data() { return storage->data(); }
  char& operator[](std::size_t i) { return (*storage)[i]; }
};

constexpr std::array<char, 4> kWiped = {};

TEST(Secret, IsWipedWhenItGoes) {
  std::array<char, 4> memory = {'p', 'a', 's', 's'};
  alignas(Secret<Watched>) std::byte place[sizeof(Secret<Watched>)];
  // The constructor wipes the argument that it copied from, which shares this memory: fill it afterwards.
  auto* secret = new (place) Secret<Watched>(Watched{&memory});
  memory = {'p', 'a', 's', 's'};
  secret->~Secret<Watched>();
  EXPECT_EQ(memory, kWiped);
}

TEST(Secret, WipesTheArgumentItWasMadeFrom) {
  std::array<char, 4> memory = {'p', 'a', 's', 's'};
  const Secret<Watched> secret{Watched{&memory}};
  EXPECT_EQ(memory, kWiped);
}

TEST(Secret, MovesTheValueAndEmptiesTheSource) {
  Secret<> first("correct horse");
  Secret<> second(std::move(first));
  EXPECT_EQ(second.reveal(), "correct horse");
  EXPECT_TRUE(first.empty());  // NOLINT(bugprone-use-after-move): what is left is the point
  Secret<> third("old");
  third = std::move(second);
  EXPECT_EQ(third.reveal(), "correct horse");
  EXPECT_TRUE(second.empty());  // NOLINT(bugprone-use-after-move)
}

TEST(Secret, LeavesNoCharactersInAMovedFromShortValue) {
  Secret<std::array<char, 4>> first(std::array<char, 4>{'p', 'a', 's', 's'});
  const Secret<std::array<char, 4>> second(std::move(first));
  EXPECT_EQ(first.reveal(), kWiped);  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(second.reveal(), (std::array<char, 4>{'p', 'a', 's', 's'}));
}

TEST(Secret, SurvivesAssignmentToItself) {
  Secret<> secret("kept");
  Secret<>& same = secret;
  secret = std::move(same);
  EXPECT_EQ(secret.reveal(), "kept");
}

template <class T>
concept Streamable = requires(std::ostream& out, const T& value) {
  out << value;
};

TEST(Secret, HasNoWayIntoALogAStreamOrAFormat) {
  static_assert(!std::is_constructible_v<Field, std::string_view, Secret<>>);
  static_assert(!std::is_convertible_v<Secret<>, std::string>);
  static_assert(!std::is_convertible_v<Secret<>, std::string_view>);
  static_assert(!Streamable<Secret<>>);
  static_assert(!fmt::is_formattable<Secret<>>::value);
  static_assert(!std::is_copy_constructible_v<Secret<>> && !std::is_copy_assignable_v<Secret<>>);
}

}  // namespace
}  // namespace bulkhead
