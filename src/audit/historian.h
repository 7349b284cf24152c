// Historian answers questions about subjects out of the log. It can't read what it serves.
//
// Source: protocol.md P6.1 and P6.2.
#pragma once

#include <memory>
#include <vector>

#include "audit/directory.h"
#include "audit/history.h"
#include "audit/recorder.h"
#include "base/result.h"
#include "tlog/log.h"

namespace salus::audit {

class Historian {
 public:
  Historian(const tlog::Log& log, const Directory& directory, Recorder& recorder,
            const Clock& clock);

  // Answer records the question as an entry first, then answers it. Whether the asker may ask is
  // decided here, and nowhere else: a patient asks about itself, an auditor about itself and the
  // patients of its mandate.
  //
  // Errors: PermissionDenied, always with the same text, for everybody without the right, whether
  //         the subject exists or not. Unavailable while there is no published checkpoint.
  Result<HistoryAnswer> Answer(const Subject& asker, const HistoryQuestion& question);

  // Queries lists who asked about a subject, as entries of its chain (the subject itself only).
  // A source gets its own entry back, sealed as it stands (GET /audit/v1/entries/I).
  Result<ShownEntry> EntryForSource(const SourceRow& source, merkle::LeafIndex index);

 private:
  const tlog::Log& log_;
  const Directory& directory_;
  Recorder& recorder_;
  const Clock& clock_;
};

}  // namespace salus::audit
