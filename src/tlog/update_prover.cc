#include "tlog/update_prover.h"

#include <fmt/format.h>

#include <algorithm>

namespace salus::tlog {

Result<std::optional<UpdateProof>> UpdateProver::Prove(LeafIndex index) const {
  TRY(const std::shared_ptr<const Block> block, BlockOf(index));
  const auto step = std::ranges::lower_bound(block->indexes, index.value);
  if (step == block->indexes.end() || *step != index.value) return std::optional<UpdateProof>();
  UpdateProof proof;
  proof.map_root = LeafIndex{block->map_root};
  proof.map_entry = block->map_entry;
  proof.position = static_cast<std::uint64_t>(step - block->indexes.begin());
  proof.steps = block->leaves.size();
  TRY(proof.path, merkle::ProveInclusion(LeafIndex{proof.position}, proof.steps, block->leaves));
  return std::optional(std::move(proof));
}

Result<std::shared_ptr<const UpdateProver::Block>> UpdateProver::BlockOf(LeafIndex index) const {
  const auto published = log_.published();
  if (!published || index.value >= published->size.value) {
    return NotFound(fmt::format("no published checkpoint covers entry {} yet", index.value));
  }
  std::lock_guard lock(mutex_);
  const auto known = std::ranges::find_if(blocks_, [&](const auto& block) {
    return block->first <= index.value && index.value <= block->map_root;
  });
  if (known != blocks_.end()) {
    std::rotate(blocks_.begin(), known, known + 1);
    return blocks_.front();
  }
  TRY(const std::uint64_t first, FirstOfBlock(index.value));
  TRY(Block read, ReadBlock(first, published->size));
  blocks_.insert(blocks_.begin(), std::make_shared<const Block>(std::move(read)));
  std::size_t steps = 0;
  const auto is_too_much = [&](const auto& block) {
    if (block == blocks_.front()) return false;
    steps += block->indexes.size();
    return steps > kMaxSteps;
  };
  blocks_.erase(std::ranges::find_if(blocks_, is_too_much), blocks_.end());
  if (blocks_.size() > kMaxBlocks) blocks_.pop_back();
  return blocks_.front();
}

// Map root entries are commits of their own, so that only commits of one entry are looked into.
Result<std::uint64_t> UpdateProver::FirstOfBlock(std::uint64_t index) const {
  for (std::uint64_t at = index; at > 0;) {
    TRY(const storage::FrameView commit, log_.CommitOf(at - 1));
    if (commit.record_count == 1) {
      TRY(const StoredEntry entry, log_.ReadEntry(LeafIndex{commit.first_record}));
      if (KindOf(entry.entry) == EntryKind::kMapRoot) return at;
    }
    at = commit.first_record;
  }
  return 0;
}

Result<UpdateProver::Block> UpdateProver::ReadBlock(std::uint64_t first, TreeSize published) const {
  Block block;
  block.first = first;
  std::vector<LeafHash> leaves;
  const auto visit = [&](const storage::RecordView& record) -> Result<void> {
    if (KindOf(record.payload) == EntryKind::kMapRoot) {
      block.map_root = record.number;
      block.map_entry = ToBytes(record.payload);
      return {};
    }
    TRY(const RecordMeta meta, RecordMeta::Parse(record.meta));
    if (!meta.subject) return {};
    if (!log_.subjects().Has(*meta.subject)) {
      return Corruption(
          fmt::format("entry {} belongs to a subject that was not introduced", record.number));
    }
    block.indexes.push_back(record.number);
    leaves.push_back(HashUpdate(LeafIndex{record.number}, log_.subjects().at(*meta.subject).tag));
    return {};
  };
  for (std::uint64_t at = first; block.map_entry.empty();) {
    if (at >= published.value) {
      return Corruption(fmt::format("no map root entry follows entry {}", first));
    }
    TRY(const storage::FrameView commit, log_.CommitOf(at));
    const std::uint64_t end = commit.first_record + commit.record_count;
    TRY_VOID(log_.Scan(at, end, visit));
    at = end;
  }
  block.leaves.AppendMany(leaves);
  return block;
}

}  // namespace salus::tlog
