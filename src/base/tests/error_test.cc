#include "base/error.h"

#include <gtest/gtest.h>

#include <set>
#include <stdexcept>
#include <string>

namespace bulkhead {
namespace {

TEST(Errc, EveryCodeHasANameOfItsOwn) {
  std::set<std::string_view> seen;
  for (int code = 0; code <= static_cast<int>(Errc::internal); ++code)
    EXPECT_TRUE(seen.insert(name(static_cast<Errc>(code))).second) << name(static_cast<Errc>(code));
}

TEST(Result, CarriesAValueOrAnError) {
  const Result<int> good = 7;
  const Result<int> bad = Error{Errc::not_found, "no such thing"};
  EXPECT_EQ(good.value(), 7);
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error(), (Error{Errc::not_found, "no such thing"}));
}

TEST(Result, TakingTheValueOfAFailureIsABugThatSaysWhere) {
  const Result<int> bad = Error{Errc::not_found, "no such thing"};
  try {
    (void)bad.value();
    FAIL() << "value() returned";
  } catch (const std::logic_error& error) {
    EXPECT_NE(std::string(error.what()).find("error_test.cc:"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("no such thing"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace bulkhead
