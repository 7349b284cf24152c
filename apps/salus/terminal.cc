#include "apps/salus/terminal.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <iterator>

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

struct Character {
  char32_t code_point = 0;
  std::size_t size = 0;  // bytes; 0: not UTF-8
};

// Source: RFC 3629 section 4: no overlong forms, no surrogates, nothing beyond U+10FFFF.
Character FirstOf(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return {first, 1};
  const std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < size) return {};
  char32_t code_point = first & (0x7fu >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    code_point = code_point << 6 | (byte(i) & 0x3fu);
  }
  constexpr std::array<char32_t, 5> kFirstOfSize = {0, 0, 0x80, 0x800, 0x10000};
  const bool is_surrogate = code_point >= 0xd800 && code_point < 0xe000;
  if (code_point < kFirstOfSize[size] || code_point > 0x10ffff || is_surrogate) return {};
  return {code_point, size};
}

struct Range {
  char32_t first, last;
};

// Source: Unicode 15, general categories Cc, Cf, Zl and Zp, and the default ignorable code points
//         (DerivedCoreProperties.txt).
constexpr Range kHidden[] = {
    {0x00, 0x1f},       {0x7f, 0x9f},       {0xad, 0xad},       {0x34f, 0x34f},
    {0x600, 0x605},     {0x61c, 0x61c},     {0x6dd, 0x6dd},     {0x70f, 0x70f},
    {0x890, 0x891},     {0x8e2, 0x8e2},     {0x115f, 0x1160},   {0x17b4, 0x17b5},
    {0x180b, 0x180f},   {0x200b, 0x200f},   {0x2028, 0x202e},   {0x2060, 0x206f},
    {0x3164, 0x3164},   {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},   {0xffa0, 0xffa0},
    {0xfff0, 0xfffb},   {0x110bd, 0x110bd}, {0x110cd, 0x110cd}, {0x13430, 0x1343f},
    {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff},
};

bool IsHidden(char32_t code_point) {
  return std::any_of(std::begin(kHidden), std::end(kHidden), [&](const Range& range) {
    return code_point >= range.first && code_point <= range.last;
  });
}

}  // namespace

std::string Printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Character one = FirstOf(text);
    if (one.size == 0) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text.front()));
    } else if (!IsHidden(one.code_point)) {
      out += text.substr(0, one.size);
    } else if (one.code_point < 0x100) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned>(one.code_point));
    } else {
      out += fmt::format("\\u{{{:04x}}}", static_cast<unsigned>(one.code_point));
    }
    text.remove_prefix(std::max<std::size_t>(one.size, 1));
  }
  return out;
}

std::string Counted(std::uint64_t count, std::string_view one, std::string_view more) {
  return fmt::format("{} {}", count, count == 1 ? one : more);
}

Terminal::Terminal()
    : is_interactive_(::isatty(STDERR_FILENO) == 1),
      is_result_terminal_(::isatty(STDOUT_FILENO) == 1) {
  const char* no_colour = std::getenv("NO_COLOR");
  has_colour_ = no_colour == nullptr || *no_colour == '\0';
}

void Terminal::Say(std::string_view text, Colour colour) {
  ClearBar();
  std::string line = Printable(text);
  if (is_interactive_ && has_colour_ && colour != Colour::kNone) {
    line = fmt::format("{}{}\x1b[0m", Code(colour), line);
  }
  line += '\n';
  // That nobody reads messages is no reason to stop: what was found is in the exit code.
  std::fputs(line.c_str(), stderr);
}

std::string Terminal::PaintResult(std::string_view text, Colour colour) const {
  if (!is_result_terminal_ || !has_colour_ || colour == Colour::kNone) return std::string(text);
  return fmt::format("{}{}\x1b[0m", Code(colour), text);
}

void Terminal::ClearBar() {
  if (!is_bar_shown_.exchange(false)) return;
  std::fputs("\r\x1b[K", stderr);
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
  std::fputs(("\r\x1b[K" + line).c_str(), stderr);
  std::fflush(stderr);
  terminal_.is_bar_shown_ = true;
}

}  // namespace salus::cli
