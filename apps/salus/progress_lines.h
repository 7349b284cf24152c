// ProgressLines tells what happens in a session while it happens: sentences for people, or, with
// --events, a JSON object a line for programs. Both go to the standard error.
//
// Shape: {"event":"progress","step":...,"text":...}, {"event":"waiting","step":...,"for":[...]} or
//        {"event":"listening","port":N}.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "aggregate/peer_step.h"
#include "apps/salus/terminal.h"

namespace salus::cli {

class ProgressLines {
 public:
  ProgressLines(Terminal& terminal, bool is_json) : terminal_(terminal), is_json_(is_json) {}

  void Listening(const std::string& address, std::uint16_t port);
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
