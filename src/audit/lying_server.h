// LyingServer is an operator with all of the log's keys, who rewrites the log and signs what comes
// out; test code only. It is written apart from Historian: what both answer the same is a check of
// both.
#pragma once

#include <optional>
#include <vector>

#include "audit/audit_fixture.h"
#include "audit/history.h"

namespace salus::audit {

class LyingServer {
 public:
  // LoggedEntry is one entry of the log and whose chain it steps.
  struct LoggedEntry {
    Bytes entry;
    std::optional<SubjectTag> tag;
  };

  // Takes over the log as it stands, without the kind 3 entry at its end.
  explicit LyingServer(const AuditFixture& fixture);

  // PlacesOf are the places in `entries` that step a subject's chain.
  std::vector<std::size_t> PlacesOf(const Subject& subject) const;
  SubjectTag TagOf(const Subject& subject) const;

  // Answer signs a checkpoint over `entries` and answers with all that a reader checks. query_leaf
  // is the entry that the receipt is for; when it is not in the chain, the receipt points behind
  // the log.
  HistoryAnswer Answer(const Subject& subject, const merkle::LeafHash& query_leaf,
                       std::uint64_t known_size) const;

  std::vector<LoggedEntry> entries;
  Timestamp time;
  const crypto::VrfPrivateKey* vrf;

 private:
  const AuditFixture* fixture_;
};

}  // namespace salus::audit
