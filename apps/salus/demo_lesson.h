// DemoLesson tells what was played as a lesson: who sends what to whom, what each one can know, and
// what it comes to.
//
// Shape: text of at most 100 columns, or one JSON object.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "aggregate/peer_result.h"
#include "aggregate/peer_step.h"
#include "apps/salus/demo_stage.h"
#include "codec/json.h"

namespace salus::cli {

// DemoMessage is one message of the host's transcript.
struct DemoMessage {
  aggregate::PeerStep step = aggregate::PeerStep::kJoin;
  aggregate::PeerId sender = 0;
  std::optional<aggregate::PeerId> recipient;  // of a share; nothing: all
  Bytes body;
};

class DemoLesson {
 public:
  // Read takes the host's transcript apart.
  //
  // Errors: InvalidArgument when it is none.
  static Result<DemoLesson> Read(DemoRun run);

  std::string Text() const;
  const aggregate::PeerRoster& roster() const { return *run_.roster; }
  // result is nothing where the session stopped.
  const std::optional<aggregate::PeerResult>& result() const { return result_; }
  codec::JsonObject Json() const;

  // CheckOutcome says whether the session went as such a one must.
  //
  // Errors: VerificationFailed when it did not.
  Result<void> CheckOutcome() const;

 private:
  explicit DemoLesson(DemoRun run) : run_(std::move(run)) {}

  Result<void> ReadEvents();
  std::string Cast() const;
  std::string Step(aggregate::PeerStep step) const;
  std::string Messages(aggregate::PeerStep step) const;
  std::string Addition() const;
  std::string Knowledge() const;
  std::string Eavesdropping() const;
  std::string Ending() const;
  std::string NameOf(aggregate::PeerId id) const { return run_.roster->Name(id); }
  bool is_small() const { return run_.people.size() <= 7; }

  DemoRun run_;
  std::vector<DemoMessage> messages_;
  std::vector<std::pair<aggregate::PeerStep, std::string>> events_;
  std::optional<aggregate::PeerResult> result_;
};

}  // namespace salus::cli
