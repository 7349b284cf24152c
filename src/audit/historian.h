// Historian answers questions about subjects out of the log. It can't read what it serves.
//
// Source: protocol.md P6.1 and P6.2.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "audit/directory.h"
#include "audit/history.h"
#include "audit/page_token.h"
#include "audit/recorder.h"
#include "base/random.h"
#include "base/result.h"
#include "tlog/log.h"
#include "tlog/update_prover.h"

namespace salus::audit {

// PageLimits bound what one page of an answer holds, and so the server's memory for it.
struct PageLimits {
  std::size_t chain_items = 10'000;
  std::size_t shown_bytes = 8u << 20;  // and one entry more
};

// IncludedEntry is one entry with proofs of its own: that it is in the log, and where it was filed.
struct IncludedEntry {
  merkle::LeafIndex index;
  Bytes entry;
  merkle::InclusionProof inclusion;
  std::optional<tlog::UpdateProof> filing;  // none: it is in no chain
};

class Historian {
 public:
  Historian(const tlog::Log& log, const Directory& directory, Recorder& recorder,
            const Clock& clock, RandomSource& random, PageLimits limits = {});

  // Answer records the question as an entry first, then answers it: the first page. Whether the
  // asker may ask is decided here, and nowhere else: a patient asks about itself, an auditor about
  // itself, its mandate and the mandate's patients, an officer about the system subject in that
  // one's name. Under a permit nothing is recorded: an auditor asks for the mandate's patients so,
  // and a patient for a mandate whose tag it knows out of its own chain.
  //
  // Errors: PermissionDenied, always with the same text, for everybody without the right, whether
  //         the subject exists or not. FailedPrecondition under a permit from before the mandate's
  //         newest entry. Unavailable while there is no published checkpoint.
  Result<HistoryAnswer> Answer(const Subject& asker, const HistoryQuestion& question);

  // Page goes on with an answer, under its checkpoint; the token is of the page before. No
  // entry is made, and the asker's right is looked at again.
  //
  // Errors: PermissionDenied, in the same words, without the right or with somebody else's token;
  //         FailedPrecondition when this process did not make it, or 10 minutes ago at least.
  Result<HistoryPage> Page(const Subject& asker, std::string_view token);

  // EntryForSource gives a source its own entry back, sealed as it stands (GET
  // /audit/v1/entries/I).
  //
  // Errors: PermissionDenied for every entry that is not its own; Unavailable until a checkpoint
  //         covers it.
  Result<IncludedEntry> EntryForSource(const SourceRow& source, merkle::LeafIndex index);

 private:
  Result<void> Record(const Subject& asker, const HistoryQuestion& question, Timestamp now,
                      HistoryAnswer& answer);
  Result<HistoryPage> MakePage(PageToken at) const;
  bool KnowsTag(const HistoryQuestion& question) const;

  const tlog::Log& log_;
  const Directory& directory_;
  Recorder& recorder_;
  const Clock& clock_;
  const tlog::UpdateProver updates_;
  const PageTokenSigner tokens_;
  const PageLimits limits_;
};

}  // namespace salus::audit
