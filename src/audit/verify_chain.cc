// The subject's chain: from its first entry to what the map says, nothing left out and nothing
// added.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <unordered_map>

#include "audit/verify_parts.h"
#include "merkle/hash.h"
#include "tlog/note.h"

namespace salus::audit {

namespace {

// A patient's own repeats within an hour are one entry; the rest is for clocks and slow answers.
constexpr std::chrono::minutes kMaxReceiptAge{75};

Error AtChain(std::string_view what) {
  return VerificationFailed(
      fmt::format("the chain of entries is not complete: {}: keep this answer (--save) and tell "
                  "somebody outside "
                  "the operator",
                  what));
}

// The answer's entries behind those that this device remembers.
Result<std::vector<ChainItem>> WholeChain(const VerifyQuestion& question,
                                          const HistoryAnswer& answer) {
  const KnownChain& known = question.chain;
  if (!known.items.empty() && known.items.size() != known.count) {
    return FailedPrecondition("the remembered chain is damaged: ask with after 0");
  }
  if (answer.after > known.count) {
    return AtChain("the answer begins later than was asked for");
  }
  if (answer.after > known.items.size()) {
    return FailedPrecondition(
        "this device does not remember the entries before the answer: ask with after 0");
  }
  std::vector<ChainItem> items(known.items.begin(),
                               known.items.begin() + static_cast<std::ptrdiff_t>(answer.after));
  items.insert(items.end(), answer.chain.begin(), answer.chain.end());
  return items;
}

Result<merkle::ChainHead> WalkChain(const VerifyQuestion& question, const SubjectTag& tag,
                                    std::span<const ChainItem> items, const ProvenTree& newest) {
  const KnownChain& known = question.chain;
  merkle::ChainHead head = merkle::ChainHead0(question.log->origin, tag);
  merkle::ChainHead at_known = head;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0 && items[i].index <= items[i - 1].index) {
      return AtChain(
          fmt::format("entry {} follows entry {}", items[i].index.value, items[i - 1].index.value));
    }
    head = merkle::ChainStep(head, items[i].index, items[i].leaf_hash);
    if (i + 1 == known.count) at_known = head;
  }
  if (!items.empty() && items.back().index.value >= newest.map.size) {
    return AtChain("it goes on behind the checkpoint");
  }
  if (known.count > 0 && (items.size() < known.count || at_known != known.head)) {
    return AtChain(
        fmt::format("its first {} entries are not those that this device verified before: "
                    "history was rewritten",
                    known.count));
  }
  return head;
}

}  // namespace

Error AtEntry(std::uint64_t index, std::string_view what) {
  return VerificationFailed(fmt::format("entry {}: {}", index, what));
}

Result<VerifiedChain> VerifyChain(const VerifyQuestion& question, const HistoryAnswer& answer,
                                  const ProvenTree& newest) {
  VerifiedChain chain;
  const auto tag =
      VerifyTag(question.log->vrf_key, question.log->origin, question.subject, answer.tag_proof);
  if (!tag) {
    return VerificationFailed(
        "the tag's proof is not for this subject under the pinned key: the answer is about "
        "somebody "
        "else, or under a second name");
  }
  chain.tag = *tag;
  if (answer.map_value && answer.map_value->count == 0) {
    return VerificationFailed("the map names a chain without entries");
  }
  const auto mapped =
      answer.map_proof.Verify(merkle::PositionOf(chain.tag), answer.map_value, newest.map.map_root);
  if (!mapped) {
    return VerificationFailed(
        "what the answer says of the chain's length and head is not what the checkpoint's map "
        "says");
  }
  if (answer.next) return AtChain("the answer is only its first page");
  TRY(chain.items, WholeChain(question, answer));
  const std::uint64_t count = answer.map_value ? answer.map_value->count : 0;
  if (chain.items.size() != count) {
    return AtChain(
        fmt::format("the map counts {} entries, the answer has {}", count, chain.items.size()));
  }
  TRY(chain.head, WalkChain(question, chain.tag, chain.items, newest));
  if (answer.map_value && chain.head != answer.map_value->head) {
    return AtChain(
        "its entries do not lead to the head that the map holds: one was left out, added, "
        "changed or moved");
  }
  return chain;
}

const SealedBody* ProvenEntry::sealed() const {
  if (view.sealed) return &*view.sealed;
  return view.other && view.other->sealed ? &*view.other->sealed : nullptr;
}

namespace {

Result<ProvenEntry> VerifyOne(const ShownEntry& shown, const ChainItem& item) {
  const std::uint64_t index = shown.index.value;
  if (merkle::HashLeaf(shown.entry) != item.leaf_hash) {
    return AtEntry(index, "its bytes are not those that the chain commits to: it was altered");
  }
  Result<EntryView> view = ParseEntry(shown.entry);
  if (!view) return AtEntry(index, view.error().message);
  const bool is_of_chain =
      view->kind == EntryKind::kSealedEvent || view->kind == EntryKind::kGrant ||
      ((view->kind == EntryKind::kPolicy || view->kind == EntryKind::kCertificate ||
        view->kind == EntryKind::kQuery) &&
       view->other->about_subject);
  if (!is_of_chain) return AtEntry(index, "it is of a kind that belongs to no chain");
  return ProvenEntry{item, *view};
}

Result<void> VerifyInclusion(std::span<const ShownProof> inclusion,
                             std::span<const ProvenEntry> entries, const ProvenTree& newest) {
  std::vector<merkle::MultiProof::Leaf> leaves;
  for (const ProvenEntry& entry : entries) {
    leaves.push_back({entry.item.index, entry.item.leaf_hash});
  }
  std::span<const merkle::MultiProof::Leaf> left(leaves);
  for (const ShownProof& shown : inclusion) {
    if (shown.count > left.size()) return AtChain("it proves more entries than it shows");
    const auto part = left.first(shown.count);
    if (!shown.proof.Verify(part, newest.size, newest.root)) {
      return VerificationFailed(fmt::format(
          "not all of the entries {} to {} are in the log's tree: the server shows what it never "
          "logged",
          part.empty() ? 0 : part.front().index.value, part.empty() ? 0 : part.back().index.value));
    }
    left = left.subspan(shown.count);
  }
  if (left.empty()) return {};
  return AtEntry(left.front().index.value, "nothing proves that it is in the log's tree");
}

}  // namespace

Result<std::vector<ProvenEntry>> VerifyShown(const HistoryAnswer& answer,
                                             const VerifiedChain& chain, AskedRange asked,
                                             const ProvenTree& newest) {
  std::vector<ProvenEntry> entries;
  entries.reserve(answer.shown.size());
  auto shown = answer.shown.begin();
  for (const ChainItem& item : chain.items) {
    if (shown != answer.shown.end() && shown->index < item.index) break;
    if (shown != answer.shown.end() && shown->index == item.index) {
      TRY(ProvenEntry entry, VerifyOne(*shown, item));
      entries.push_back(std::move(entry));
      ++shown;
      continue;
    }
    if (item.index.value >= asked.begin && item.index.value < asked.end) {
      return AtEntry(
          item.index.value,
          "it is in the chain and in the time asked for, but the server does not show it");
    }
  }
  if (shown != answer.shown.end()) {
    return AtEntry(shown->index.value,
                   "it is shown, but not in this chain: it is somebody else's, or shown twice");
  }
  TRY_VOID(VerifyInclusion(answer.inclusion, entries, newest));
  return entries;
}

Result<KnownChain> VerifyQueries(const TrustedLog& log, const VerifyQuestion& question,
                                 const HistoryAnswer& answer, const VerifiedChain& chain,
                                 const ProvenTree& newest) {
  const auto fail = [](std::string_view what) {
    return VerificationFailed(
        fmt::format("the receipt for this question's own entry does not hold: {}", what));
  };
  const auto note = tlog::Note::Parse(answer.query_receipt.note);
  if (!note || !note->Verify({&log.receipt_key, 1})) return fail("it is not signed by this log");
  const auto body = ReceiptBody::Parse(note->text());
  if (!body || body->origin != log.origin) return fail("it is of another log");
  const merkle::LeafHash leaf =
      HashReceiptLeaf({"query", "", answer.query_index, answer.query_leaf, chain.tag});
  const auto root = RootFromReceipt(answer.query_receipt, {&leaf, 1}, body->leaves);
  if (!root || *root != body->root) return fail("it is about another entry");
  if (answer.query_index.value < body->first_index ||
      answer.query_index.value - body->first_index >= body->count) {
    return fail("it is about another commit");
  }
  if (!question.is_evidence && body->time + kMaxReceiptAge < question.now) {
    return fail("it is more than an hour old: this question was not logged");
  }

  KnownChain known = question.chain;
  known.count = chain.items.size();
  known.head = chain.head;
  known.items = chain.items;
  if (known.query_entries.size() != known.query_leaves.size()) {
    return FailedPrecondition("the remembered questions are damaged: forget them and ask again");
  }
  const auto old =
      std::find(known.query_entries.begin(), known.query_entries.end(), answer.query_index);
  if (old == known.query_entries.end()) {
    known.query_entries.push_back(answer.query_index);
    known.query_leaves.push_back(answer.query_leaf);
  } else if (known.query_leaves[static_cast<std::size_t>(old - known.query_entries.begin())] !=
             answer.query_leaf) {
    return fail("another receipt gave this index another entry");
  }
  std::unordered_map<std::uint64_t, const ChainItem*> by_index;
  for (const ChainItem& item : chain.items) by_index.emplace(item.index.value, &item);
  for (std::size_t i = 0; i < known.query_entries.size(); ++i) {
    const std::uint64_t index = known.query_entries[i].value;
    if (index >= newest.size.value) continue;  // its time has not come
    const auto item = by_index.find(index);
    if (item == by_index.end() || item->second->leaf_hash != known.query_leaves[i]) {
      return AtEntry(index,
                     "this device holds a receipt for it (its own question), but it is not in "
                     "the chain: entries were removed");
    }
  }
  return known;
}

}  // namespace salus::audit
