// Tiles: how a log's hashes are cut into files, and how they are read back.
//
// Source: C2SP tlog-tiles. Tile n of level l holds the hashes of level 8*l from 256*n on.
// Shape:  path tile/L/N[.p/W], entries tile/entries/N[.p/W]; N in groups of three digits, all but
//         the last with an x in front (x001/x234/067 is 1234067); a tile is W hashes of 32 bytes.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "merkle/hash_reader.h"
#include "merkle/types.h"

namespace salus::merkle {

// kTileHeight levels make a tile of kTileWidth hashes.
inline constexpr unsigned kTileHeight = 8;
inline constexpr unsigned kTileWidth = 256;
inline constexpr unsigned kMaxTileLevel = 7;  // a tree of 2^63 leaves has no higher tile

// TileId names one tile, full (width 256) or partial (1 to 255). Entry bundles are cut as level 0.
struct TileId {
  unsigned level = 0;
  std::uint64_t n = 0;
  unsigned width = kTileWidth;
  friend constexpr auto operator<=>(const TileId&, const TileId&) = default;

  std::string Path() const;         // "tile/0/x001/234.p/5"
  std::string EntriesPath() const;  // "tile/entries/x001/234.p/5"; level is 0
};

// ParsedTilePath is a request path without the log's prefix.
struct ParsedTilePath {
  TileId id;
  bool is_entries = false;
};

// ParseTilePath is strict: what Path would not write is refused. Levels up to 63 parse, as the
// specification says, though no tree has tiles above kMaxTileLevel.
// Errors: InvalidArgument.
Result<ParsedTilePath> ParseTilePath(std::string_view path);

// TileWidthAt is the width of tile (level, n) in a tree of this size: 0 (no such tile) to 256.
unsigned TileWidthAt(TreeSize size, unsigned level, std::uint64_t n);

// TilesOf lists all tiles of a tree, level by level. TilesBetween lists those that a publisher of
// size `to` writes when `from` was published before: new ones, and wider ones.
std::vector<TileId> TilesOf(TreeSize size);
std::vector<TileId> TilesBetween(TreeSize from, TreeSize to);

// EncodeTile concatenates hashes. DecodeTile takes a tile apart.
// Errors: InvalidArgument unless bytes holds exactly 32 * id.width bytes.
Bytes EncodeTile(std::span<const NodeHash> hashes);
Result<std::vector<NodeHash>> DecodeTile(const TileId& id, ByteSpan bytes);

// AppendBundleEntry adds one entry to a bundle: u16 length, then the bytes.
// Errors: InvalidArgument when the entry is longer than 65,535 bytes.
Result<void> AppendBundleEntry(Bytes& bundle, ByteSpan entry);

// ParseBundle returns views of the entries of a bundle. Errors: InvalidArgument unless it holds
// exactly `width` entries and nothing else.
Result<std::vector<ByteSpan>> ParseBundle(ByteSpan bundle, unsigned width);

// TileHashReader reads hashes from the tiles of a tree of one size. It keeps the tiles that it has
// fetched; make one for each proof or scan.
//
// The tiles are not authenticated here: what is built from them counts once it leads to a signed
// root. Threads: not safe to share, since reading fills the cache.
class TileHashReader : public HashReader {
 public:
  // TileFetch returns the bytes of a tile. It is asked for the full tile, or for the widest partial
  // one at `size`, and may answer with a wider one.
  using TileFetch = std::function<Result<Bytes>(const TileId& id)>;

  TileHashReader(TreeSize size, TileFetch fetch) : size_(size), fetch_(std::move(fetch)) {}

  // Errors: NotFound outside the tree; Corruption when a tile has not the length it should have;
  // what the fetch reports.
  Result<NodeHash> Read(unsigned level, std::uint64_t index) const override;

 private:
  TreeSize size_;
  TileFetch fetch_;
  mutable std::map<TileId, std::vector<NodeHash>> tiles_;
};

}  // namespace salus::merkle
