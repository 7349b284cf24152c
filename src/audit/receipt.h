// Receipt is a source's proof that its events were logged as it sent them: a signed note over a
// Merkle tree of (source, id, index, leaf hash, tag) of all events of one commit.
//
// Source: protocol.md P5.2; docs/formats/receipt.md.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "audit/subject.h"
#include "base/clock.h"
#include "base/result.h"
#include "merkle/memory_tree.h"
#include "merkle/types.h"

namespace salus::audit {

// ReceiptLeaf is what one event's leaf holds.
struct ReceiptLeaf {
  std::string_view source;
  std::string_view event_id;
  merkle::LeafIndex index;
  merkle::LeafHash leaf_hash;
  SubjectTag tag;
};

// HashReceiptLeaf is the RFC 6962 leaf hash of CBOR [source, id, index, leaf hash, tag].
merkle::LeafHash HashReceiptLeaf(const ReceiptLeaf& leaf);
// HashReceiptLeaves does so for many at once.
void HashReceiptLeaves(std::span<const ReceiptLeaf> leaves, std::span<merkle::LeafHash> out);

// ReceiptBody is the note's text: origin "/receipts", first index, number of entries of the commit,
// its time in ms, number of leaves, root; each on a line of its own.
struct ReceiptBody {
  std::string origin;  // of the log
  std::uint64_t first_index = 0;
  std::uint64_t count = 0;
  Timestamp time;
  std::uint64_t leaves = 0;
  merkle::RootHash root;

  std::string ToText() const;
  // Errors: VerificationFailed.
  static Result<ReceiptBody> Parse(std::string_view text);
};

// Receipt is what a source keeps: the note, and the hashes beside its own leaves, which stand at
// leaf `first` of the commit's tree, one after the other.
//
// Shape: beside holds the hashes of the largest subtrees of the RFC 6962 tree that hold none of the
//        own leaves, left to right: at most 2 * 63.
struct Receipt {
  std::string note;
  std::uint64_t first = 0;
  std::uint64_t own = 0;
  std::vector<merkle::NodeHash> beside;
};

// RootFromReceipt recomputes the tree's root from the source's own leaf hashes and the receipt.
//
// Errors: VerificationFailed when the numbers do not fit together.
Result<merkle::RootHash> RootFromReceipt(const Receipt& receipt,
                                         std::span<const merkle::LeafHash> own,
                                         std::uint64_t leaves);

// MakeReceipt cuts one source's part out of the commit's tree.
Receipt MakeReceipt(std::string note, const merkle::MemoryTree& tree, std::uint64_t first,
                    std::uint64_t own);

}  // namespace salus::audit
