#include "merkle/tile.h"

#include <algorithm>
#include <charconv>

#include "base/endian.h"
#include "merkle/hash.h"

namespace salus::merkle {
namespace {

constexpr std::string_view kTilePrefix = "tile/";
constexpr std::string_view kEntriesPrefix = "tile/entries/";
constexpr unsigned kMaxPathLevel = 63;

// A level above 7 would shift by 64 or more; such tiles are always empty.
std::uint64_t HashesAtTileLevel(TreeSize size, unsigned level) {
  return level > kMaxTileLevel ? 0 : size.value >> (kTileHeight * level);
}

std::string NumberPath(std::uint64_t n, unsigned width) {
  std::string digits = std::to_string(n);
  digits.insert(0, (3 - digits.size() % 3) % 3, '0');
  std::string path;
  for (std::size_t i = 0; i < digits.size(); i += 3) {
    if (i + 3 < digits.size()) path += 'x';
    path.append(digits, i, 3);
    if (i + 3 < digits.size()) path += '/';
  }
  if (width != kTileWidth) path.append(".p/").append(std::to_string(width));
  return path;
}

Error BadPath() {
  return InvalidArgument("not a tile path: expected tile/L/N[.p/W], see tlog-tiles");
}

// Reads all of `digits`; that leading zeros are as they should be is seen when the path is written
// back.
template <typename U>
bool ParseDecimal(std::string_view digits, U& out) {
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
  return error == std::errc() && end == digits.data() + digits.size();
}

}  // namespace

std::string TileId::Path() const {
  return std::string(kTilePrefix) + std::to_string(level) + "/" + NumberPath(n, width);
}

std::string TileId::EntriesPath() const {
  return std::string(kEntriesPrefix) + NumberPath(n, width);
}

Result<ParsedTilePath> ParseTilePath(std::string_view path) {
  constexpr std::size_t kLongestPath = 64;
  if (path.size() > kLongestPath || !path.starts_with(kTilePrefix)) return BadPath();
  ParsedTilePath parsed;
  parsed.is_entries = path.starts_with(kEntriesPrefix);
  std::string_view rest =
      path.substr(parsed.is_entries ? kEntriesPrefix.size() : kTilePrefix.size());
  if (!parsed.is_entries) {
    const std::size_t slash = rest.find('/');
    if (slash == rest.npos || !ParseDecimal(rest.substr(0, slash), parsed.id.level) ||
        parsed.id.level > kMaxPathLevel) {
      return BadPath();
    }
    rest.remove_prefix(slash + 1);
  }
  if (const std::size_t partial = rest.find(".p/"); partial != rest.npos) {
    if (!ParseDecimal(rest.substr(partial + 3), parsed.id.width) || parsed.id.width == 0 ||
        parsed.id.width >= kTileWidth) {
      return BadPath();
    }
    rest = rest.substr(0, partial);
  }
  std::string digits;
  std::copy_if(rest.begin(), rest.end(), std::back_inserter(digits),
               [](char c) { return c >= '0' && c <= '9'; });
  if (!ParseDecimal(digits, parsed.id.n)) return BadPath();
  // Whatever else is wrong with the text, it is not what such a tile would be called.
  if (path != (parsed.is_entries ? parsed.id.EntriesPath() : parsed.id.Path())) return BadPath();
  return parsed;
}

unsigned TileWidthAt(TreeSize size, unsigned level, std::uint64_t n) {
  const std::uint64_t hashes = HashesAtTileLevel(size, level);
  if (n > hashes / kTileWidth) return 0;
  return static_cast<unsigned>(std::min<std::uint64_t>(hashes - n * kTileWidth, kTileWidth));
}

std::vector<TileId> TilesOf(TreeSize size) { return TilesBetween({0}, size); }

std::vector<TileId> TilesBetween(TreeSize from, TreeSize to) {
  std::vector<TileId> tiles;
  for (unsigned level = 0; level <= kMaxTileLevel; ++level) {
    const std::uint64_t old_hashes = HashesAtTileLevel(from, level);
    const std::uint64_t new_hashes = HashesAtTileLevel(to, level);
    if (new_hashes <= old_hashes) continue;
    for (std::uint64_t n = old_hashes / kTileWidth; n * kTileWidth < new_hashes; ++n) {
      tiles.push_back({level, n, TileWidthAt(to, level, n)});
    }
  }
  return tiles;
}

Bytes EncodeTile(std::span<const NodeHash> hashes) {
  Bytes bytes;
  bytes.reserve(hashes.size() * NodeHash::kSize);
  for (const NodeHash& hash : hashes) Append(bytes, hash.span());
  return bytes;
}

Result<std::vector<NodeHash>> DecodeTile(const TileId& id, ByteSpan bytes) {
  if (bytes.size() != std::size_t{id.width} * NodeHash::kSize) {
    return InvalidArgument("tile " + id.Path() + " has " + std::to_string(bytes.size()) +
                           " bytes, expected 32 for each of its hashes");
  }
  std::vector<NodeHash> hashes(id.width);
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    std::memcpy(hashes[i].data(), bytes.data() + i * NodeHash::kSize, NodeHash::kSize);
  }
  return hashes;
}

Result<void> AppendBundleEntry(Bytes& bundle, ByteSpan entry) {
  if (entry.size() > 0xffff) return InvalidArgument("an entry has 65,535 bytes at most");
  AppendBe(bundle, static_cast<std::uint16_t>(entry.size()));
  Append(bundle, entry);
  return {};
}

Result<std::vector<ByteSpan>> ParseBundle(ByteSpan bundle, unsigned width) {
  std::vector<ByteSpan> entries;
  entries.reserve(width);
  for (unsigned i = 0; i < width; ++i) {
    if (bundle.size() < 2) return InvalidArgument("the entry bundle ends before its last entry");
    const std::size_t length = LoadBe<std::uint16_t>(bundle.data());
    if (bundle.size() - 2 < length) return InvalidArgument("the entry bundle ends inside an entry");
    entries.push_back(bundle.subspan(2, length));
    bundle = bundle.subspan(2 + length);
  }
  if (!bundle.empty()) return InvalidArgument("the entry bundle holds more than its entries");
  return entries;
}

Result<NodeHash> TileHashReader::Read(unsigned level, std::uint64_t index) const {
  if (level > 63 || index >= size_.value >> level) {
    return NotFound("the tree of this size does not have this node");
  }
  const unsigned tile_level = level / kTileHeight;
  const unsigned up = level % kTileHeight;  // levels between the tile's row and the wanted node
  const std::uint64_t n = index >> (kTileHeight - up);
  const TileId id{tile_level, n, TileWidthAt(size_, tile_level, n)};
  auto found = tiles_.find(id);
  if (found == tiles_.end()) {
    TRY(Bytes bytes, fetch_(id));
    // A wider tile begins with the hashes of the narrower one.
    const std::size_t expected = std::size_t{id.width} * NodeHash::kSize;
    if (bytes.size() < expected || bytes.size() % NodeHash::kSize != 0 ||
        bytes.size() > std::size_t{kTileWidth} * NodeHash::kSize) {
      return Corruption("tile " + id.Path() + " has the wrong length");
    }
    bytes.resize(expected);
    TRY(auto hashes, DecodeTile(id, bytes));
    found = tiles_.emplace(id, std::move(hashes)).first;
  }
  const std::size_t first = (index << up) % kTileWidth;
  const auto row = std::span(found->second).subspan(first, std::size_t{1} << up);
  std::vector<NodeHash> nodes(row.begin(), row.end());
  while (nodes.size() > 1) {
    std::vector<NodeHash> parents(nodes.size() / 2);
    HashPairs(nodes, parents);
    nodes = std::move(parents);
  }
  return nodes.front();
}

}  // namespace salus::merkle
