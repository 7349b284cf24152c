#pragma once

#include <optional>
#include <string>

#include "apps/salus/result_writer.h"
#include "audit/verify.h"

namespace salus::cli {

// EventFilter is what a reader asked to see; it is applied after an event was decrypted and
// verified.
struct EventFilter {
  std::optional<Timestamp> from;  // inclusive
  std::optional<Timestamp> to;    // inclusive
  std::optional<audit::Action> action;
  std::string user;  // empty: everybody

  bool Matches(const audit::Event& event) const;
};

// IsBreakGlass says that the access went around the usual rules: purpose BTG or ETREAT.
bool IsBreakGlass(const audit::Event& event);

// EventWriter prints verified events, in every output format.
class EventWriter {
 public:
  EventWriter(const Terminal& terminal, OutputFormat format);
  void Write(const audit::VerifiedEvent& event);
  void Finish();

 private:
  const OutputFormat format_;
  ResultWriter rows_;
  std::vector<std::string> resources_;  // FHIR: they make one Bundle
};

}  // namespace salus::cli
