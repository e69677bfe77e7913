#include "identity/factors/qr.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <string>
#include <utility>
#include <vector>

#include "db/testing/database_contract.h"

namespace bulkhead::identity {
namespace {

using db::testing::FailsWith;

constexpr int kQuiet = 4;
using Picture = std::vector<std::string>;  // '#' for dark

Picture from_svg(const std::string& svg) {
  std::smatch found;
  EXPECT_TRUE(std::regex_search(svg, found, std::regex("viewBox=\"0 0 ([0-9]+) ([0-9]+)\"")));
  EXPECT_EQ(found[1], found[2]);
  const auto size = static_cast<std::size_t>(std::stoi(found[1]));
  Picture picture(size, std::string(size, ' '));
  const std::regex run("M([0-9]+) ([0-9]+)h([0-9]+)v1H([0-9]+)z");
  for (std::sregex_iterator i(svg.begin(), svg.end(), run), end; i != end; ++i) {
    EXPECT_EQ((*i)[1], (*i)[4]);
    const auto column = static_cast<std::size_t>(std::stoi((*i)[1]));
    picture.at(static_cast<std::size_t>(std::stoi((*i)[2])))
        .replace(column, static_cast<std::size_t>(std::stoi((*i)[3])),
                 std::string(static_cast<std::size_t>(std::stoi((*i)[3])), '#'));
  }
  return picture;
}

Picture from_terminal(const std::string& text) {
  Picture picture;
  std::string upper;
  std::string lower;
  for (std::size_t i = 0; i < text.size();) {
    const std::string_view rest = std::string_view(text).substr(i);
    const auto take = [&](std::string_view glyph, char up, char down) {
      if (!rest.starts_with(glyph)) return false;
      upper.push_back(up);
      lower.push_back(down);
      i += glyph.size();
      return true;
    };
    if (take("█", '#', '#') || take("▀", '#', ' ') || take("▄", ' ', '#') || take(" ", ' ', ' ')) continue;
    if (rest.starts_with('\x1b')) {
      i += rest.find('m') + 1;
      continue;
    }
    EXPECT_EQ(rest.front(), '\n');
    ++i;
    picture.push_back(std::exchange(upper, {}));
    picture.push_back(std::exchange(lower, {}));
  }
  return picture;
}

bool has_finder_at(const Picture& picture, std::size_t row, std::size_t column) {
  const Picture finder = {"#######", "#     #", "# ### #", "# ### #", "# ### #", "#     #", "#######"};
  for (std::size_t i = 0; i < finder.size(); ++i)
    if (picture.at(row + i).substr(column, 7) != finder[i]) return false;
  return true;
}

const std::string kUri =
    "otpauth://totp/Bulkhead:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Bulkhead&algorithm=SHA1"
    "&digits=6&period=30";

TEST(Qr, DrawsASymbolWithItsFindersAndAQuietZone) {
  const auto svg = qr_as_svg(Secret<>(std::string(kUri)));
  ASSERT_TRUE(svg.has_value());
  const Picture picture = from_svg(svg->reveal());
  const std::size_t size = picture.size();
  EXPECT_EQ((size - 2 * kQuiet - 17) % 4, 0u) << "a version's size, ISO/IEC 18004";
  EXPECT_TRUE(has_finder_at(picture, kQuiet, kQuiet));
  EXPECT_TRUE(has_finder_at(picture, kQuiet, size - kQuiet - 7));
  EXPECT_TRUE(has_finder_at(picture, size - kQuiet - 7, kQuiet));
  EXPECT_FALSE(has_finder_at(picture, size - kQuiet - 7, size - kQuiet - 7));
  for (std::size_t i = 0; i < size; ++i) {
    for (std::size_t edge = 0; edge < kQuiet; ++edge) {
      EXPECT_EQ(picture[edge][i], ' ');
      EXPECT_EQ(picture[i][edge], ' ');
      EXPECT_EQ(picture[size - 1 - edge][i], ' ');
      EXPECT_EQ(picture[i][size - 1 - edge], ' ');
    }
  }
}

// ISO/IEC 18004 section 7.9: both copies of the format information, in their order of modules. A mirrored
// symbol would read them backwards.
TEST(Qr, IsTheRightWayRound) {
  const Picture picture = from_svg(qr_as_svg(Secret<>(std::string(kUri)))->reveal());
  const std::size_t size = picture.size() - 2 * kQuiet;
  const auto dark = [&](std::size_t row, std::size_t column) {
    return picture.at(row + kQuiet).at(column + kQuiet) == '#' ? 1u : 0u;
  };
  unsigned first = 0;
  unsigned second = 0;
  for (const std::size_t column : {0, 1, 2, 3, 4, 5, 7, 8}) first = first << 1 | dark(8, column);
  for (const std::size_t row : {7, 5, 4, 3, 2, 1, 0}) first = first << 1 | dark(row, 8);
  for (std::size_t row = size - 1; row >= size - 7; --row) second = second << 1 | dark(row, 8);
  for (std::size_t column = size - 8; column < size; ++column) second = second << 1 | dark(8, column);
  EXPECT_EQ(first, second);

  const unsigned format = first ^ 0x5412;
  EXPECT_EQ(format >> 13, 0u) << "error correction of level M";
  unsigned remainder = format;
  for (int bit = 14; bit >= 10; --bit)
    if ((remainder >> bit & 1) != 0) remainder ^= 0x537u << (bit - 10);
  EXPECT_EQ(remainder, 0u) << "a codeword of BCH(15,5)";
  EXPECT_EQ(dark(size - 8, 8), 1u) << "the module that is always dark";
}

TEST(Qr, DrawsTheSameForATerminal) {
  const Picture svg = from_svg(qr_as_svg(Secret<>(std::string(kUri)))->reveal());
  Picture terminal = from_terminal(qr_for_terminal(Secret<>(std::string(kUri)))->reveal());
  ASSERT_EQ(terminal.size(), svg.size() + 1) << "the sides are odd, and lines hold two rows";
  EXPECT_EQ(terminal.back(), std::string(svg.size(), ' '));
  terminal.pop_back();
  EXPECT_EQ(terminal, svg);
}

TEST(Qr, DrawsOtherTextsOtherwise) {
  EXPECT_NE(qr_as_svg(Secret<>(std::string("a")))->reveal(), qr_as_svg(Secret<>(std::string("b")))->reveal());
}

TEST(Qr, HoldsItsLimits) {
  EXPECT_THAT(qr_as_svg(Secret<>(std::string())), FailsWith(Errc::invalid_argument));
  EXPECT_TRUE(qr_as_svg(Secret<>(std::string(2331, 'a'))).has_value());
  EXPECT_THAT(qr_as_svg(Secret<>(std::string(2332, 'a'))), FailsWith(Errc::too_large));
  EXPECT_THAT(qr_for_terminal(Secret<>(std::string(2332, 'a'))), FailsWith(Errc::too_large));
}

}  // namespace
}  // namespace bulkhead::identity
