#include "audit/recorder.h"

#include <algorithm>
#include <chrono>

#include "audit/record_request.h"
#include "audit/recorder_state.h"
#include "base/check.h"
#include "base/log.h"

namespace salus::audit {

namespace {

codec::FlatJsonParser& ParserOfThread() {
  thread_local codec::FlatJsonParser parser;
  return parser;
}

}  // namespace

Recorder::Recorder(Parts parts) : state_(std::make_unique<State>(std::move(parts))) {}

Recorder::~Recorder() { state_->subjects.Flush(); }

void Recorder::RecordLines(const SourceRow& source, std::string_view lines,
                           const RecordOptions& options, Done done) {
  // As long as the first line, most likely; but a body of line feeds alone takes no room.
  constexpr std::size_t kShortestEvent = 64;
  const std::size_t line_size = std::max(kShortestEvent, lines.substr(0, lines.find('\n')).size());
  const std::size_t expected_lines = lines.size() / line_size + 1;
  auto request =
      std::make_shared<RecordRequest>(*state_, source, options, expected_lines, std::move(done));
  const Timestamp now = state_->parts.clock->Now();
  ParserOfThread().ParseLines(lines, [&](std::size_t number, std::string_view,
                                         Result<codec::FlatJsonParser::Members> members) {
    if (!members) return request->Refuse(number, std::move(members.error()));
    Result<Event> event = ReadEventMembers(*members, now);
    if (!event) return request->Refuse(number, std::move(event.error()));
    request->Add(number, *event);
  });
  request->Start();
}

bool Recorder::IsAtHand(std::string_view lines) const {
  const Timestamp now = state_->parts.clock->Now();
  bool is_at_hand = true;
  ParserOfThread().ParseLines(
      lines, [&](std::size_t, std::string_view, Result<codec::FlatJsonParser::Members> members) {
        if (!is_at_hand || !members) return;
        const Result<Event> event = ReadEventMembers(*members, now);
        if (!event) return;
        const auto subject =
            state_->subjects.Find(SubjectKind::kPatient, event->system, event->patient);
        is_at_hand = subject != nullptr && state_->epochs.Find(*subject, DayOf(now)) != nullptr;
      });
  return is_at_hand;
}

void Recorder::RecordEvents(const SourceRow& source, std::span<const OfferedEvent> events,
                            const RecordOptions& options, Done done) {
  auto request =
      std::make_shared<RecordRequest>(*state_, source, options, events.size(), std::move(done));
  const Timestamp now = state_->parts.clock->Now();
  for (const OfferedEvent& offered : events) {
    if (!offered.event) {
      request->Refuse(offered.line, offered.event.error());
    } else if (Result<void> ok = CheckEvent(*offered.event, now); !ok) {
      request->Refuse(offered.line, std::move(ok.error()));
    } else {
      request->Add(offered.line, *offered.event);
    }
  }
  request->Start();
}

ProvenTag Recorder::TagOf(const Subject& subject) { return state_->subjects.Get(subject)->tag; }

merkle::LeafIndex Recorder::LastPolicyOf(const Subject& subject) {
  const tlog::SubjectNumber number = state_->subjects.Get(subject)->number;
  return merkle::LeafIndex{state_->parts.log->subjects().at(number).last_policy};
}

void Recorder::ForgetOldEpochs() { state_->epochs.ForgetBefore(DayOf(state_->parts.clock->Now())); }

void Recorder::ForgetSubject(const Subject& subject) {
  state_->epochs.Forget(state_->subjects.Get(subject)->number);
}

}  // namespace salus::audit
