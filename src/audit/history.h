// HistoryAnswer is what a server sends when somebody asks for a subject's history: enough to check
// everything that can be checked, and nothing that has to be believed.
//
// Source: protocol.md P6.2; docs/formats/history.md.
// Shape:  one deterministic CBOR array (media type application/vnd.salus.history+cbor); the
// evidence
//         file of `--save` is an array of what was pinned and the answers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "audit/receipt.h"
#include "audit/subject.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "crypto/vrf.h"
#include "merkle/map_proof.h"
#include "merkle/proof.h"

namespace salus::audit {

// HistoryQuestion is the body of POST /audit/v1/history, as JSON:
// {"patient":ID,"system":S,"after":COUNT,"from":DAY,"to":DAY,"known_size":N,"wait":"cosigned"}.
// from and to are inclusive UTC days; without them every day is sent.
struct HistoryQuestion {
  Subject subject;
  std::uint64_t after = 0;  // chain entries that the client knows already
  std::optional<Day> from;
  std::optional<Day> to;
  std::uint64_t known_size = 0;  // tree size of the client's remembered checkpoint; 0: none
  bool wait_cosigned = false;
};

// ProvenCheckpoint is a checkpoint and the kind 3 entry that its tree ends in.
struct ProvenCheckpoint {
  std::string note;                      // with cosignatures
  Bytes map_entry;                       // the entry at size - 1
  merkle::InclusionProof map_inclusion;  // under this very checkpoint
};

// ChainItem is one entry of the subject's chain.
struct ChainItem {
  merkle::LeafIndex index;
  merkle::LeafHash leaf_hash;
};

// ShownEntry is an entry with its bytes: of the days asked for, every policy and key entry, and
// every grant that they need (also those in the chain of the subject). Day key grants are in the
// auditor's own chain and are fetched by asking for that.
struct ShownEntry {
  merkle::LeafIndex index;
  Bytes entry;
  merkle::InclusionProof inclusion;  // under the newest checkpoint
};

struct HistoryAnswer {
  ProvenCheckpoint newest;
  merkle::ConsistencyProof from_known;  // known_size -> newest; empty when known_size is 0
  crypto::VrfProof tag_proof;
  // Absence from the empty map until it is set: MapProof has no default.
  merkle::MapProof map_proof =
      *merkle::MapProof::Create(merkle::MapProof::Kind::kEmpty, {}, std::nullopt);
  std::optional<merkle::MapValue> map_value;  // nullopt: the subject has no entries
  std::uint64_t after = 0;                    // echoes the question
  std::vector<ChainItem> chain;               // the entries after COUNT, all of them
  // The two kept checkpoints that bracket the days asked for, with their consistency to the newest;
  // `before` may be missing when the log is younger, `behind` when the last day is not over.
  struct Bracket {
    ProvenCheckpoint checkpoint;
    merkle::ConsistencyProof to_newest;
  };
  std::optional<Bracket> before;
  std::optional<Bracket> behind;
  std::vector<ShownEntry> shown;  // ascending indexes
  // The entry that this question became, and its receipt (its leaf: source "query", id "").
  merkle::LeafIndex query_index;
  merkle::LeafHash query_leaf;
  Receipt query_receipt;
};

Bytes EncodeHistory(const HistoryAnswer& answer);
// Errors: VerificationFailed when bytes is not exactly such an encoding.
Result<HistoryAnswer> DecodeHistory(ByteSpan bytes);

}  // namespace salus::audit
