// HistoryAnswer is what a server sends when somebody asks for a subject's history: enough to check
// everything that can be checked, and nothing that has to be believed.
//
// A long chain is answered in pages. The first page is a HistoryAnswer, the others are HistoryPages
// under the first one's checkpoint; AssembleHistory makes one whole HistoryAnswer of them, which is
// what is verified and kept.
//
// Source: protocol.md P6.2; docs/formats/history.md.
// Shape:  one deterministic CBOR array (media type application/vnd.salus.history+cbor); the
// evidence
//         file of `--save` is an array of what was pinned and the answers.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/receipt.h"
#include "audit/subject.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "crypto/vrf.h"
#include "merkle/map_proof.h"
#include "merkle/multi_proof.h"
#include "merkle/proof.h"

namespace salus::audit {

// HistoryQuestion is the body of POST /audit/v1/history, as JSON:
// {"patient":ID,"system":S,"after":COUNT,"from":DAY,"to":DAY,"known_size":N,"purpose":TEXT,
// "wait":"cosigned"}. from and to are inclusive UTC days; without them every day is sent. The
// purpose is sealed into the question's entry.
//
// An auditor who names no patient asks about its mandate: that question is an entry in clear in the
// mandate's chain, the answer is that chain, and each patient's history is then asked for "under"
// it without an entry more. A patient reads the chain of a mandate whose tag its own chain tells
// it, under the question about itself: {"mandate":AUDITOR,"tag":HEX,"under":PERMIT}.
struct HistoryQuestion {
  Subject subject;
  std::uint64_t after = 0;  // chain entries that the client knows already
  std::optional<Day> from;
  std::optional<Day> to;
  std::uint64_t known_size = 0;  // tree size of the client's remembered checkpoint; 0: none
  bool wait_cosigned = false;
  std::string purpose = {};
  std::string under = {};                      // the permit of an earlier answer
  std::optional<SubjectTag> mandate_tag = {};  // a patient's, about a mandate
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
};

// ShownProof proves the next `count` of the shown entries, under the newest checkpoint: a page's.
struct ShownProof {
  std::uint64_t count = 0;
  merkle::MultiProof proof;
};

// NextPage says how many entries of the chain an answer covers so far, and what the page behind
// them is asked for with.
struct NextPage {
  std::uint64_t position = 0;
  std::string token;  // opaque
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
  std::vector<ShownEntry> shown;      // ascending indexes
  std::vector<ShownProof> inclusion;  // of all that is shown, in order
  std::optional<NextPage> next;       // nullopt: this is all
  // The entry that this question became, and its receipt (its leaf: source "query", id "").
  merkle::LeafIndex query_index;
  merkle::LeafHash query_leaf;
  Receipt query_receipt;  // without a note where another answer brought it
  std::string permit;     // to ask for more under this question's entry; empty: nothing more
};

Bytes EncodeHistory(const HistoryAnswer& answer);
// Errors: VerificationFailed when bytes is not exactly such an encoding.
Result<HistoryAnswer> DecodeHistory(ByteSpan bytes);

// HistoryPage is what goes on where an answer, or the page before, ended.
struct HistoryPage {
  merkle::TreeSize size;         // of the first page's checkpoint
  std::uint64_t position = 0;    // entries of the chain before this page
  std::vector<ChainItem> chain;  // what of it was not known to the asker
  std::vector<ShownEntry> shown;
  merkle::MultiProof inclusion;  // of `shown`
  std::optional<NextPage> next;  // nullopt: the chain ends with this page
};

Bytes EncodeHistoryPage(const HistoryPage& page);
// Errors: VerificationFailed when bytes is not exactly such an encoding.
Result<HistoryPage> DecodeHistoryPage(ByteSpan bytes);

// AssembleHistory asks for what follows the first page until nothing does, and returns the whole
// answer, encoded; the first page as it is where it is all. fetch returns the encoded page that
// the token asks for.
//
// Errors: VerificationFailed when what comes is no page, or is not the one that follows (dropped,
//         repeated, of another checkpoint, longer than the map's count); ResourceExhausted when all
//         of it is over 2 GiB; those of fetch.
Result<Bytes> AssembleHistory(Bytes first,
                              const std::function<Result<Bytes>(std::string_view token)>& fetch);

}  // namespace salus::audit
