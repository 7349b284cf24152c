#include "served_answers.h"

#include <fmt/format.h>

#include "audit/directory.h"
#include "audit/subject.h"
#include "base/endian.h"
#include "merkle/hash.h"
#include "merkle/proof.h"

namespace salus::integration {

namespace {

class Reader {
 public:
  explicit Reader(node::Node& node) : node_(node), log_(node.log()) {}

  ServedAnswers Run() {
    const auto published = log_.published();
    if (!published) {
      Put("checkpoint", NotFound("no checkpoint is published"));
      return std::move(answers_);
    }
    answers_.size = published->size.value;
    Put("checkpoint", ToBytes(AsBytes(published->note)));
    Put("pinned", Pinned());
    for (std::uint64_t i = 0; i < answers_.size; ++i) {
      Put(fmt::format("entry {}", i), Entry(i));
    }
    for (const merkle::TileId& tile : merkle::TilesOf(published->size)) {
      Put(tile.Path(), log_.ReadTile(tile));
      if (tile.level == 0) Put(tile.EntriesPath(), log_.ReadBundle(tile));
    }
    Rows();
    for (const audit::PatientRow& row : node_.directory().patients()) Chain(row.subject);
    for (const audit::AuditorRow& row : node_.directory().auditors()) Chain(row.subject);
    for (std::size_t i = 0; i < log_.checkpoints().kept_count(); ++i) {
      const auto kept = log_.checkpoints().KeptAt(i);
      Put(kept ? fmt::format("kept {}", kept->size) : fmt::format("kept at {}", i),
          kept ? Result<Bytes>(ToBytes(AsBytes(kept->note))) : Result<Bytes>(kept.error()));
    }
    return std::move(answers_);
  }

 private:
  void Put(const std::string& name, Result<Bytes> value) {
    answers_.items.emplace(name, std::move(value));
  }

  Bytes Pinned() const {
    const audit::PinnedLog pinned = node_.pinned();
    const auto vrf = pinned.vrf_key.bytes();
    return ToBytes(AsBytes(pinned.origin + "|" + pinned.log_vkey + "|" + pinned.receipt_vkey + "|" +
                           pinned.policy + "|" + node_.root_certificate_pem() + "|" +
                           std::string(AsText(vrf))));
  }

  Result<Bytes> Entry(std::uint64_t i) const {
    TRY(const tlog::StoredEntry stored, log_.ReadEntry(tlog::LeafIndex{i}));
    const auto published = log_.published();
    if (merkle::HashLeaf(stored.entry) != stored.leaf_hash) {
      return VerificationFailed("an entry does not have the leaf hash that came with it");
    }
    if (i % 16 == 0) {
      TRY(const auto proof, merkle::ProveInclusion(stored.index, published->size, log_.hashes()));
      TRY_VOID(proof.Verify(stored.leaf_hash, stored.index, published->size, published->root));
    }
    if (stored.meta.repeat) {
      std::uint8_t may_be = 0;
      log_.MayBeRepeats({&*stored.meta.repeat, 1}, {&may_be, 1});
      TRY(const auto found, log_.FindRepeat(*stored.meta.repeat));
      if (may_be == 0 || !found || found->index.value != i) return Bytes{0xff};  // a wrong answer
    }
    Bytes bytes = stored.entry;
    stored.meta.AppendTo(bytes);
    return bytes;
  }

  void Chain(const audit::Subject& subject) { Put("chain of " + subject.id, ChainBytes(subject)); }

  Result<Bytes> ChainBytes(const audit::Subject& subject) {
    const audit::ProvenTag tag = node_.recorder().TagOf(subject);
    const tlog::ChainProof chain = log_.ProveChain(tag.tag);
    TRY_VOID(chain.proof.Verify(merkle::PositionOf(tag.tag), chain.value,
                                chain.checkpoint->map.map_root));
    Bytes bytes = ToBytes(tag.tag.span());
    Append(bytes, tag.proof.bytes);
    if (chain.value) {
      AppendBe(bytes, chain.value->count);
      Append(bytes, chain.value->head.span());
    }
    TRY(const std::vector<std::uint64_t> indexes, log_.EntriesOf(tag.tag, chain.checkpoint->size));
    if (indexes.size() != (chain.value ? chain.value->count : 0)) {
      return Corruption("the index does not have all entries of this chain");  // as the historian
    }
    for (const std::uint64_t index : indexes) AppendBe(bytes, index);
    return bytes;
  }

  template <typename Row>
  void Row1(const std::string& name, const Row& row) {
    Bytes bytes = audit::EncodeRow(row);
    AppendBe(bytes, row.origin.entry_index);
    Put("row of " + name, std::move(bytes));
  }

  void Rows() {
    const audit::Directory& directory = node_.directory();
    for (const auto& row : directory.patients()) {
      Row1("patient " + row.subject.id, row);
      for (const auto& share : directory.SharesOf(row.subject)) {
        Put("share of " + row.subject.id + " for " + share.custodian_id,
            ToBytes(AsBytes(fmt::format("{} {} {} {}", share.share_number, share.threshold,
                                        share.sealed_share, share.released_share))));
      }
    }
    for (const auto& row : directory.auditors()) Row1("auditor " + row.subject.id, row);
    for (const auto& row : directory.sources()) Row1("source " + row.id, row);
    for (const auto& row : directory.custodians()) Row1("custodian " + row.id, row);
    for (const auto& row : directory.mandates()) Row1("mandate " + row.auditor.id, row);
  }

  node::Node& node_;
  tlog::Log& log_;
  ServedAnswers answers_;
};

}  // namespace

ServedAnswers ReadEverything(node::Node& node) { return Reader(node).Run(); }

}  // namespace salus::integration
