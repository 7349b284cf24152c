// Writes logs as C2SP static files, with proofs of ours, for another implementation to judge.
//
//   tlog_judge DIR
//
// DIR/vkey, and per tree size DIR/SIZE/{checkpoint, tile/..., proofs}. Entry i is the decimal of i.
// In `proofs` each line is "record INDEX HASH..." or "tree OLD_SIZE OLD_ROOT HASH...", all base64.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>

#include "base/check.h"
#include "codec/base64.h"
#include "merkle/hash.h"
#include "merkle/memory_tree.h"
#include "merkle/proof.h"
#include "merkle/tile.h"
#include "tlog/checkpoint.h"
#include "tlog/signer_key.h"

namespace salus::tlog {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kOrigin = "judge.example/log";
constexpr std::array<std::uint64_t, 5> kSizes = {1, 255, 256, 257, 70'000};

void WriteFile(const fs::path& path, std::string_view text) {
  fs::create_directories(path.parent_path());
  std::ofstream out(path, std::ios::binary);
  out << text;
  CHECK(out.good());
}

SignerKey MakeKey(std::string_view name, SignatureType type, std::uint8_t fill) {
  std::array<std::uint8_t, 32> seed;
  seed.fill(fill);
  return SignerKey::Create(name, type, crypto::Ed25519PrivateKey::FromSeed(SecretArray<32>(seed)))
      .value();
}

void AppendHashes(std::string& line, const std::vector<merkle::NodeHash>& hashes) {
  for (const merkle::NodeHash& hash : hashes) line += " " + codec::Base64Encode(hash.span());
  line += "\n";
}

std::string Proofs(TreeSize size, const merkle::MemoryTree& tree) {
  std::string text;
  std::set<std::uint64_t> indexes = {0, size.value / 3, size.value / 2, size.value - 1};
  for (const std::uint64_t at : {255, 256, 65'535, 65'536}) {
    if (at < size.value) indexes.insert(at);
  }
  for (const std::uint64_t index : indexes) {
    text += "record " + std::to_string(index);
    AppendHashes(text, merkle::ProveInclusion({index}, size, tree).value().hashes());
  }
  std::set<std::uint64_t> old_sizes = {size.value / 3 + 1, size.value};
  for (const std::uint64_t old : kSizes) {
    if (old <= size.value) old_sizes.insert(old);
  }
  for (const std::uint64_t old : old_sizes) {
    const RootHash old_root = merkle::RootAt({old}, tree).value();
    text += "tree " + std::to_string(old) + " " + codec::Base64Encode(old_root.span());
    AppendHashes(text, merkle::ProveConsistency({old}, size, tree).value().hashes());
  }
  return text;
}

void WriteLog(const fs::path& dir, TreeSize size, const merkle::MemoryTree& tree) {
  for (const merkle::TileId& id : merkle::TilesOf(size)) {
    std::vector<merkle::NodeHash> hashes;
    Bytes bundle;
    for (std::uint64_t i = 0; i < id.width; ++i) {
      const std::uint64_t at = id.n * merkle::kTileWidth + i;
      hashes.push_back(tree.Read(merkle::kTileHeight * id.level, at).value());
      CHECK(merkle::AppendBundleEntry(bundle, AsBytes(std::to_string(at))).has_value());
    }
    WriteFile(dir / id.Path(), AsText(merkle::EncodeTile(hashes)));
    if (id.level == 0) WriteFile(dir / id.EntriesPath(), AsText(bundle));
  }
  const Checkpoint checkpoint{
      std::string(kOrigin), size, merkle::RootAt(size, tree).value(), {"an extension line"}};
  Note note = Note::Create(checkpoint.Body()).value();
  const Timestamp now(std::chrono::seconds(1'700'000'000));
  for (const SignerKey& key : {MakeKey("witness.example", SignatureType::kCosignature, 2),
                               MakeKey(kOrigin, SignatureType::kEd25519, 1)}) {
    CHECK(note.Add(key.Sign(note.text(), now).value()).has_value());
  }
  WriteFile(dir / "checkpoint", note.ToText());
  WriteFile(dir / "proofs", Proofs(size, tree));
}

void WriteLogs(const fs::path& dir) {
  std::vector<merkle::LeafHash> leaves;
  for (std::uint64_t i = 0; i < kSizes.back(); ++i) {
    leaves.push_back(merkle::HashLeaf(AsBytes(std::to_string(i))));
  }
  const merkle::MemoryTree tree(leaves);
  for (const std::uint64_t size : kSizes) WriteLog(dir / std::to_string(size), {size}, tree);
  const SignerKey key = MakeKey(kOrigin, SignatureType::kEd25519, 1);
  WriteFile(dir / "vkey", key.verifier().ToText());
}

}  // namespace
}  // namespace salus::tlog

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: tlog_judge DIR\n";
    return 2;
  }
  salus::tlog::WriteLogs(argv[1]);
  return 0;
}
