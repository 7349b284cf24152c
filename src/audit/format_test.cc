// The worked examples of docs/formats, which examples.py made without this code, held against it.

#include <gtest/gtest.h>

#include <algorithm>

#include "audit/custody.h"
#include "audit/directory.h"
#include "audit/entry.h"
#include "audit/event.h"
#include "audit/grant.h"
#include "audit/history.h"
#include "audit/padding.h"
#include "audit/receipt.h"
#include "audit/seal.h"
#include "audit/secret_access.h"
#include "audit/verify.h"
#include "base/format_example.h"
#include "codec/base64.h"
#include "codec/hex.h"
#include "codec/rfc3339.h"
#include "merkle/hash.h"
#include "storage/memory_file_system.h"
#include "tlog/checkpoint_store.h"
#include "tlog/hash_store.h"
#include "tlog/map_root_entry.h"
#include "tlog/note.h"
#include "tlog/record_meta.h"
#include "tlog/verifier_key.h"

namespace salus::audit {
namespace {

constexpr std::string_view kOrigin = "salus.example/hospital/2026";
constexpr std::int64_t kTimeMs = 1'772'439'330'250;

std::vector<std::string> ExampleLines(const std::string& page, const std::string& name) {
  return FormatExample(std::string(SALUS_FORMATS) + "/" + page, name);
}

// The rows of a hexadecimal example, without their comments; a comment begins a new part.
std::vector<Bytes> ExampleParts(const std::string& page, const std::string& name) {
  std::vector<Bytes> parts;
  for (const std::string& line : ExampleLines(page, name)) {
    const std::string hex = line.substr(0, line.find(' '));
    const bool has_comment = hex.size() != line.size();
    const Result<Bytes> bytes = codec::HexDecode(hex);
    EXPECT_TRUE(bytes) << page << ": " << line;
    if (!bytes) continue;
    if (has_comment || parts.empty()) parts.emplace_back();
    Append(parts.back(), *bytes);
  }
  return parts;
}

Bytes ExampleBytes(const std::string& page, const std::string& name) {
  Bytes all;
  for (const Bytes& part : ExampleParts(page, name)) Append(all, part);
  return all;
}

std::string ExampleText(const std::string& page, const std::string& name) {
  std::string all;
  for (const std::string& line : ExampleLines(page, name)) all += line;
  return all;
}

Bytes Rising(std::uint8_t first, std::size_t size) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(first + i);
  return bytes;
}

Bytes Same(std::uint8_t value, std::size_t size) { return Bytes(size, value); }

SubjectTag Tag() { return *SubjectTag::FromBytes(Rising(0x20, 32)); }

SecretArray<32> Secret(ByteSpan bytes) { return SecretArray<32>(bytes.first<32>()); }

crypto::P256PrivateKey PrivateKey(std::uint8_t value) {
  return *crypto::P256PrivateKey::FromScalar(Same(value, 32));
}

Subject Patient() { return {SubjectKind::kPatient, "", "p-17"}; }

Event ExampleEvent() {
  Event event;
  event.id = *EventId::Parse("5f1c2d3e-4a5b-4c6d-8e9f-a0b1c2d3e4f5");
  event.time = *codec::ParseRfc3339("2026-03-02T08:15:30.250Z");
  event.patient = "p-17";
  event.user = "dr-1";
  event.action = Action::kRead;
  event.record = "lab/77";
  event.purpose = "TREAT";
  event.outcome = 0;
  event.source = "ehr-1";
  return event;
}

// Hands out the IV of the example.
class ExampleRandom final : public RandomSource {
 public:
  void Fill(MutableByteSpan out) override {
    const Bytes iv = Rising(0xa0, out.size());
    std::copy(iv.begin(), iv.end(), out.begin());
  }
};

TEST(FormatTest, Event) {
  Bytes plaintext;
  EncodeEvent(ExampleEvent(), plaintext);
  EXPECT_EQ(plaintext, ExampleBytes("event.md", "event"));
}

TEST(FormatTest, PaddingOfEveryLength) {
  // event.md: gaps of 1 and 26 are those that a byte string can't fill.
  for (std::size_t size = 0; size < 600; ++size) {
    Bytes content;
    codec::CborWriter(content).ByteString(Bytes(size));
    const std::size_t unpadded = 2 + content.size();
    const std::size_t gap = 256 - unpadded % 256;
    const bool is_more = gap == 1 || gap == 26;
    const Bytes padded = EncodePadded(content);
    EXPECT_EQ(padded.size(), unpadded + gap + (is_more ? 256 : 0)) << size;
    EXPECT_TRUE(DecodePadded(padded)) << size;
  }
}

TEST(FormatTest, SealedEvent) {
  const std::vector<Bytes> values = ExampleParts("entry.md", "sealing");
  ASSERT_EQ(values.size(), 3u);
  const EpochKey epoch(Secret(Rising(0, 32)));
  EXPECT_EQ(SealingAad(kOrigin, Tag()), values[2]);
  ExampleRandom random;
  Sealer sealer(random);
  Bytes entry;
  const EntryKey key = sealer.SealEvent(epoch, values[2], ExampleBytes("event.md", "event"), entry);
  EXPECT_EQ(ToBytes(key.view(AuditSecrets::Token())), values[0]);
  EXPECT_EQ(ToBytes(KeyIdOf(key)), values[1]);
  EXPECT_EQ(entry, ExampleBytes("entry.md", "sealed-event"));
}

TEST(FormatTest, VrfInput) {
  EXPECT_EQ(VrfInput(kOrigin, Patient()), ExampleBytes("entry.md", "vrf-input"));
}

TEST(FormatTest, Genesis) {
  const Bytes entry = ExampleBytes("entry.md", "genesis");
  const auto genesis = ParseGenesis(entry);
  ASSERT_TRUE(genesis);
  EXPECT_EQ(genesis->origin, kOrigin);
  EXPECT_EQ(genesis->receipt_key, ExampleText("receipt.md", "receipt-vkey"));
  EXPECT_EQ(genesis->predecessor, "");
  const crypto::HmacSha256Key index_key(Bytes(32, 0x77));
  EXPECT_EQ(genesis->index_check, IndexCheck(index_key));
  EXPECT_EQ(EncodeGenesis(*genesis), entry);
}

TEST(FormatTest, MapRoot) {
  tlog::MapRootEntry entry;
  entry.size = 2;
  entry.time = FromUnixMillis(kTimeMs);
  entry.map_root = *merkle::MapRoot::FromBytes(Same(0xaa, 32));
  entry.subjects = 1;
  entry.updates = merkle::RootOf({});
  EXPECT_EQ(entry.Encode(), ExampleBytes("entry.md", "map-root"));
}

TEST(FormatTest, PolicyAndCertificate) {
  SourceRow row;
  row.id = "ehr-1";
  row.name = "Ward system";
  row.number = 1;
  const Bytes nothing = {0xa0};
  const OtherBody source{.type = EventType::kSourceRegistered,
                         .about_subject = false,
                         .row_digest = RowDigest(Same(0x66, 16), EncodeRow(row)),
                         .sealed = std::nullopt,
                         .clear = nothing};
  EXPECT_EQ(EncodeOther(EntryKind::kPolicy, source), ExampleBytes("entry.md", "source-registered"));

  const Bytes certificate = ExampleBytes("entry.md", "certificate-issued");
  const auto view = ParseEntry(certificate);
  ASSERT_TRUE(view && view->other);
  EXPECT_EQ(view->kind, EntryKind::kCertificate);
  EXPECT_EQ(view->other->type, EventType::kCertificateIssued);
  EXPECT_FALSE(view->other->about_subject || view->other->row_digest);
  EXPECT_EQ(EncodeOther(view->kind, *view->other), certificate);
}

TEST(FormatTest, PaddedContent) {
  const Bytes padded = ExampleBytes("entry.md", "query-padded");
  EXPECT_EQ(EncodePadded(ExampleBytes("entry.md", "query-content")), padded);
}

TEST(FormatTest, RecordMeta) {
  tlog::RecordMeta meta;
  meta.subject = tlog::SubjectNumber{7};
  meta.introduces = Tag();
  meta.source = 1;
  meta.grant = 300;
  meta.repeat.emplace();
  meta.repeat->identity.fill(0xd1);
  meta.repeat->content.fill(0xd2);
  Bytes out;
  meta.AppendTo(out);
  EXPECT_EQ(out, ExampleBytes("record-meta.md", "record-meta"));
}

TEST(FormatTest, Grant) {
  const std::vector<Bytes> ids = ExampleParts("grant.md", "grant-ids");
  ASSERT_EQ(ids.size(), 2u);
  const std::string jwe = ExampleText("grant.md", "grant-jwe");
  GrantBody grant{.find = {}, .commit = {}, .jwe = jwe};
  std::copy(ids[0].begin(), ids[0].end(), grant.commit.begin());
  std::copy(ids[1].begin(), ids[1].end(), grant.find.begin());
  EXPECT_EQ(FindOf(Tag(), grant.commit), grant.find);
  EXPECT_EQ(ToBytes(crypto::Sha256(
                {AsBytes("salus/grant"), ExampleBytes("grant.md", "grant-plaintext")})),
            ids[0]);
  const auto expect = [](const Result<GrantPlaintext>& opened) {
    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_EQ(opened->type, GrantType::kEpochKey);
    EXPECT_EQ(ToBytes(opened->key.view(AuditSecrets::Token())), Rising(0, 32));
    EXPECT_EQ(FromUnixDay(opened->day), DayOf(FromUnixMillis(kTimeMs)));
    ASSERT_EQ(opened->readers.size(), 4u);
    EXPECT_EQ(opened->readers[0], Patient());
    EXPECT_EQ(opened->readers[1], (Subject{SubjectKind::kAuditor, "", "auditco"}));
    EXPECT_FALSE(opened->readers[2] || opened->readers[3]);
    EXPECT_EQ(opened->policy_index, 6u);
  };
  expect(OpenGrantAsSubject(kOrigin, grant, Tag(), PrivateKey(0x11)));
  expect(OpenGrantWithDayKey(kOrigin, grant, Tag(), Secret(Same(0x55, 32))));
}

TEST(FormatTest, Receipt) {
  const std::vector<Bytes> parts = ExampleParts("receipt.md", "receipt-leaves");
  ASSERT_EQ(parts.size(), 7u);
  const auto leaf = [](std::string_view id, std::uint64_t index, std::uint8_t hash) {
    return HashReceiptLeaf({"ehr-1", id, merkle::LeafIndex{index},
                            *merkle::LeafHash::FromBytes(Same(hash, 32)), Tag()});
  };
  const std::vector<merkle::LeafHash> own = {leaf("5f1c2d3e-4a5b-4c6d-8e9f-a0b1c2d3e4f5", 8, 0xc8),
                                             leaf("e-2", 9, 0xc9)};
  EXPECT_EQ(ToBytes(own[0].span()), parts[3]);
  EXPECT_EQ(ToBytes(own[1].span()), parts[5]);

  const Receipt receipt{"", 1, 2, {*merkle::NodeHash::FromBytes(parts[1])}};
  const auto root = RootFromReceipt(receipt, own, 3);
  ASSERT_TRUE(root);
  EXPECT_EQ(ToBytes(root->span()), parts[6]);

  const ReceiptBody body{std::string(kOrigin), 6, 4, FromUnixMillis(kTimeMs), 3, *root};
  std::string text;
  for (const std::string& line : ExampleLines("receipt.md", "receipt-text")) text += line + "\n";
  EXPECT_EQ(body.ToText(), text);

  const auto key = tlog::VerifierKey::Parse(ExampleText("receipt.md", "receipt-vkey"));
  const auto note =
      tlog::Note::Parse(text + "\n\xe2\x80\x94 " + std::string(kOrigin) + "/receipts " +
                        ExampleText("receipt.md", "receipt-signature") + "\n");
  ASSERT_TRUE(key && note);
  EXPECT_TRUE(note->Verify({&*key, 1}));
}

TEST(FormatTest, HistoryAndEvidence) {
  const Bytes bytes = ExampleBytes("history.md", "history");
  const auto answer = DecodeHistory(bytes);
  ASSERT_TRUE(answer);
  ASSERT_EQ(answer->chain.size(), 2u);
  EXPECT_EQ(answer->chain[1].index.value, 9u);
  EXPECT_EQ(answer->map_value->count, 2u);
  EXPECT_FALSE(answer->before || answer->behind);
  EXPECT_EQ(answer->shown[0].index.value, 9u);
  EXPECT_EQ(answer->query_index.value, 9u);
  EXPECT_EQ(EncodeHistory(*answer), bytes);

  const Bytes file = ExampleBytes("history.md", "evidence");
  const auto evidence = DecodeEvidence(file);
  ASSERT_TRUE(evidence);
  EXPECT_EQ(evidence->log.origin, kOrigin);
  EXPECT_EQ(evidence->question.subject, Patient());
  EXPECT_EQ(evidence->question.from, DayOf(FromUnixMillis(kTimeMs)));
  EXPECT_EQ(evidence->answer, bytes);
  EXPECT_EQ(EncodeEvidence(*evidence), file);
}

TEST(FormatTest, DirectoryRow) {
  PatientRow row;
  row.subject = Patient();
  row.name = "Ana Reyes";
  row.key = PrivateKey(0x11).public_key();
  EXPECT_EQ(EncodeRow(row), ExampleBytes("directory.md", "patient-row"));
  const std::vector<Bytes> digest = ExampleParts("directory.md", "row-digest");
  ASSERT_EQ(digest.size(), 2u);
  EXPECT_EQ(ToBytes(RowDigest(digest[0], EncodeRow(row))), digest[1]);
}

TEST(FormatTest, Custody) {
  const auto custody_key =
      crypto::P256PublicKey::FromSec1(ExampleBytes("custody.md", "custody-key"));
  ASSERT_TRUE(custody_key);
  std::vector<CustodyShareRow> released(2);
  released[0].released_share = ExampleText("custody.md", "custody-release-1");
  released[1].released_share = ExampleText("custody.md", "custody-release-2");
  for (const CustodyShareRow& share : released) {
    EXPECT_TRUE(CheckReleasedShare(share.released_share));
    EXPECT_FALSE(CheckReleasedShare(share.released_share.substr(1)));
    EXPECT_FALSE(CheckReleasedShare(share.released_share + "A"));
  }
  EXPECT_FALSE(CheckReleasedShare("eyJhbGciOiJkaXIifQ...."));
  const auto joined = JoinCustody(Patient(), released, 2, PrivateKey(0x11), *custody_key);
  ASSERT_TRUE(joined) << joined.error().message;
  EXPECT_EQ(joined->public_key(), PrivateKey(0x05).public_key());
  const Subject other{SubjectKind::kPatient, "", "p-18"};
  EXPECT_FALSE(JoinCustody(other, released, 2, PrivateKey(0x11), *custody_key));
}

TEST(FormatTest, CheckpointSlot) {
  const std::vector<Bytes> parts = ExampleParts("checkpoints.md", "checkpoint-record");
  ASSERT_EQ(parts.size(), 5u);
  storage::MemoryFileSystem fs;
  ASSERT_TRUE(fs.MakeDirectory("log"));
  const auto store = tlog::CheckpointStore::Create(fs, "log");
  ASSERT_TRUE(store);
  const tlog::StoredCheckpoint checkpoint{3, FromUnixMillis(kTimeMs),
                                          std::string(AsText(parts[3]))};
  ASSERT_TRUE((*store)->Swap(0, checkpoint));
  ASSERT_TRUE((*store)->Keep(checkpoint));
  const Bytes record = ExampleBytes("checkpoints.md", "checkpoint-record");
  EXPECT_EQ(fs.Content("log/kept"), record);
  Bytes slots = record;
  slots.resize(8192);
  EXPECT_EQ(fs.Content("log/checkpoint"), slots);
}

TEST(FormatTest, HashTile) {
  const std::vector<Bytes> parts = ExampleParts("hashes.md", "hash-tile");
  ASSERT_EQ(parts.size(), 3u);
  storage::MemoryFileSystem fs;
  ASSERT_TRUE(fs.MakeDirectory("hashes"));
  const auto store = tlog::HashStore::Open(fs, "hashes", 256, false);
  ASSERT_TRUE(store);
  std::vector<merkle::LeafHash> leaves;
  for (unsigned i = 0; i < 256; ++i) {
    const auto byte = static_cast<std::uint8_t>(i);
    leaves.push_back(merkle::HashLeaf({&byte, 1}));
  }
  (*store)->Append(leaves);
  const Bytes tile = fs.Content("hashes/leaves");
  ASSERT_EQ(tile.size(), 8192u);
  EXPECT_EQ(ToBytes(ByteSpan(tile).first(32)), parts[0]);
  EXPECT_EQ(ToBytes(ByteSpan(tile).last(32)), parts[1]);
  EXPECT_EQ(fs.Content("hashes/nodes"), parts[2]);
}

}  // namespace
}  // namespace salus::audit
