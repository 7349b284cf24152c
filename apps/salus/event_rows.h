#pragma once

#include <optional>
#include <string>

#include "apps/salus/result_writer.h"
#include "apps/salus/verified_history.h"
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

// QuestionWriter prints who asked about a subject: the questions that its chain holds.
class QuestionWriter {
 public:
  QuestionWriter(const Terminal& terminal, OutputFormat format);
  // Errors: VerificationFailed when an entry is no question.
  Result<void> Write(const audit::Subject& subject, const audit::VerifiedHistory& history);
  // One question of a mandate that names the subject.
  void Write(const audit::Subject& subject, const HistoryReader::MandateQuestion& question);
  void Finish() { rows_.Finish(); }

 private:
  ResultWriter rows_;
};

// OthersQuestions counts the questions that somebody else than the reader asked.
std::uint64_t OthersQuestions(const audit::Subject& reader, const audit::VerifiedHistory& history);

}  // namespace salus::cli
