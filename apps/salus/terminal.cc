#include "apps/salus/terminal.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace salus::cli {

namespace {

constexpr std::chrono::milliseconds kBarInterval{100};
constexpr int kBarWidth = 24;

std::string_view Code(Colour colour) {
  switch (colour) {
    case Colour::kRed:
      return "\x1b[31m";
    case Colour::kGreen:
      return "\x1b[32m";
    case Colour::kYellow:
      return "\x1b[33m";
    case Colour::kBold:
      return "\x1b[1m";
    case Colour::kNone:
      break;
  }
  return "";
}

}  // namespace

std::string Printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0u;
    if (c == 0xc2 && next >= 0x80 && next < 0xa0) {  // U+0080 to U+009F, among them CSI
      out += fmt::format("\\x{:02x}", next);
      ++i;
    } else if (c < 0x20 || c == 0x7f) {
      out += fmt::format("\\x{:02x}", c);
    } else {
      out += text[i];
    }
  }
  return out;
}

Terminal::Terminal()
    : is_interactive_(::isatty(STDERR_FILENO) == 1),
      is_result_terminal_(::isatty(STDOUT_FILENO) == 1) {
  const char* no_colour = std::getenv("NO_COLOR");
  has_colour_ = no_colour == nullptr || *no_colour == '\0';
}

void Terminal::Say(std::string_view text, Colour colour) {
  ClearBar();
  const std::string line = Printable(text);
  if (is_interactive_ && has_colour_ && colour != Colour::kNone) {
    fmt::print(stderr, "{}{}\x1b[0m\n", Code(colour), line);
  } else {
    fmt::print(stderr, "{}\n", line);
  }
}

std::string Terminal::PaintResult(std::string_view text, Colour colour) const {
  if (!is_result_terminal_ || !has_colour_ || colour == Colour::kNone) return std::string(text);
  return fmt::format("{}{}\x1b[0m", Code(colour), text);
}

void Terminal::ClearBar() {
  if (!is_bar_shown_) return;
  std::fputs("\r\x1b[K", stderr);
  is_bar_shown_ = false;
}

ProgressBar::ProgressBar(Terminal& terminal, std::string label, std::string unit,
                         std::uint64_t total)
    : terminal_(terminal),
      label_(std::move(label)),
      unit_(std::move(unit)),
      total_(total),
      start_(std::chrono::steady_clock::now()) {}

ProgressBar::~ProgressBar() { terminal_.ClearBar(); }

void ProgressBar::Set(std::uint64_t done) {
  if (!terminal_.is_interactive_) return;
  const auto now = std::chrono::steady_clock::now();
  if (now - shown_ < kBarInterval) return;
  shown_ = now;
  const double seconds = std::max(std::chrono::duration<double>(now - start_).count(), 0.001);
  const double rate = static_cast<double>(done) / seconds;
  std::string line;
  if (total_ > 0) {
    const double part = std::min(1.0, static_cast<double>(done) / static_cast<double>(total_));
    const int full = static_cast<int>(part * kBarWidth);
    line = fmt::format("{} [{:=<{}}{:<{}}] {:3.0f}% {} {} ({:.0f}/s)", label_, "", full, "",
                       kBarWidth - full, part * 100, done, unit_, rate);
  } else {
    line = fmt::format("{} {} {} ({:.0f}/s)", label_, done, unit_, rate);
  }
  fmt::print(stderr, "\r\x1b[K{}", line);
  std::fflush(stderr);
  terminal_.is_bar_shown_ = true;
}

}  // namespace salus::cli
