// Published vectors: transparency-dev/merkle proofs, real tiles of a Sunlight log, the 70,000-leaf
// tree of C2SP tlog-tiles. Every field is read; every file counts.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "codec/base64.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "crypto/sha256.h"
#include "merkle/compact_range.h"
#include "merkle/hash.h"
#include "merkle/memory_tree.h"
#include "merkle/proof.h"
#include "merkle/tile.h"

namespace salus::merkle {
namespace {

namespace fs = std::filesystem;

fs::path VectorsDir() {
  const char* from_env = std::getenv("SALUS_VECTORS");
  return fs::path(from_env != nullptr ? from_env : SALUS_VECTORS_DEFAULT) / "tlog";
}

#define SKIP_WITHOUT(dir) \
  if (!fs::exists(dir)) GTEST_SKIP() << "skipped: vectors not found"

Bytes ReadFile(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in.good()) << path;
  std::stringstream text;
  text << in.rdbuf();
  return ToBytes(text.str());
}

codec::Json ReadJson(const fs::path& path) {
  const Bytes bytes = ReadFile(path);
  const auto json = codec::ParseJson(AsText(bytes));
  EXPECT_TRUE(json.has_value()) << path;
  return json.value_or(codec::Json());
}

Bytes Decoded(std::string_view base64) { return codec::Base64Decode(base64).value_or(Bytes()); }

// A hash in a vector may be malformed on purpose.
template <typename Hash>
Result<Hash> HashAt(const codec::JsonObject& object, std::string_view name) {
  TRY(auto text, codec::StringAt(object, name));
  return Hash::FromBytes(Decoded(text));
}

Result<std::uint64_t> NumberAt(const codec::JsonObject& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  if (value == nullptr) return InvalidArgument("no " + std::string(name));
  boost::system::error_code error;
  const auto number = value->to_number<std::uint64_t>(error);
  if (error) return InvalidArgument("not a u64");
  return number;
}

Result<std::vector<NodeHash>> ProofAt(const codec::JsonObject& object) {
  std::vector<NodeHash> hashes;
  const codec::Json& proof = object.at("proof");
  if (proof.is_null()) return hashes;
  for (const codec::Json& text : proof.as_array()) {
    TRY(NodeHash hash, NodeHash::FromBytes(Decoded(std::string_view(text.as_string()))));
    hashes.push_back(hash);
  }
  return hashes;
}

Result<void> CheckInclusion(const codec::JsonObject& v) {
  TRY(auto index, NumberAt(v, "leafIdx"));
  TRY(auto size, NumberAt(v, "treeSize"));
  TRY(auto root, HashAt<RootHash>(v, "root"));
  TRY(auto leaf, HashAt<LeafHash>(v, "leafHash"));
  TRY(auto hashes, ProofAt(v));
  TRY(auto proof, InclusionProof::FromHashes(hashes));
  return proof.Verify(leaf, {index}, {size}, root);
}

Result<void> CheckConsistency(const codec::JsonObject& v) {
  TRY(auto from, NumberAt(v, "size1"));
  TRY(auto to, NumberAt(v, "size2"));
  TRY(auto from_root, HashAt<RootHash>(v, "root1"));
  TRY(auto to_root, HashAt<RootHash>(v, "root2"));
  TRY(auto hashes, ProofAt(v));
  TRY(auto proof, ConsistencyProof::FromHashes(hashes));
  return proof.Verify({from}, {to}, from_root, to_root);
}

Result<void> CheckSubtreeInclusion(const codec::JsonObject& v) {
  TRY(auto index, NumberAt(v, "leafIdx"));
  TRY(auto start, NumberAt(v, "start"));
  TRY(auto end, NumberAt(v, "end"));
  TRY(auto root, HashAt<RootHash>(v, "root"));
  TRY(auto leaf, HashAt<LeafHash>(v, "leafHash"));
  TRY(auto hashes, ProofAt(v));
  TRY_VOID(CheckSubtree({start}, {end}));
  if (index < start) return InvalidArgument("left of the subtree");
  TRY(auto proof, InclusionProof::FromHashes(hashes));
  return proof.Verify(leaf, {index - start}, {end - start}, root);
}

Result<void> CheckSubtreeConsistency(const codec::JsonObject& v) {
  TRY(auto start, NumberAt(v, "start"));
  TRY(auto end, NumberAt(v, "end"));
  TRY(auto size, NumberAt(v, "size"));
  TRY(auto subtree, HashAt<NodeHash>(v, "root1"));
  TRY(auto root, HashAt<RootHash>(v, "root2"));
  TRY(auto hashes, ProofAt(v));
  TRY(auto proof, ConsistencyProof::FromHashes(hashes));
  return proof.VerifySubtree({start}, {end}, {size}, subtree, root);
}

// Where we differ from the library that the vectors were made for, with the reason.
const std::map<std::string, std::string>& Exceptions() {
  static const std::map<std::string, std::string> exceptions = [] {
    std::map<std::string, std::string> all;
    for (const char* kind : {"consistency/", "subtreeconsistency/"}) {
      all[std::string(kind) + "additional/sizes-are-equal-one-and-proof-is-empty.json"] =
          "its roots are not 32 bytes, which a RootHash can't be";
    }
    const std::string empty = "subtreeconsistency/additional/subtree-is-empty-";
    for (const char* where : {"", "sizes-are-equal-zero-", "sizes-are-equal-one-"}) {
      for (const char* root : {"", "tree-root-random-"}) {
        all[empty + where + "subtree-root-valid-" + root + "proof-is-empty.json"] =
            "an empty subtree shows nothing, and C2SP tlog-witness wants start < end";
      }
    }
    return all;
  }();
  return exceptions;
}

TEST(Vectors, Rfc6962Proofs) {
  const fs::path dir = VectorsDir() / "merkle-rfc6962/proof-vectors";
  SKIP_WITHOUT(dir);
  const std::map<std::string, Result<void> (*)(const codec::JsonObject&)> checks = {
      {"inclusion", CheckInclusion},
      {"consistency", CheckConsistency},
      {"subtreeinclusion", CheckSubtreeInclusion},
      {"subtreeconsistency", CheckSubtreeConsistency},
  };
  std::size_t files = 0;
  std::size_t excepted = 0;
  for (const auto& file : fs::recursive_directory_iterator(dir)) {
    if (!file.is_regular_file()) continue;
    ++files;
    const std::string name = fs::relative(file.path(), dir).generic_string();
    const codec::Json json = ReadJson(file.path());
    const codec::JsonObject& v = json.as_object();
    const auto check = checks.find(name.substr(0, name.find('/')));
    ASSERT_NE(check, checks.end()) << name;
    const bool expected = !v.at("wantErr").as_bool() != Exceptions().contains(name);
    excepted += Exceptions().contains(name);
    EXPECT_EQ(check->second(v).has_value(), expected) << name << ": " << v.at("desc");
  }
  EXPECT_EQ(files, 518u);
  EXPECT_EQ(excepted, Exceptions().size()) << "a stale exception";
}

TEST(Vectors, ReferenceTreeOfEight) {
  const fs::path path = VectorsDir() / "merkle-rfc6962/reference-tree-8.json";
  SKIP_WITHOUT(path);
  const codec::Json json = ReadJson(path);
  const codec::JsonObject& v = json.as_object();
  std::vector<LeafHash> leaves;
  for (const codec::Json& leaf : v.at("leaves_hex").as_array()) {
    leaves.push_back(HashLeaf(codec::HexDecode(std::string_view(leaf.as_string())).value()));
  }
  const MemoryTree tree(leaves);
  const codec::JsonArray& roots = v.at("roots_hex").as_array();
  ASSERT_EQ(roots.size(), leaves.size() + 1);
  for (std::size_t size = 0; size < roots.size(); ++size) {
    EXPECT_EQ(codec::HexEncode(RootAt({size}, tree).value().span()),
              std::string_view(roots[size].as_string()));
  }
  const auto hexes = [](const std::vector<NodeHash>& hashes) {
    codec::JsonArray array;
    for (const NodeHash& hash : hashes) {
      array.push_back(codec::Json(codec::HexEncode(hash.span())));
    }
    return array;
  };
  for (const codec::Json& item : v.at("inclusion").as_array()) {
    const codec::JsonObject& wanted = item.as_object();
    const LeafIndex index{NumberAt(wanted, "index").value()};
    const TreeSize size{NumberAt(wanted, "size").value()};
    EXPECT_EQ(hexes(ProveInclusion(index, size, tree)->hashes()), wanted.at("proof").as_array());
  }
  for (const codec::Json& item : v.at("consistency").as_array()) {
    const codec::JsonObject& wanted = item.as_object();
    const TreeSize from{NumberAt(wanted, "old").value()};
    const TreeSize to{NumberAt(wanted, "new").value()};
    EXPECT_EQ(hexes(ProveConsistency(from, to, tree)->hashes()), wanted.at("proof").as_array());
  }
}

// Leaf i is the decimal of i. Roots and tiles agree with golang.org/x/mod/sumdb/tlog.
TEST(Vectors, SeventyThousandLeaves) {
  const fs::path path = VectorsDir() / "derived/tlog-tiles-70000.json";
  SKIP_WITHOUT(path);
  std::vector<LeafHash> leaves;
  for (int i = 0; i < 70'000; ++i) leaves.push_back(HashLeaf(AsBytes(std::to_string(i))));
  const MemoryTree tree(leaves);
  EXPECT_EQ(codec::Base64Encode(tree.Root().span()),
            "Gkzfy2Y3SgwNy+9JrL1JdtE+6GT7PLJB/JQ8rQTwL34=");
  const codec::Json json = ReadJson(path);
  const codec::JsonObject& v = json.as_object();
  for (const auto& [size, root] : v.at("roots").as_object()) {
    const std::uint64_t n = std::stoull(std::string(size));
    EXPECT_EQ(codec::Base64Encode(RootAt({n}, tree).value().span()),
              std::string_view(root.as_string()));
  }
  std::map<std::string, TileId> ours;
  for (const TileId& id : TilesOf({70'000})) ours[id.Path()] = id;
  const codec::JsonArray& tiles = v.at("tiles").as_array();
  EXPECT_EQ(tiles.size(), ours.size());
  for (const codec::Json& item : tiles) {
    const codec::JsonObject& tile = item.as_object();
    const auto found = ours.find(std::string(tile.at("path").as_string()));
    ASSERT_NE(found, ours.end()) << tile.at("path");
    const TileId& id = found->second;
    EXPECT_EQ(id.width, tile.at("width").to_number<unsigned>());
    std::vector<NodeHash> hashes;
    for (unsigned i = 0; i < id.width; ++i) {
      hashes.push_back(tree.Read(kTileHeight * id.level, id.n * kTileWidth + i).value());
    }
    EXPECT_EQ(codec::HexEncode(crypto::Sha256(EncodeTile(hashes))),
              std::string_view(tile.at("sha256").as_string()))
        << found->first;
  }
}

// Real tiles of the CT log navigli2025h2; its roots were computed by code of another author.
TEST(Vectors, SunlightTiles) {
  const fs::path dir = VectorsDir() / "sunlight/navigli2025h2";
  SKIP_WITHOUT(dir);
  const codec::Json json = ReadJson(VectorsDir() / "derived/navigli2025h2.json");
  const codec::JsonObject& v = json.as_object();
  for (const auto& [size, name] : {std::pair{1024, "root_1024"}, std::pair{778, "root_778"}}) {
    const TileHashReader reader({static_cast<std::uint64_t>(size)},
                                [&](const TileId& id) -> Result<Bytes> {
                                  if (id.level != 0) return NotFound("only level 0 is stored");
                                  return ReadFile(dir / id.Path());
                                });
    CompactRange range;
    for (int i = 0; i < size; ++i) {
      range.Append(LeafHash(reader.Read(0, static_cast<std::uint64_t>(i)).value().bytes()));
    }
    EXPECT_EQ(codec::Base64Encode(range.Root().span()), std::string_view(v.at(name).as_string()));
  }
  const TileHashReader reader(
      {1024}, [&](const TileId& id) { return Result<Bytes>(ReadFile(dir / id.Path())); });
  const auto& row = v.at("tile1_hashes").as_array();
  ASSERT_EQ(row.size(), v.at("full_tiles").to_number<std::size_t>());
  for (std::size_t i = 0; i < row.size(); ++i) {
    const auto left = reader.Read(7, 2 * i);
    const auto right = reader.Read(7, 2 * i + 1);
    EXPECT_EQ(codec::Base64Encode(HashChildren(*left, *right).span()),
              std::string_view(row[i].as_string()));
  }
}

}  // namespace
}  // namespace salus::merkle
