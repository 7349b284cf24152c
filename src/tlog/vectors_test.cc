// Published notes, logs, proofs and witness requests. Every file under vectors/tlog is either read
// here, or named below with the reason why not.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "codec/base64.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "merkle/compact_range.h"
#include "merkle/hash.h"
#include "merkle/memory_tree.h"
#include "merkle/proof.h"
#include "merkle/tile.h"
#include "tlog/policy.h"
#include "tlog/tlog_proof.h"
#include "tlog/witness_request.h"

namespace salus::tlog {
namespace {

namespace fs = std::filesystem;

// Vectors remembers which files were read.
class Vectors : public testing::Test {
 protected:
  void SetUp() override {
    const char* from_env = std::getenv("SALUS_VECTORS");
    dir_ = fs::path(from_env != nullptr ? from_env : SALUS_VECTORS_DEFAULT) / "tlog";
    if (!fs::exists(dir_)) GTEST_SKIP() << "skipped: vectors not found";
  }

  std::string Read(const std::string& name) {
    std::ifstream in(dir_ / name, std::ios::binary);
    EXPECT_TRUE(in.good()) << name;
    read_.insert(name);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
  }
  codec::Json ReadJson(const std::string& name) {
    const auto json = codec::ParseJson(Read(name));
    EXPECT_TRUE(json.has_value()) << name;
    return json.value_or(codec::Json());
  }
  std::vector<std::string> FilesBelow(const std::string& folder) {
    std::vector<std::string> names;
    for (const auto& file : fs::recursive_directory_iterator(dir_ / folder)) {
      if (file.is_regular_file()) {
        names.push_back(fs::relative(file.path(), dir_).generic_string());
      }
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  fs::path dir_;
  static inline std::set<std::string> read_;
};

std::string_view TextAt(const codec::JsonObject& object, std::string_view name) {
  return codec::StringAt(object, name).value();
}

std::string Base64(const RootHash& root) { return codec::Base64Encode(root.span()); }

constexpr std::string_view kTesseraVkey =
    "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx";

TEST_F(Vectors, SignedNotes) {
  const codec::Json json = ReadJson("notes/signed-notes.json");
  int verified = 0;
  for (const codec::Json& item : json.as_array()) {
    const codec::JsonObject& v = item.as_object();
    const std::string name(TextAt(v, "name"));
    const std::string_view expect = TextAt(v, "expect");
    EXPECT_FALSE(TextAt(v, "origin").empty());
    const auto key = VerifierKey::Parse(TextAt(v, "vkey"));
    if (expect == "illustration") {  // its key ID belongs to another name
      EXPECT_FALSE(key.has_value()) << name;
      continue;
    }
    ASSERT_TRUE(key.has_value()) << name;
    EXPECT_EQ(key->ToText(), TextAt(v, "vkey"));
    const auto note = Note::Parse(TextAt(v, "note"));
    ASSERT_TRUE(note.has_value()) << name;
    EXPECT_EQ(note->ToText(), TextAt(v, "note"));
    const auto signatures = note->Verify(std::vector{*key});
    EXPECT_EQ(signatures.has_value(), expect.starts_with("ok")) << name;
    verified += signatures.has_value();
    const std::string_view checked = TextAt(v, "checked_here");
    if (const auto at = checked.find("time="); at != checked.npos) {
      EXPECT_EQ(std::to_string(signatures->front().unix_seconds.value()), checked.substr(at + 5));
    }
  }
  EXPECT_EQ(verified, 27);
}

// A static-ct checkpoint: the note is read, its signature of type 0x05 is that of an unknown key.
TEST_F(Vectors, StaticCtCheckpoint) {
  const auto signed_checkpoint =
      SignedCheckpoint::Parse(Read("notes/rome.ct.filippo.io-checkpoint.txt"));
  ASSERT_TRUE(signed_checkpoint.has_value());
  EXPECT_EQ(signed_checkpoint->checkpoint.origin, "rome.ct.filippo.io/2024h1");
  EXPECT_EQ(signed_checkpoint->checkpoint.size, TreeSize{115474666});
  const std::vector<VerifierKey> known = {VerifierKey::Parse(kTesseraVkey).value()};
  EXPECT_FALSE(signed_checkpoint->note.Verify(known).has_value());
}

// Fifteen entries, with a checkpoint at every size and tiles of every width.
TEST_F(Vectors, TesseraLog) {
  const Policy policy =
      Policy::Parse("log " + std::string(kTesseraVkey) + "\nquorum none\n").value();
  const codec::Json json = ReadJson("derived/tessera-log.json");
  merkle::MemoryTree tree;
  for (const codec::Json& item : json.as_array()) {
    const codec::JsonObject& v = item.as_object();
    const auto size = v.at("size").to_number<std::uint64_t>();
    const auto width = static_cast<unsigned>(size);
    const std::string bundle = Read("tessera/log/" + merkle::TileId{0, 0, width}.EntriesPath());
    const auto entries = merkle::ParseBundle(AsBytes(bundle), width);
    ASSERT_TRUE(entries.has_value());
    for (std::size_t i = 0; i < size; ++i) {
      EXPECT_EQ(AsText((*entries)[i]), std::string_view(v.at("entries").at(i).as_string()));
    }
    tree.Append(merkle::HashLeaf(entries->back()));
    EXPECT_EQ(Base64(tree.Root()), TextAt(v, "root"));
    std::vector<merkle::NodeHash> row;
    for (std::size_t i = 0; i < size; ++i) row.push_back(tree.Read(0, i).value());
    EXPECT_EQ(AsText(merkle::EncodeTile(row)),
              Read("tessera/log/" + merkle::TileId{0, 0, width}.Path()));
    const auto verified = policy.Verify(Read("tessera/log/checkpoint." + std::to_string(size)));
    ASSERT_TRUE(verified.has_value());
    EXPECT_EQ(verified->checkpoint.size, TreeSize{size});
    EXPECT_EQ(verified->checkpoint.root, tree.Root());
  }
  const auto empty = policy.Verify(Read("tessera/log/checkpoint.0"));
  ASSERT_TRUE(empty.has_value());
  EXPECT_EQ(empty->checkpoint.root, merkle::EmptyRoot());
  EXPECT_EQ(Read("tessera/log/checkpoint"), Read("tessera/log/checkpoint.15"));
  const codec::Json state = ReadJson("tessera/log/.state/treeState");
  EXPECT_EQ(Base64(tree.Root()), TextAt(state.as_object(), "root"));

  for (const int index : {0, 7, 14}) {
    const std::string text = Read("derived/tessera-index" + std::to_string(index) + ".tlog-proof");
    const auto proof = TlogProof::Parse(text);
    ASSERT_TRUE(proof.has_value());
    EXPECT_EQ(proof->ToText(), text);
    const auto leaf_of = [&](int i) {
      return merkle::LeafHash(tree.Read(0, static_cast<std::uint64_t>(i)).value().bytes());
    };
    EXPECT_TRUE(proof->Verify(leaf_of(index), policy).has_value());
    EXPECT_FALSE(proof->Verify(leaf_of(3), policy).has_value());
  }
}

// Cosigned checkpoints where the monitoring path says, and the mirror's tiles of one of them.
TEST_F(Vectors, SkylightWitnessesAndMirror) {
  const std::string base = "sunlight/skylight/";
  const auto only_key = [&](const std::string& name) {
    const codec::Json json = ReadJson(base + name);
    const auto& keys = json.as_object().at("verifier_keys").as_array();
    EXPECT_EQ(keys.size(), 1u);
    return VerifierKey::Parse(std::string_view(keys[0].as_string())).value();
  };
  const auto verify = [&](const std::string& folder, const VerifierKey& key,
                          std::string_view origin) {
    const std::string text = Read(base + folder + "/" + MonitoringPath(origin));
    const auto parsed = SignedCheckpoint::Parse(text);
    EXPECT_TRUE(parsed.has_value());
    EXPECT_EQ(parsed->checkpoint.origin, origin);
    const auto signatures = parsed->note.Verify(std::vector{key});
    EXPECT_TRUE(signatures.has_value());
    EXPECT_EQ(signatures->front().unix_seconds, 1767139200u);
    return parsed->checkpoint;
  };
  const Checkpoint cosigned =
      verify("witness", only_key("witness/witness.v0.json"), "rome2026h1.example.org");
  verify("witness2", only_key("witness2/witness.v0.json"), "milan2026h1.example.org");
  const Checkpoint mirrored =
      verify("witness/mirror", only_key("witness/mirror/mirror.v0.json"), "rome2026h1.example.org");
  for (const char* decoy : {"witness/checkpoint", "witness/mirror/checkpoint"}) {
    EXPECT_FALSE(SignedCheckpoint::Parse(Read(base + decoy)).has_value());
  }
  const auto log = SignedCheckpoint::Parse(Read(base + "tree/checkpoint"));
  ASSERT_TRUE(log.has_value());
  EXPECT_EQ(log->checkpoint, cosigned);
  const codec::Json description = ReadJson(base + "tree/log.v3.json");
  EXPECT_EQ(TextAt(description.as_object().at("final_tree_head").as_object(), "sha256_root_hash"),
            Base64(cosigned.root));

  std::string prefix = base + "witness/mirror/" + MonitoringPath("rome2026h1.example.org");
  prefix.resize(prefix.size() - std::string("checkpoint").size());
  const merkle::TileHashReader reader(mirrored.size, [&](const merkle::TileId& id) {
    return Result<Bytes>(ToBytes(Read(prefix + id.Path())));
  });
  EXPECT_EQ(merkle::RootAt(mirrored.size, reader).value(), mirrored.root);
  EXPECT_TRUE(reader.Read(8, 0).has_value());
  // Tile (1, 0) holds the root of tile (0, 0).
  const auto left = reader.Read(7, 0);
  const auto right = reader.Read(7, 1);
  EXPECT_EQ(reader.Read(8, 0).value(), merkle::HashChildren(*left, *right));
}

// The states of a witness as these requests move it. Its log's key is not among the vectors, so the
// two answers of 403 are only read: the first has spare bits in its base64, which we refuse before.
TEST_F(Vectors, WitnessRequests) {
  std::map<std::uint64_t, RootHash> seen;  // size to root, as cosigned
  std::uint64_t last = 0;
  for (const std::string& name : FilesBelow("witness")) {
    const std::size_t mark = name.find("-expect");
    if (mark == name.npos) continue;
    const std::string expected = name.substr(mark + 7, 3);
    const std::string body = Read(name);
    const auto request = AddCheckpointRequest::Parse(body);
    if (expected == "403") {
      EXPECT_EQ(request.has_value(), name.find("req03") != name.npos) << name;
      continue;
    }
    ASSERT_TRUE(request.has_value()) << name << request.error().message;
    EXPECT_EQ(request->ToText(), body);
    const Checkpoint& checkpoint = request->checkpoint.checkpoint;
    if (request->old_size.value != last) {
      EXPECT_EQ(expected, "409") << name;
      continue;
    }
    const RootHash old_root = last == 0 ? merkle::EmptyRoot() : seen.at(last);
    const auto status =
        request->proof.Verify(request->old_size, checkpoint.size, old_root, checkpoint.root);
    EXPECT_EQ(expected, status ? "200" : "422") << name;
    if (!status) continue;
    last = checkpoint.size.value;
    seen[last] = checkpoint.root;
  }
  EXPECT_EQ(last, 5u);

  const codec::Json json = ReadJson("witness/transparency-dev-monkeys.json");
  const codec::JsonObject& v = json.as_object();
  const VerifierKey key = VerifierKey::Parse(TextAt(v, "log_vkey")).value();
  EXPECT_TRUE(VerifierKey::Parse(TextAt(v, "witness_vkey_ed25519_type1")).has_value());
  const auto from = SignedCheckpoint::Parse(TextAt(v, "old_checkpoint"));
  const auto to = SignedCheckpoint::Parse(TextAt(v, "new_checkpoint"));
  EXPECT_TRUE(from->note.Verify(std::vector{key}).has_value());
  EXPECT_TRUE(to->note.Verify(std::vector{key}).has_value());
  std::vector<merkle::NodeHash> hashes;
  for (const codec::Json& hash : v.at("consistency_proof_hex").as_array()) {
    const Bytes bytes = codec::HexDecode(std::string_view(hash.as_string())).value();
    hashes.push_back(merkle::NodeHash::FromBytes(bytes).value());
  }
  const auto proof = merkle::ConsistencyProof::FromHashes(hashes);
  EXPECT_TRUE(proof
                  ->Verify(from->checkpoint.size, to->checkpoint.size, from->checkpoint.root,
                           to->checkpoint.root)
                  .has_value());
}

// What the specifications print. The signatures under example.com/behind-the-sofa are
// illustrations.
TEST_F(Vectors, ExamplesOfTheSpecifications) {
  const std::string dir = "c2sp-examples/";
  // The stored copies of the two examples below lack their last newline.
  const auto with_newline = [](std::string text) {
    return text.ends_with('\n') ? text : text + "\n";
  };
  const auto note = Note::Parse(with_newline(Read(dir + "signed-note.txt")));
  ASSERT_TRUE(note.has_value());
  const auto key =
      VerifierKey::Parse("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k");
  EXPECT_TRUE(note->Verify(std::vector{*key}).has_value());

  const auto cosigned =
      SignedCheckpoint::Parse(with_newline(Read(dir + "cosigned-checkpoint.txt")));
  ASSERT_TRUE(cosigned.has_value());
  EXPECT_EQ(cosigned->note.signatures().size(), 2u);
  EXPECT_EQ(with_newline(Read(dir + "cosignature-v1-message.txt")),
            CosignatureMessage(1679315147, cosigned->note.text()));

  const auto request =
      AddCheckpointRequest::Parse(with_newline(Read(dir + "add-checkpoint-request.txt")));
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->old_size, TreeSize{20852014});
  EXPECT_EQ(request->proof.hashes().size(), 4u);
  EXPECT_EQ(request->checkpoint.checkpoint, cosigned->checkpoint);

  // Printed with its signatures cut short.
  EXPECT_FALSE(TlogProof::Parse(with_newline(Read(dir + "tlog-proof.txt"))).has_value());
}

// Files, or folders, that no test of this module reads.
const std::map<std::string, std::string>& NotRead() {
  static const std::map<std::string, std::string> reasons = {
      {"README.md", "no vector"},
      {"merkle-rfc6962/", "read by the tests of merkle"},
      {"sunlight/navigli2025h2/", "tiles read by the tests of merkle; data tiles are static-ct's"},
      {"derived/navigli2025h2.json", "read by the tests of merkle"},
      {"derived/tlog-tiles-70000.json", "read by the tests of merkle"},
      {"sigsum/", "sigsum-proof is another format; its leaves and keys are not ours"},
      {"notes/rome.ct.filippo.io-key.b64", "a key of type 0x05, which we pass over"},
      {"c2sp-examples/checkpoint.txt", "the copy holds a status code, not the example"},
      {"tessera/log/.state/publish.lock", "state of Tessera's own"},
      {"tessera/log/.state/treeState.lock", "state of Tessera's own"},
      {"tessera/log/.state/version", "state of Tessera's own"},
      {"sunlight/skylight/skylight.yaml", "configuration of another program"},
      {"sunlight/skylight/tree/tile/", "text where hashes would stand"},
      {"sunlight/skylight/tree/issuer/", "static-ct's issuers"},
      {"sunlight/skylight/witness/mirror/"
       "000de184301123b9278c086a7d9f68c9577e83872224c197058fd90784ea9706/tile/entries/",
       "text where entries would stand"},
  };
  return reasons;
}

// Runs last: gtest keeps the order of a file.
TEST_F(Vectors, NoFileIsPassedOver) {
  if (GTEST_FLAG_GET(filter) != "*" || testing::UnitTest::GetInstance()->total_test_count() !=
                                           testing::UnitTest::GetInstance()->test_to_run_count()) {
    GTEST_SKIP() << "skipped: only some of the tests were asked for";
  }
  std::set<std::string> used;
  for (const std::string& name : FilesBelow(".")) {
    if (read_.contains(name)) continue;
    const auto reason = std::find_if(NotRead().begin(), NotRead().end(), [&name](const auto& item) {
      return item.first.ends_with('/') ? name.starts_with(item.first) : name == item.first;
    });
    EXPECT_NE(reason, NotRead().end()) << "neither read nor named: " << name;
    if (reason != NotRead().end()) used.insert(reason->first);
  }
  EXPECT_EQ(used.size(), NotRead().size()) << "a stale reason";
}

}  // namespace
}  // namespace salus::tlog
