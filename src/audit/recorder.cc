#include "audit/recorder.h"

#include <algorithm>
#include <chrono>

#include "audit/record_request.h"
#include "audit/recorder_state.h"
#include "base/check.h"
#include "base/log.h"

namespace salus::audit {

Recorder::Recorder(Parts parts) : state_(std::make_unique<State>(std::move(parts))) {}

Recorder::~Recorder() { state_->subjects.Flush(); }

void Recorder::RecordLines(const SourceRow& source, std::string_view lines,
                           const RecordOptions& options, Done done) {
  auto request = std::make_shared<RecordRequest>(*state_, source, options, std::move(done));
  thread_local codec::FlatJsonParser parser;
  const Timestamp now = state_->parts.clock->Now();
  parser.ParseLines(lines, [&](std::size_t number, std::string_view,
                               Result<codec::FlatJsonParser::Members> members) {
    if (!members) return request->Refuse(number, std::move(members.error()));
    Result<Event> event = ReadEventMembers(*members, now);
    if (!event) return request->Refuse(number, std::move(event.error()));
    request->Add(number, *event);
  });
  request->Start();
}

void Recorder::RecordEvents(const SourceRow& source, std::vector<Event> events,
                            const RecordOptions& options, Done done) {
  auto request = std::make_shared<RecordRequest>(*state_, source, options, std::move(done));
  const Timestamp now = state_->parts.clock->Now();
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (Result<void> ok = CheckEvent(events[i], now); !ok) {
      request->Refuse(i + 1, std::move(ok.error()));
    } else {
      request->Add(i + 1, events[i]);
    }
  }
  request->Start();
}

ProvenTag Recorder::TagOf(const Subject& subject) { return state_->subjects.Get(subject)->tag; }

void Recorder::ForgetOldEpochs() { state_->epochs.ForgetBefore(DayOf(state_->parts.clock->Now())); }

void Recorder::ForgetSubject(const Subject& subject) {
  state_->epochs.Forget(state_->subjects.Get(subject)->number);
}

}  // namespace salus::audit
