#include "tlog/hash_store.h"

#include <algorithm>

#include "base/check.h"
#include "base/log.h"
#include "merkle/hash.h"

namespace salus::tlog {

namespace {

using merkle::kTileWidth;
using merkle::NodeHash;

// The root of a perfect subtree over hashes; their number is a power of two.
NodeHash FoldHashes(std::vector<NodeHash> hashes) {
  std::vector<NodeHash> above;
  while (hashes.size() > 1) {
    above.resize(hashes.size() / 2);
    merkle::HashPairs(hashes, above);
    hashes.swap(above);
  }
  return hashes.front();
}

Result<std::unique_ptr<storage::File>> OpenOrCreate(storage::FileSystem& fs,
                                                    const std::string& path, bool read_only) {
  const auto access = read_only ? storage::FileAccess::kReadOnly : storage::FileAccess::kReadWrite;
  auto file = fs.OpenExisting(path, access);
  if (file || read_only || file.error().code != ErrorCode::kNotFound) return file;
  return fs.Create(path);
}

ByteSpan AsSpan(std::span<const NodeHash> hashes) {
  static_assert(sizeof(NodeHash) == 32);
  return {reinterpret_cast<const std::uint8_t*>(hashes.data()), hashes.size() * 32};
}

MutableByteSpan AsMutableSpan(std::span<NodeHash> hashes) {
  return {reinterpret_cast<std::uint8_t*>(hashes.data()), hashes.size() * 32};
}

}  // namespace

Result<std::unique_ptr<HashStore>> HashStore::Open(storage::FileSystem& fs,
                                                   const std::string& directory,
                                                   std::uint64_t record_count, bool read_only) {
  std::unique_ptr<HashStore> store(new HashStore());
  store->read_only_ = read_only;
  auto leaves = OpenOrCreate(fs, storage::JoinPath(directory, "leaves"), read_only);
  auto nodes = OpenOrCreate(fs, storage::JoinPath(directory, "nodes"), read_only);
  if (!leaves || !nodes) {
    // A reader without the files rebuilds in memory.
    if (read_only) return store;
    return leaves ? nodes.error() : leaves.error();
  }
  store->leaves_file_ = *std::move(leaves);
  store->nodes_file_ = *std::move(nodes);
  TRY(const std::uint64_t leaves_size, store->leaves_file_->Size());
  TRY(const std::uint64_t nodes_size, store->nodes_file_->Size());
  const std::uint64_t tiles =
      std::min({leaves_size / kTileBytes, nodes_size / 32, record_count / kTileWidth});
  store->allocated_tiles_ = std::min(leaves_size / kTileBytes, nodes_size / 32);
  std::vector<NodeHash> roots(tiles);
  TRY_VOID(store->nodes_file_->ReadExactAt(0, AsMutableSpan(roots)));
  // Space that was allocated ahead reads as zeros; no tile's root is zero.
  const auto end = std::find(roots.begin(), roots.end(), NodeHash());
  roots.erase(end, roots.end());
  store->written_tiles_ = roots.size();
  for (const NodeHash& root : roots) store->AddNode(root);
  return store;
}

void HashStore::AddNode(const NodeHash& tile_root) {
  NodeHash node = tile_root;
  for (std::size_t level = 0;; ++level) {
    if (nodes_.size() == level) nodes_.emplace_back();
    nodes_[level].push_back(node);
    if (nodes_[level].size() % kTileWidth != 0) return;
    node = FoldHashes({nodes_[level].end() - kTileWidth, nodes_[level].end()});
  }
}

void HashStore::Append(std::span<const merkle::LeafHash> leaves) {
  std::unique_lock lock(mutex_);
  // Tiles that an earlier, failed flush left in pending_ have their roots in nodes_ already.
  std::size_t full = pending_.size() / kTileWidth;
  for (const merkle::LeafHash& leaf : leaves) pending_.push_back(merkle::AsNode(leaf));
  for (; (full + 1) * kTileWidth <= pending_.size(); ++full) {
    const auto begin = pending_.begin() + static_cast<std::ptrdiff_t>(full * kTileWidth);
    AddNode(FoldHashes({begin, begin + kTileWidth}));
  }
  if (pending_.size() >= kTileWidth) Flush();
}

void HashStore::Flush() {
  if (read_only_ || leaves_file_ == nullptr) return;
  const std::size_t full = pending_.size() / kTileWidth;
  const std::span<const NodeHash> tiles(pending_.data(), full * kTileWidth);
  Result<void> ok = leaves_file_->WriteAt(written_tiles_ * kTileBytes, AsSpan(tiles));
  if (ok) {
    const std::span<const NodeHash> roots(nodes_[0].data() + written_tiles_, full);
    ok = nodes_file_->WriteAt(written_tiles_ * 32, AsSpan(roots));
  }
  if (!ok) {
    Log(LogLevel::kWarning, "hash tiles stay in memory", {{"reason", CodeName(ok.error().code)}});
    return;
  }
  written_tiles_ += full;
  pending_.erase(pending_.begin(),
                 pending_.begin() + static_cast<std::ptrdiff_t>(full * kTileWidth));
}

void HashStore::Reset() {
  std::unique_lock lock(mutex_);
  std::lock_guard cache_lock(cache_mutex_);
  written_tiles_ = 0;
  pending_.clear();
  nodes_.clear();
  cache_.clear();
  cache_order_.clear();
}

Result<void> HashStore::Prepare(std::uint64_t entries) {
  const std::uint64_t tiles = (size() + entries) / kTileWidth + 1;
  if (leaves_file_ == nullptr || tiles <= allocated_tiles_) return {};
  TRY_VOID(leaves_file_->Allocate(allocated_tiles_ * kTileBytes,
                                  (tiles - allocated_tiles_) * kTileBytes));
  TRY_VOID(nodes_file_->Allocate(allocated_tiles_ * 32, (tiles - allocated_tiles_) * 32));
  allocated_tiles_ = tiles;
  return {};
}

std::uint64_t HashStore::size() const {
  std::shared_lock lock(mutex_);
  return written_tiles_ * kTileWidth + pending_.size();
}

FoldedTile::FoldedTile(std::vector<NodeHash> hashes) {
  levels_.push_back(std::move(hashes));
  while (levels_.back().size() > 1) {
    const std::vector<NodeHash>& below = levels_.back();
    std::vector<NodeHash> above(below.size() / 2);
    merkle::HashPairs(std::span(below).first(2 * above.size()), above);
    levels_.push_back(std::move(above));
  }
}

Result<NodeHash> FoldedTile::At(unsigned height, std::uint64_t i) const {
  if (height >= levels_.size() || i >= levels_[height].size()) {
    return NotFound("the tree is smaller than that");
  }
  return levels_[height][i];
}

Result<std::shared_ptr<const FoldedTile>> HashStore::StoredTile(std::uint64_t n,
                                                                const NodeHash& root) const {
  {
    std::lock_guard lock(cache_mutex_);
    if (const auto at = cache_.find(n); at != cache_.end()) return at->second;
  }
  std::vector<NodeHash> hashes(kTileWidth);
  TRY_VOID(leaves_file_->ReadExactAt(n * kTileBytes, AsMutableSpan(hashes)));
  auto tile = std::make_shared<const FoldedTile>(std::move(hashes));
  if (tile->root() != root) {
    return Corruption("hash tile " + std::to_string(n) +
                      " was changed on disk: run `salus log fsck --rebuild`");
  }
  std::lock_guard lock(cache_mutex_);
  if (cache_.emplace(n, tile).second) cache_order_.push_back(n);
  if (cache_order_.size() > kCachedTiles) {
    cache_.erase(cache_order_.front());
    cache_order_.pop_front();
  }
  return tile;
}

Result<std::shared_ptr<const FoldedTile>> HashStore::TileAt(unsigned tile_level,
                                                            std::uint64_t n) const {
  std::vector<NodeHash> hashes;
  {
    std::shared_lock lock(mutex_);
    if (tile_level == 0 && n < written_tiles_) {
      const NodeHash root = nodes_[0][n];
      lock.unlock();
      return StoredTile(n, root);
    }
    const bool has_level = tile_level <= nodes_.size();
    const std::span<const NodeHash> level = tile_level == 0 ? pending_
                                            : has_level     ? nodes_[tile_level - 1]
                                                            : std::span<const NodeHash>();
    const std::uint64_t first = (tile_level == 0 ? n - written_tiles_ : n) * kTileWidth;
    if (first >= level.size()) return NotFound("the tree is smaller than that");
    const auto part =
        level.subspan(first, std::min<std::uint64_t>(kTileWidth, level.size() - first));
    hashes.assign(part.begin(), part.end());
  }
  return std::make_shared<const FoldedTile>(std::move(hashes));
}

Result<NodeHash> HashStore::Read(unsigned level, std::uint64_t index) const {
  const unsigned height = level % merkle::kTileHeight;
  const unsigned above = merkle::kTileHeight - height;
  TRY(const auto tile, TileAt(level / merkle::kTileHeight, index >> above));
  return tile->At(height, index & ((std::uint64_t{1} << above) - 1));
}

Result<NodeHash> OneTileALevel::Read(unsigned level, std::uint64_t index) const {
  const unsigned height = level % merkle::kTileHeight;
  const unsigned above = merkle::kTileHeight - height;
  const std::uint64_t n = index >> above;
  if (level / merkle::kTileHeight >= held_.size()) return NotFound("the tree is smaller than that");
  Held& held = held_[level / merkle::kTileHeight];
  if (held.tile == nullptr || held.n != n) {
    TRY(held.tile, store_.TileAt(level / merkle::kTileHeight, n));
    held.n = n;
  }
  return held.tile->At(height, index & ((std::uint64_t{1} << above) - 1));
}

Result<Bytes> HashStore::ReadTile(const merkle::TileId& id) const {
  TRY(const auto tile, TileAt(id.level, id.n));
  if (tile->hashes().size() < id.width) return NotFound("the tree is smaller than that");
  return ToBytes(AsSpan(tile->hashes().first(id.width)));
}

Result<void> HashStore::CheckAll() const {
  std::uint64_t tiles;
  {
    std::shared_lock lock(mutex_);
    tiles = written_tiles_;
  }
  std::vector<NodeHash> tile(kTileWidth);
  for (std::uint64_t n = 0; n < tiles; ++n) {
    TRY_VOID(leaves_file_->ReadExactAt(n * kTileBytes, AsMutableSpan(tile)));
    std::shared_lock lock(mutex_);
    if (FoldHashes(tile) != nodes_[0][n]) {
      return Corruption("hash tile " + std::to_string(n) + " (entries " +
                        std::to_string(n * kTileWidth) + " to " +
                        std::to_string(n * kTileWidth + kTileWidth - 1) +
                        ") is not what the entries hash to");
    }
  }
  return {};
}

}  // namespace salus::tlog
