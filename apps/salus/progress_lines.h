// ProgressLines tells what happens in a session while it happens: sentences for people, or, with
// --events, a JSON object a line for programs. Both go to the standard error.
//
// Shape: {"event":"progress","step":...,"text":...}, {"event":"waiting","step":...,"for":[...]},
//        {"event":"listening","port":N}, or {"event":"announced" | "not logged" | "released",
//        "text":...}.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "aggregate/peer_step.h"
#include "apps/salus/terminal.h"

namespace salus::cli {

class ProgressLines {
 public:
  ProgressLines(Terminal& terminal, bool is_json) : terminal_(terminal), is_json_(is_json) {}

  void Listening(const std::string& address, std::uint16_t port);
  // Said is a sentence about the session as a whole; kind is its event.
  void Said(std::string_view kind, const std::string& text, Colour colour = Colour::kNone);
  void Happened(const std::vector<aggregate::PeerEvent>& events);
  // WaitingFor says nothing twice.
  void WaitingFor(aggregate::PeerStep step, const std::vector<std::string>& names);

 private:
  Terminal& terminal_;
  const bool is_json_;
  aggregate::PeerStep step_ = aggregate::PeerStep::kAbort;
  std::vector<std::string> names_;
};

}  // namespace salus::cli
