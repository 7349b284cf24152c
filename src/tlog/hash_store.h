// HashStore keeps the hashes of a log's tree: leaf hashes in a file of full tiles, the levels above
// in memory. Derived from the segments, it can be rebuilt at any time.
//
// Source:  C2SP tlog-tiles for what a tile is; docs/formats/hashes.md for the two files.
// Shape:   DIR/leaves: full level 0 tiles of 8,192 bytes. DIR/nodes: the root of each of those
//          tiles, 32 bytes. In memory 32 bytes for 256 entries.
// Threads: one writer (Append, Reset); any number of readers.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "merkle/hash_reader.h"
#include "merkle/tile.h"
#include "merkle/types.h"
#include "storage/file_system.h"

namespace salus::tlog {

// FoldedTile is a tile, full or not, with every hash above its own that is complete.
class FoldedTile {
 public:
  // Shape: 1 to 256 hashes.
  explicit FoldedTile(std::vector<merkle::NodeHash> hashes);

  // Errors: NotFound when the tile is not that wide.
  Result<merkle::NodeHash> At(unsigned height, std::uint64_t i) const;
  // root is of a full tile only.
  const merkle::NodeHash& root() const { return levels_.back().front(); }
  std::span<const merkle::NodeHash> hashes() const { return levels_.front(); }

 private:
  std::vector<std::vector<merkle::NodeHash>> levels_;
};

class HashStore final : public merkle::HashReader {
 public:
  // Open takes what the two files agree on, up to record_count entries; the caller appends the rest
  // and then checks the root against a signed one.
  static Result<std::unique_ptr<HashStore>> Open(storage::FileSystem& fs,
                                                 const std::string& directory,
                                                 std::uint64_t record_count, bool read_only);

  // Append adds leaf hashes. The files are written when whole tiles are full; where that fails (a
  // full disk) the tiles stay in memory and are written later.
  void Append(std::span<const merkle::LeafHash> leaves);
  // Reset forgets everything, for a rebuild.
  void Reset();
  // Prepare takes the files' space for this many entries more. Errors: ResourceExhausted.
  Result<void> Prepare(std::uint64_t entries);

  std::uint64_t size() const;
  // Read is merkle::HashReader's. Every tile that comes from the file is hashed, and compared with
  // its root in memory, before a hash of it is used.
  //
  // Errors: NotFound outside the tree; Corruption when the file holds another tile.
  Result<merkle::NodeHash> Read(unsigned level, std::uint64_t index) const override;
  // TileAt is the whole tile, as far as it is there. Errors: as Read.
  Result<std::shared_ptr<const FoldedTile>> TileAt(unsigned tile_level, std::uint64_t n) const;
  // ReadTile returns the bytes of a tile as it is served.
  Result<Bytes> ReadTile(const merkle::TileId& id) const;
  // CheckAll reads every tile.
  Result<void> CheckAll() const;

 private:
  static constexpr std::size_t kCachedTiles = 256;
  static constexpr std::uint64_t kTileBytes = merkle::kTileWidth * 32;

  HashStore() = default;
  void Flush();
  void AddNode(const merkle::NodeHash& tile_root);
  Result<std::shared_ptr<const FoldedTile>> StoredTile(std::uint64_t n,
                                                       const merkle::NodeHash& root) const;

  std::unique_ptr<storage::File> leaves_file_;
  std::unique_ptr<storage::File> nodes_file_;
  bool read_only_ = false;
  std::uint64_t allocated_tiles_ = 0;

  mutable std::shared_mutex mutex_;
  std::uint64_t written_tiles_ = 0;        // by mutex_
  std::vector<merkle::NodeHash> pending_;  // by mutex_: leaf hashes behind the written tiles
  // By mutex_: nodes_[l] are the roots of full tiles of level l, the hashes of level l + 1.
  std::vector<std::vector<merkle::NodeHash>> nodes_;

  mutable std::mutex cache_mutex_;
  // By cache_mutex_: tiles of the file.
  mutable std::unordered_map<std::uint64_t, std::shared_ptr<const FoldedTile>> cache_;
  mutable std::deque<std::uint64_t> cache_order_;
};

// OneTileALevel reads the hashes for one answer. It holds the tile that it used last on each level,
// so that what goes through the tree from left to right (merkle::ProveMany) reads and hashes each
// tile once.
//
// Ownership: views the store.
// Threads:   one thread.
class OneTileALevel final : public merkle::HashReader {
 public:
  explicit OneTileALevel(const HashStore& store) : store_(store) {}
  // Errors: as HashStore::Read.
  Result<merkle::NodeHash> Read(unsigned level, std::uint64_t index) const override;

 private:
  struct Held {
    std::uint64_t n = 0;
    std::shared_ptr<const FoldedTile> tile;
  };
  const HashStore& store_;
  mutable std::array<Held, merkle::kMaxTileLevel + 1> held_;
};

}  // namespace salus::tlog
