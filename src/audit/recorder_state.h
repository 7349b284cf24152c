#pragma once

#include <map>

#include "audit/epoch_store.h"
#include "audit/recorder.h"
#include "audit/subject_cache.h"
#include "audit/work_queue.h"

namespace salus::audit {

// Recorder::State is what its requests share.
struct Recorder::State {
  explicit State(Parts p)
      : parts(std::move(p)),
        subjects(parts.origin, *parts.log, *parts.directory, *parts.signer),
        epochs(parts.origin, *parts.log, *parts.directory, subjects, *parts.random),
        refused(parts.metrics->NewCounter("salus_events_refused_total", "Lines refused.")),
        logged(parts.metrics->NewCounter("salus_events_logged_total", "Events logged.")),
        workers(2) {}

  // A patient that nobody registered is taken into custody, so that no event is ever refused for
  // it. One that the log knows already is left alone. The caller holds acts_mutex.
  Result<void> RegisterUnknown(std::span<const std::shared_ptr<const KnownSubject>> patients);
  // HasChain says whether the log knows the subject.
  bool HasChain(const KnownSubject& subject) const;

  struct RecentQuery {
    Timestamp at;
    LoggedQuery query;
  };

  const Parts parts;
  SubjectCache subjects;
  EpochStore epochs;
  Counter& refused;
  Counter& logged;
  std::mutex acts_mutex;  // one change of who is registered and may read at a time
  std::mutex queries_mutex;
  std::map<std::pair<Subject, Subject>, RecentQuery> recent_queries;  // by queries_mutex
  WorkQueue workers;                                                  // last: stops first
};

// SignReceipts fills in the answers' tree, signs the receipt over it and runs what waits for that.
// Called by whoever filled in the last hash.
void SignReceipts(Recorder::State& state, tlog::CommitAnswers& answers);

// FinishAnswers counts one submission of a commit as filled in; `then` runs when the receipt is
// there.
void FinishAnswers(Recorder::State& state, const std::shared_ptr<tlog::CommitAnswers>& answers,
                   std::function<void()> then);

}  // namespace salus::audit
