#include "client/published_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "audit/entry.h"
#include "audit/grant.h"
#include "codec/cbor.h"
#include "codec/rfc3339.h"
#include "merkle/compact_range.h"
#include "merkle/hash.h"
#include "tlog/map_replay.h"

namespace salus::client {

namespace {

constexpr std::uint64_t kMaxUpdates = 65'536;

Error NotThePinnedLog() {
  return VerificationFailed("entry 0 does not name the origin and the keys that are pinned");
}

// Shown is what a place may show or refuse: its answer, or nothing where it refused.
Result<std::optional<Bytes>> Shown(Result<Bytes> answer) {
  if (answer) return std::optional(std::move(*answer));
  if (answer.error().code == ErrorCode::kPermissionDenied) return std::optional<Bytes>();
  return std::move(answer).error();
}

class PublishedCheck {
 public:
  PublishedCheck(const PublishedFiles& files, const audit::PinnedLog& log,
                 const PublishedTree& tree)
      : files_(files), log_(log), tree_(tree), map_(log.origin) {}

  Result<PublishedReport> Run(const std::function<void(std::uint64_t)>& progress) {
    const std::uint64_t size = tree_.size().value;
    for (std::uint64_t n = 0; n * merkle::kTileWidth < size; ++n) {
      const unsigned width = merkle::TileWidthAt(tree_.size(), 0, n);
      TRY_VOID(CheckTile({0, n, width}));
      progress(n * merkle::kTileWidth + width);
    }
    if (range_.Root() != tree_.checkpoint().checkpoint.root) {
      return VerificationFailed("the tiles of hashes do not lead to the root that the log signed");
    }
    if (!report_.shows_entries || !report_.shows_steps) report_.map_roots = 0;
    report_.subjects = map_.subjects();
    return report_;
  }

 private:
  Result<void> CheckTile(const merkle::TileId& id) {
    TRY(const Bytes bytes, files_.tile(id));
    const auto hashes = merkle::DecodeTile(id, bytes);
    if (!hashes) return VerificationFailed("a tile of hashes has another size than its tree asks");
    for (const merkle::NodeHash& hash : *hashes) range_.Append(merkle::LeafHash(hash.bytes()));
    if (!report_.shows_entries) return {};
    TRY(const std::optional<Bytes> bundle, Shown(files_.bundle(id)));
    report_.shows_entries = bundle.has_value();
    if (!bundle) return {};
    const auto entries = merkle::ParseBundle(*bundle, id.width);
    if (!entries) return VerificationFailed("a bundle holds other entries than its tree asks");
    for (std::size_t i = 0; i < entries->size(); ++i) {
      const std::uint64_t index = id.n * merkle::kTileWidth + i;
      const merkle::LeafHash leaf = merkle::HashLeaf((*entries)[i]);
      if (AsNode(leaf) != (*hashes)[i]) {
        return VerificationFailed(fmt::format("entry {} is not the one that was signed", index));
      }
      TRY_VOID(CheckEntry(index, (*entries)[i], leaf));
      ++report_.entries;
    }
    return {};
  }

  Result<void> CheckEntry(std::uint64_t index, ByteSpan entry, const merkle::LeafHash& leaf) {
    TRY(const std::optional<std::uint32_t> subject, SubjectOf(index));
    const bool begins = index == 0;
    const bool is_map_root = tlog::KindOf(entry) == tlog::EntryKind::kMapRoot;
    bool steps = false;
    if (begins) {
      if (!audit::IsGenesisOf(log_, entry)) return NotThePinnedLog();
    } else if (!is_map_root) {
      const Result<audit::EntryView> view = audit::ParseEntry(entry);
      if (!view || view->kind == tlog::EntryKind::kGenesis) {
        return VerificationFailed(fmt::format("entry {} is not the encoding of an entry", index));
      }
      steps = audit::StepsAChain(*view);
      if (subject && view->grant &&
          audit::FindOf(map_.TagOf(*subject), view->grant->commit) != view->grant->find) {
        return VerificationFailed(fmt::format(
            "grant {} is filed under another subject than the one it was made for", index));
      }
    }
    if (!report_.shows_steps) return {};
    if (steps != subject.has_value()) {
      return VerificationFailed(
          steps ? fmt::format("entry {} is about a subject, and is filed under none", index)
                : fmt::format("entry {} is filed under a subject, and is about none", index));
    }
    if (subject) map_.Step(*subject, {index}, leaf);
    return is_map_root ? CheckMapRoot(index, entry) : Result<void>();
  }

  Result<void> CheckMapRoot(std::uint64_t index, ByteSpan entry) {
    TRY(const tlog::MapRootEntry stored, tlog::MapRootEntry::Parse(entry));
    const tlog::MapReplay::Comparison compared = map_.Close({index}, stored);
    if (compared.fits()) {
      ++report_.map_roots;
      last_good_ = index;
      return {};
    }
    return VerificationFailed(fmt::format(
        "the map root in entry {} ({}) is not the one that follows from the entries before it: {}",
        index, codec::FormatRfc3339(stored.time),
        !compared.is_in_order ? "it names another place, or is older than the one before it"
        : compared.has_steps
            ? "a subject's count or head was set otherwise"
            : fmt::format("an entry behind {} was filed under another subject", last_good_)));
  }

  // SubjectOf is whom the place filed the entry under, as a number of ours.
  Result<std::optional<std::uint32_t>> SubjectOf(std::uint64_t index) {
    if (report_.shows_steps && index >= steps_end_) TRY_VOID(FetchSteps(index));
    if (next_step_ == steps_.size() || steps_[next_step_].index != index) {
      return std::optional<std::uint32_t>();
    }
    const auto next = static_cast<std::uint32_t>(numbers_.size());
    const merkle::SubjectTag& tag = steps_[next_step_++].tag;
    const auto [at, is_new] = numbers_.try_emplace(tag, next);
    if (is_new) map_.Introduce(next, tag);
    return std::optional(at->second);
  }

  Result<void> FetchSteps(std::uint64_t index) {
    const std::uint64_t last = std::min(tree_.size().value, index + kMaxUpdates) - 1;
    TRY(const std::optional<Bytes> bytes, Shown(files_.updates(index, last)));
    report_.shows_steps = bytes.has_value();
    if (!bytes) return {};
    TRY(steps_, ParseUpdates(*bytes, index, last));
    next_step_ = 0;
    steps_end_ = last + 1;
    return {};
  }

  const PublishedFiles& files_;
  const audit::PinnedLog& log_;
  const PublishedTree& tree_;
  PublishedReport report_;
  merkle::CompactRange range_;
  tlog::MapReplay map_;
  std::map<merkle::SubjectTag, std::uint32_t> numbers_;
  std::vector<ChainStepOf> steps_;
  std::size_t next_step_ = 0;
  std::uint64_t steps_end_ = 0;  // steps_ is about entries below it
  std::uint64_t last_good_ = 0;  // the last kind 3 entry that fits
};

}  // namespace

Result<PublishedReport> CheckPublished(const PublishedFiles& files, const audit::PinnedLog& log,
                                       const PublishedTree& tree,
                                       const std::function<void(std::uint64_t)>& progress) {
  return PublishedCheck(files, log, tree).Run(progress);
}

Result<void> CheckFirstEntry(const PublishedTree& tree, const audit::PinnedLog& log,
                             ByteSpan entry) {
  TRY(const merkle::LeafHash leaf, tree.LeafAt({0}));
  if (leaf != merkle::HashLeaf(entry)) {
    return VerificationFailed("entry 0 is not the one that the log has signed");
  }
  return audit::IsGenesisOf(log, entry) ? Result<void>() : NotThePinnedLog();
}

Result<std::vector<ChainStepOf>> ParseUpdates(ByteSpan bytes, std::uint64_t first,
                                              std::uint64_t last) {
  const auto malformed = [] {
    return VerificationFailed("the chain steps are not what such an answer holds");
  };
  std::vector<ChainStepOf> steps;
  codec::CborReader reader(bytes);
  while (!reader.AtEnd()) {
    if (!reader.ArrayOf(2)) return malformed();
    const Result<std::uint64_t> index = reader.Uint();
    const Result<ByteSpan> tag = reader.ByteString();
    if (!index || !tag) return malformed();
    const auto parsed = merkle::SubjectTag::FromBytes(*tag);
    const std::uint64_t least = steps.empty() ? first : steps.back().index + 1;
    if (!parsed || *index < least || *index > last) return malformed();
    steps.push_back({*index, *parsed});
  }
  return steps;
}

}  // namespace salus::client
