// Terminal is where messages go: the standard error. Results never go through it.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace salus::cli {

enum class Colour { kNone, kRed, kGreen, kYellow, kBold };

// Printable is text from outside as a terminal may show it: control characters, which could drive
// the terminal, and invisible ones, which could make text look like other text (bidirectional
// controls, characters without a width, line separators), become \xNN or \u{NNNN}; what is no
// UTF-8 becomes \xNN.
std::string Printable(std::string_view text);

class Terminal {
 public:
  Terminal();

  // Say prints one line; what it says is made printable. Threads: safe, unlike the rest.
  void Say(std::string_view text, Colour colour = Colour::kNone);
  void Warn(std::string_view text) { Say(std::string("warning: ").append(text), Colour::kYellow); }
  void Fail(std::string_view text) { Say(std::string("salus: ").append(text), Colour::kRed); }

  // PaintResult is text in colour for the standard output, where that is a terminal.
  std::string PaintResult(std::string_view text, Colour colour) const;

  bool is_interactive() const { return is_interactive_; }
  bool is_result_terminal() const { return is_result_terminal_; }

 private:
  friend class ProgressBar;
  void ClearBar();

  bool is_interactive_;
  bool is_result_terminal_;
  bool has_colour_;
  std::atomic<bool> is_bar_shown_ = false;
};

// Counted is "1 patient", "2 patients".
std::string Counted(std::uint64_t count, std::string_view one, std::string_view more);

// ProgressBar shows how far something is, at most ten times a second, on a terminal only.
class ProgressBar {
 public:
  // total 0: not known. unit is "events", "entries", "bytes".
  ProgressBar(Terminal& terminal, std::string label, std::string unit, std::uint64_t total);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void Set(std::uint64_t done);
  void SetTotal(std::uint64_t total) { total_ = total; }

 private:
  Terminal& terminal_;
  const std::string label_;
  const std::string unit_;
  std::uint64_t total_;
  const std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point shown_;
};

}  // namespace salus::cli
