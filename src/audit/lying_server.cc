#include "audit/lying_server.h"

#include <map>

#include "base/check.h"
#include "merkle/hash.h"
#include "merkle/map.h"
#include "merkle/memory_tree.h"
#include "merkle/multi_proof.h"
#include "merkle/proof.h"
#include "tlog/checkpoint.h"
#include "tlog/map_root_entry.h"
#include "tlog/record_meta.h"

namespace salus::audit {

LyingServer::LyingServer(const AuditFixture& fixture)
    : time(fixture.clock.Now()), vrf(&fixture.signer.vrf), fixture_(&fixture) {
  const std::uint64_t end = fixture.log->published()->size.value - 1;
  const auto scanned =
      fixture.log->Scan(0, end, [&](const storage::RecordView& record) -> Result<void> {
        TRY(const tlog::RecordMeta meta, tlog::RecordMeta::Parse(record.meta));
        LoggedEntry logged{ToBytes(record.payload), std::nullopt};
        if (meta.subject) logged.tag = fixture.log->subjects().at(*meta.subject).tag;
        entries.push_back(std::move(logged));
        return {};
      });
  CHECK(scanned.has_value());
}

SubjectTag LyingServer::TagOf(const Subject& subject) const {
  return ProveTag(*vrf, fixture_->origin, subject).tag;
}

std::vector<std::size_t> LyingServer::PlacesOf(const Subject& subject) const {
  const SubjectTag tag = TagOf(subject);
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (entries[i].tag == tag) places.push_back(i);
  }
  return places;
}

HistoryAnswer LyingServer::Answer(const Subject& subject, const merkle::LeafHash& query_leaf,
                                  std::uint64_t known_size) const {
  const ProvenTag tag = ProveTag(*vrf, fixture_->origin, subject);
  merkle::MemoryTree tree;
  std::map<SubjectTag, merkle::MapValue> chains;
  HistoryAnswer answer;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const merkle::LeafHash leaf = merkle::HashLeaf(entries[i].entry);
    tree.Append(leaf);
    if (!entries[i].tag) continue;
    const auto [at, is_new] = chains.try_emplace(
        *entries[i].tag,
        merkle::MapValue{0, merkle::ChainHead0(fixture_->origin, *entries[i].tag)});
    ++at->second.count;
    at->second.head = merkle::ChainStep(at->second.head, merkle::LeafIndex{i}, leaf);
    if (*entries[i].tag == tag.tag) answer.chain.push_back({merkle::LeafIndex{i}, leaf});
  }
  merkle::MapTree map;
  for (const auto& [other, value] : chains) {
    const merkle::MapUpdate update{merkle::PositionOf(other), value};
    map.Apply({&update, 1});
  }
  const tlog::MapRootEntry root{entries.size(), time, map.root(), chains.size(), {}};
  answer.newest.map_entry = root.Encode();
  tree.Append(merkle::HashLeaf(answer.newest.map_entry));
  const merkle::TreeSize size = tree.size();
  const tlog::Checkpoint checkpoint{fixture_->origin, size, tree.Root(), {}};
  answer.newest.note = *fixture_->signer.SignCheckpoint(checkpoint.Body());
  answer.newest.map_inclusion =
      *merkle::ProveInclusion(merkle::LeafIndex{entries.size()}, size, tree);
  if (known_size > 0 && known_size <= size.value) {
    answer.from_known = *merkle::ProveConsistency(merkle::TreeSize{known_size}, size, tree);
  }
  answer.tag_proof = tag.proof;
  answer.map_proof = map.Prove(merkle::PositionOf(tag.tag));
  answer.map_value = map.Find(merkle::PositionOf(tag.tag));
  answer.query_index = merkle::LeafIndex{size.value + 1};
  answer.query_leaf = query_leaf;
  std::vector<merkle::LeafIndex> shown;
  for (const ChainItem& item : answer.chain) {
    if (item.leaf_hash == query_leaf) answer.query_index = item.index;
    answer.shown.push_back({item.index, entries[item.index.value].entry});
    shown.push_back(item.index);
  }
  answer.inclusion = {{shown.size(), *merkle::ProveMany(shown, size, tree)}};
  const merkle::MemoryTree receipts(
      std::vector{HashReceiptLeaf({"query", "", answer.query_index, answer.query_leaf, tag.tag})});
  const ReceiptBody body{fixture_->origin, answer.query_index.value, 1, time, 1, receipts.Root()};
  answer.query_receipt = MakeReceipt(*fixture_->signer.SignReceipt(body.ToText()), receipts, 0, 1);
  return answer;
}

}  // namespace salus::audit
