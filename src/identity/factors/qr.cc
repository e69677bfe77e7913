#include "identity/factors/qr.h"

#include <fmt/format.h>
#include <qrencode.h>
#include <string.h>

#include <cerrno>
#include <memory>
#include <stdexcept>
#include <string>

namespace bulkhead::identity {
namespace {

constexpr int kQuietZone = 4;
constexpr std::size_t kMaxBytes = 2331;  // of version 40 with medium error correction

struct Free {
  void operator()(QRcode* code) const {
    ::explicit_bzero(code->data,
                     static_cast<std::size_t>(code->width) * static_cast<std::size_t>(code->width));
    QRcode_free(code);
  }
};

class Modules {
 public:
  explicit Modules(QRcode* code) : code_(code) {}

  int size() const { return code_->width + 2 * kQuietZone; }
  // Light outside of the symbol.
  bool dark(int row, int column) const {
    const int y = row - kQuietZone;
    const int x = column - kQuietZone;
    return x >= 0 && y >= 0 && x < code_->width && y < code_->width &&
           (code_->data[y * code_->width + x] & 1) != 0;
  }

 private:
  std::unique_ptr<QRcode, Free> code_;
};

Result<Modules> encode(const Secret<>& text) {
  const std::string& bytes = text.reveal();
  if (bytes.empty()) return Error{Errc::invalid_argument, "a QR code needs a text"};
  if (bytes.size() > kMaxBytes)
    return Error{Errc::too_large, fmt::format("a QR code holds at most {} bytes", kMaxBytes)};
  QRcode* code = QRcode_encodeData(static_cast<int>(bytes.size()),
                                   reinterpret_cast<const unsigned char*>(bytes.data()), 0, QR_ECLEVEL_M);
  if (code == nullptr) throw std::runtime_error("the QR code could not be made");
  return Modules(code);
}

}  // namespace

Result<Secret<>> qr_as_svg(const Secret<>& text) {
  const auto modules = encode(text);
  if (!modules) return modules.error();
  const int size = modules->size();
  std::string svg;
  svg.reserve(512 + static_cast<std::size_t>(size) * static_cast<std::size_t>(size) * 16);
  svg += fmt::format(
      R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0} {0}" shape-rendering="crispEdges">)"
      R"(<path fill="#fff" d="M0 0h{0}v{0}H0z"/><path fill="#000" d=")",
      size);
  for (int row = 0; row < size; ++row) {
    for (int column = 0; column < size; ++column) {
      const int start = column;
      while (modules->dark(row, column)) ++column;
      if (column > start) svg += fmt::format("M{} {}h{}v1H{}z", start, row, column - start, start);
    }
  }
  svg += "\"/></svg>\n";
  return Secret<>(std::move(svg));
}

Result<Secret<>> qr_for_terminal(const Secret<>& text) {
  const auto modules = encode(text);
  if (!modules) return modules.error();
  const int size = modules->size();
  std::string lines;
  lines.reserve(static_cast<std::size_t>(size) * static_cast<std::size_t>(size) * 2);
  for (int row = 0; row < size; row += 2) {
    lines += "\x1b[30;107m";  // black on bright white
    for (int column = 0; column < size; ++column) {
      const bool upper = modules->dark(row, column);
      const bool lower = modules->dark(row + 1, column);
      lines += upper && lower ? "█" : upper ? "▀" : lower ? "▄" : " ";
    }
    lines += "\x1b[0m\n";
  }
  return Secret<>(std::move(lines));
}

}  // namespace bulkhead::identity
