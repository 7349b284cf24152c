// A small log that seals and signs as a server does, and can be told to lie. Test code only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "audit/event.h"
#include "audit/receipt.h"
#include "audit/seal.h"
#include "audit/subject.h"
#include "audit/verify.h"
#include "base/check.h"
#include "base/random.h"
#include "client/published_tree.h"
#include "codec/base64.h"
#include "codec/flat_json.h"
#include "codec/json.h"
#include "crypto/vrf.h"
#include "merkle/hash.h"
#include "merkle/memory_tree.h"
#include "tlog/checkpoint.h"
#include "tlog/signer_key.h"

namespace salus::client {

// Lies is what a dishonest server does with an answer.
struct Lies {
  bool seals_other_event = false;
  bool files_under_other_patient = false;
  bool gives_other_tag = false;
  bool gives_other_key = false;
  bool gives_other_leaf = false;
  bool leaves_out_entry = false;
  bool leaves_out_receipt = false;
  bool signs_with_other_key = false;
  bool moves_commit = false;
  bool changes_receipt_leaf = false;
};

// TestLog answers batches of NDJSON. Lines that are no events are refused.
class TestLog {
 public:
  TestLog()
      : vrf_(crypto::VrfPrivateKey::Generate(random_)),
        log_key_(NewKey("test.example/log", tlog::SignatureType::kEd25519)),
        receipt_key_(NewKey("test.example/log/receipts", tlog::SignatureType::kEd25519)),
        other_key_(NewKey("test.example/log/receipts", tlog::SignatureType::kEd25519)) {}

  audit::PinnedLog pinned() const {
    return {"test.example/log", log_key_.verifier().ToText(), receipt_key_.verifier().ToText(),
            vrf_.public_key(), "quorum none\n"};
  }

  std::string Answer(std::string_view batch, const std::string& source, const Lies& lies = {}) {
    std::string out;
    std::string receipts;
    std::vector<merkle::LeafHash> leaves;
    codec::JsonArray lines;
    std::map<audit::Subject, int> patients;
    int refused = 0;
    int logged = 0;
    int repeats = 0;
    const std::uint64_t first = entries_.size();
    parser_.ParseLines(batch, [&](std::size_t number, std::string_view,
                                  Result<codec::FlatJsonParser::Members> members) {
      Result<audit::Event> event = members ? audit::ReadEventMembers(*members, Now())
                                           : Result<audit::Event>(members.error());
      if (!event) {
        ++refused;
        codec::JsonObject line;
        line["line"] = number;
        line["status"] = "refused";
        line["error"] = CodeName(event.error().code);
        line["detail"] = event.error().message;
        out += codec::WriteJson(line) + "\n";
        return;
      }
      event->source = source;
      const audit::Subject subject{audit::SubjectKind::kPatient, std::string(event->system),
                                   std::string(event->patient)};
      const audit::ProvenTag tag = audit::ProveTag(vrf_, pinned().origin, subject);
      if (!patients.contains(subject)) {
        const int place = static_cast<int>(patients.size());
        patients[subject] = place;
        codec::JsonObject line;
        line["patient"] = place;
        line["id"] = lies.files_under_other_patient ? "p-other" : subject.id;
        line["system"] = subject.system;
        audit::ProvenTag shown = tag;
        if (lies.files_under_other_patient) {
          shown = audit::ProveTag(vrf_, pinned().origin,
                                  {audit::SubjectKind::kPatient, subject.system, "p-other"});
        }
        if (lies.gives_other_tag) shown.tag.data()[0] ^= 1;
        line["tag"] = codec::Base64UrlEncode(shown.tag.span());
        line["proof"] = codec::Base64UrlEncode(shown.proof.bytes);
        out += codec::WriteJson(line) + "\n";
      }
      const std::string id = event->id.ToString();
      if (lies.seals_other_event) event->user = "somebody else";
      Bytes plaintext;
      audit::EncodeEvent(*event, plaintext);
      const auto known = by_id_.find(id);
      const bool is_repeat = known != by_id_.end();
      if (!is_repeat) {
        Bytes entry;
        const audit::EpochKey epoch = audit::EpochKey::Generate(random_);
        keys_.push_back(sealer_.SealEvent(epoch, audit::SealingAad(pinned().origin, tag.tag),
                                          plaintext, entry));
        entries_.push_back(entry);
      }
      const std::uint64_t index = is_repeat ? known->second : entries_.size() - 1;
      by_id_[id] = index;
      ++(is_repeat ? repeats : logged);
      merkle::LeafHash leaf = merkle::HashLeaf(entries_[index]);
      if (lies.gives_other_leaf) leaf.data()[0] ^= 1;
      codec::JsonObject line;
      line["line"] = number;
      line["status"] = is_repeat ? "repeat" : "logged";
      line["id"] = id;
      line["index"] = index;
      line["leaf"] = codec::Base64UrlEncode(leaf.span());
      const audit::EntryKey key = lies.gives_other_key
                                      ? audit::EpochKey::Generate(random_).KeyOf({})
                                      : keys_[index].Clone();
      line["key"] = codec::Base64UrlEncode(key.view(TestAccess::Token()));
      if (!is_repeat && !lies.leaves_out_entry) {
        line["entry"] = codec::Base64UrlEncode(entries_[index]);
      }
      line["patient"] = patients[subject];
      out += codec::WriteJson(line) + "\n";
      leaves.push_back(audit::HashReceiptLeaf({source, id, {index}, leaf, tag.tag}));
      lines.emplace_back(number);
    });
    if (!leaves.empty() && !lies.leaves_out_receipt) out += ReceiptLine(leaves, lines, first, lies);
    codec::JsonObject done;
    done["done"] = true;
    done["logged"] = logged;
    done["repeats"] = repeats;
    done["refused"] = refused;
    return out + codec::WriteJson(done) + "\n";
  }

  // Publish is a tree of these leaves behind a signed checkpoint.
  LogFiles Publish(const std::vector<merkle::LeafHash>& leaves) {
    const auto tree = std::make_shared<const merkle::MemoryTree>(leaves);
    tlog::Note note =
        tlog::Note::Create(tlog::Checkpoint{pinned().origin, tree->size(), tree->Root(), {}}.Body())
            .value();
    CHECK(note.Add(log_key_.Sign(note.text(), Now()).value()));
    return {.checkpoint = [text = note.ToText()]() -> Result<std::string> { return text; },
            .tile = [tree](const merkle::TileId& id) -> Result<Bytes> {
              std::vector<merkle::NodeHash> hashes;
              for (unsigned i = 0; i < id.width; ++i) {
                TRY(const merkle::NodeHash hash,
                    tree->Read(8 * id.level, id.n * merkle::kTileWidth + i));
                hashes.push_back(hash);
              }
              return merkle::EncodeTile(hashes);
            }};
  }

  const std::vector<Bytes>& entries() const { return entries_; }
  std::vector<merkle::LeafHash> leaves() const {
    std::vector<merkle::LeafHash> leaves;
    for (const Bytes& entry : entries_) leaves.push_back(merkle::HashLeaf(entry));
    return leaves;
  }
  static Timestamp Now() { return std::chrono::sys_days(std::chrono::year(2026) / 11 / 20); }

 private:
  class TestAccess : SecretAccessMint {
   public:
    static SecretAccess Token() { return Mint(); }
  };

  tlog::SignerKey NewKey(std::string_view name, tlog::SignatureType type) {
    return tlog::SignerKey::Create(name, type, crypto::Ed25519PrivateKey::Generate(random_))
        .value();
  }

  std::string ReceiptLine(std::vector<merkle::LeafHash> leaves, const codec::JsonArray& lines,
                          std::uint64_t first, const Lies& lies) {
    if (lies.changes_receipt_leaf) leaves.front().data()[0] ^= 1;
    // Somebody else's events stand around ours in the commit.
    leaves.insert(leaves.begin(), merkle::HashLeaf(AsBytes("before")));
    leaves.push_back(merkle::HashLeaf(AsBytes("behind")));
    const merkle::MemoryTree tree(leaves);
    audit::ReceiptBody body;
    body.origin = pinned().origin;
    body.first_index = lies.moves_commit ? first + 100'000 : first;
    body.count = entries_.size() - first + 2;
    body.time = Now();
    body.leaves = leaves.size();
    body.root = tree.Root();
    tlog::Note note = tlog::Note::Create(body.ToText()).value();
    const tlog::SignerKey& key = lies.signs_with_other_key ? other_key_ : receipt_key_;
    CHECK(note.Add(key.Sign(note.text(), Now()).value()));
    const audit::Receipt receipt = audit::MakeReceipt(note.ToText(), tree, 1, leaves.size() - 2);
    codec::JsonArray beside;
    for (const auto& hash : receipt.beside)
      beside.emplace_back(codec::Base64UrlEncode(hash.span()));
    codec::JsonObject inner;
    inner["note"] = receipt.note;
    inner["first"] = receipt.first;
    inner["own"] = receipt.own;
    inner["beside"] = std::move(beside);
    codec::JsonObject outer;
    outer["receipt"] = std::move(inner);
    outer["lines"] = lines;
    return codec::WriteJson(outer) + "\n";
  }

  SystemRandom random_;
  crypto::VrfPrivateKey vrf_;
  tlog::SignerKey log_key_;
  tlog::SignerKey receipt_key_;
  tlog::SignerKey other_key_;
  audit::Sealer sealer_{random_};
  codec::FlatJsonParser parser_;
  std::vector<Bytes> entries_;
  std::vector<audit::EntryKey> keys_;
  std::map<std::string, std::uint64_t> by_id_;
};

// EventLine is one line of NDJSON, with its line feed.
inline std::string EventLine(const std::string& id, const std::string& patient) {
  return R"({"id":")" + id + R"(","time":"2026-11-19T09:30:00Z","patient":")" + patient +
         R"(","user":"u1","action":"read"})" + "\n";
}

}  // namespace salus::client
