#include "merkle/map.h"

#include <algorithm>

#include "base/endian.h"
#include "merkle/map_nodes.h"

namespace salus::merkle {
namespace {

constexpr std::string_view kMagic = "SALUSMAP";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kHeaderSize = 8 + 4 + 8;
constexpr std::size_t kRecordSize = 32 + 8 + 32;
constexpr std::size_t kRecordsPerChunk = 4096;

void AppendRecord(Bytes& out, const MapUpdate& leaf) {
  Append(out, leaf.position.span());
  AppendBe(out, leaf.value.count);
  Append(out, leaf.value.head.span());
}

MapUpdate LoadRecord(const std::uint8_t* in) {
  MapUpdate leaf;
  std::memcpy(leaf.position.data(), in, 32);
  leaf.value.count = LoadBe<std::uint64_t>(in + 32);
  std::memcpy(leaf.value.head.data(), in + 40, 32);
  return leaf;
}

Error NotASnapshot(std::string_view why) {
  return Corruption("map snapshot: " + std::string(why) + "; rebuild it from the segments");
}

Result<void> ReadExactly(const MapTree::Read& read, MutableByteSpan buffer) {
  TRY(std::size_t got, read(buffer));
  if (got != buffer.size()) return NotASnapshot("ends too early");
  return {};
}

}  // namespace

MapTree::MapTree() : nodes_(std::make_unique<Nodes>()) {}
MapTree::~MapTree() = default;
MapTree::MapTree(MapTree&&) noexcept = default;
MapTree& MapTree::operator=(MapTree&&) noexcept = default;

void MapTree::Apply(std::span<const MapUpdate> updates) { nodes_->Apply(updates); }
const MapRoot& MapTree::root() const { return nodes_->root(); }
std::uint64_t MapTree::size() const { return nodes_->size(); }
std::optional<MapValue> MapTree::Find(const MapPosition& position) const {
  return nodes_->Find(position);
}
MapProof MapTree::Prove(const MapPosition& position) const { return nodes_->Prove(position); }
void MapTree::ForEach(const std::function<void(const MapUpdate&)>& visit) const {
  nodes_->ForEach(visit);
}

Result<void> MapTree::WriteSnapshot(const Write& write) const {
  Bytes chunk = ToBytes(kMagic);
  AppendBe(chunk, kVersion);
  AppendBe(chunk, size());
  Result<void> status;
  ForEach([&](const MapUpdate& leaf) {
    if (!status) return;
    AppendRecord(chunk, leaf);
    if (chunk.size() >= kRecordsPerChunk * kRecordSize) {
      status = write(chunk);
      chunk.clear();
    }
  });
  TRY_VOID(std::move(status));
  Append(chunk, root().span());
  return write(chunk);
}

Result<MapTree> MapTree::ReadSnapshot(const Read& read) {
  std::array<std::uint8_t, kHeaderSize> header;
  TRY_VOID(ReadExactly(read, header));
  if (AsText(header).substr(0, 8) != kMagic) return NotASnapshot("not one");
  if (LoadBe<std::uint32_t>(header.data() + 8) != kVersion) return NotASnapshot("unknown version");
  std::uint64_t left = LoadBe<std::uint64_t>(header.data() + 12);

  MapTree map;
  Bytes chunk;
  std::vector<MapUpdate> leaves;
  MapPosition last;
  while (left > 0) {
    const std::size_t count = std::min<std::uint64_t>(left, kRecordsPerChunk);
    chunk.resize(count * kRecordSize);
    TRY_VOID(ReadExactly(read, chunk));
    leaves.clear();
    for (std::size_t i = 0; i < count; ++i) {
      leaves.push_back(LoadRecord(chunk.data() + i * kRecordSize));
      const bool is_first = map.size() == 0 && i == 0;
      if (!is_first && leaves.back().position <= last) return NotASnapshot("leaves out of order");
      last = leaves.back().position;
    }
    map.Apply(leaves);
    left -= count;
  }
  MapRoot stored;
  TRY_VOID(ReadExactly(read, {stored.data(), MapRoot::kSize}));
  if (stored != map.root()) return NotASnapshot("its leaves lead to another root");
  std::array<std::uint8_t, 1> extra;
  TRY(std::size_t more, read(extra));
  if (more != 0) return NotASnapshot("bytes after its end");
  return map;
}

}  // namespace salus::merkle
