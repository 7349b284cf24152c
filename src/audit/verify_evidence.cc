// What is kept and carried around: evidence files, remembered chains, an auditor's own chain.

#include <fmt/format.h>

#include <algorithm>

#include "audit/directory_rows.h"
#include "audit/notices.h"
#include "audit/shared_days.h"
#include "audit/verify.h"
#include "codec/cbor.h"

namespace salus::audit {

namespace {

using codec::CborReader;
using codec::CborType;
using codec::CborWriter;

constexpr std::uint64_t kVersion = 1;
constexpr std::string_view kEvidenceLabel = "salus/evidence";

void WriteDay(CborWriter& writer, const std::optional<Day>& day) {
  if (!day) return writer.Null();
  writer.Uint(ToUnixDay(*day));
}

Result<std::optional<Day>> ReadDay(CborReader& reader) {
  TRY(const CborType type, reader.PeekType());
  if (type == CborType::kNull) {
    TRY_VOID(reader.Null());
    return std::optional<Day>();
  }
  TRY(const std::uint64_t day, reader.Uint());
  if (day > 10'000'000) return InvalidArgument("day");
  return std::optional(FromUnixDay(static_cast<std::uint32_t>(day)));
}

void WriteQuestion(CborWriter& writer, const HistoryQuestion& question) {
  writer.Array(8);
  writer.Text(SubjectKindName(question.subject.kind));
  writer.Text(question.subject.system);
  writer.Text(question.subject.id);
  writer.Uint(question.after);
  WriteDay(writer, question.from);
  WriteDay(writer, question.to);
  writer.Uint(question.known_size);
  writer.Bool(question.wait_cosigned);
}

Result<HistoryQuestion> ReadQuestion(CborReader& reader) {
  HistoryQuestion question;
  TRY_VOID(reader.ArrayOf(8));
  TRY(const std::string_view kind_name, reader.Text());
  TRY(const std::string_view system, reader.Text());
  TRY(const std::string_view id, reader.Text());
  TRY(const SubjectKind kind, ParseSubjectKind(kind_name));
  TRY(question.subject, Subject::Create(kind, system, id));
  TRY(question.after, reader.Uint());
  TRY(question.from, ReadDay(reader));
  TRY(question.to, ReadDay(reader));
  TRY(question.known_size, reader.Uint());
  TRY(question.wait_cosigned, reader.Bool());
  return question;
}

Result<void> ReadHead(CborReader& reader) {
  TRY_VOID(reader.ArrayOf(7));
  TRY(const std::string_view label, reader.Text());
  TRY(const std::uint64_t version, reader.Uint());
  return label == kEvidenceLabel && version == kVersion ? Result<void>()
                                                        : InvalidArgument("not evidence");
}

Result<Evidence> ReadEvidence(ByteSpan bytes) {
  CborReader reader(bytes);
  TRY_VOID(ReadHead(reader));
  TRY_VOID(reader.ArrayOf(5));
  TRY(const std::string_view origin, reader.Text());
  TRY(const std::string_view log_vkey, reader.Text());
  TRY(const std::string_view receipt_vkey, reader.Text());
  TRY(const ByteSpan vrf, reader.ByteString());
  TRY(const std::string_view policy, reader.Text());
  TRY(const crypto::VrfPublicKey vrf_key, crypto::VrfPublicKey::FromBytes(vrf));
  Evidence evidence{.log = {std::string(origin), std::string(log_vkey), std::string(receipt_vkey),
                            vrf_key, std::string(policy)},
                    .question = {},
                    .asked = {},
                    .own_chain_answers = {},
                    .answer = {}};
  TRY(evidence.question, ReadQuestion(reader));
  TRY(const std::int64_t asked_ms, reader.Int());
  evidence.asked = FromUnixMillis(asked_ms);
  TRY(const std::size_t answers, reader.Array());
  for (std::size_t i = 0; i < answers; ++i) {
    TRY(const ByteSpan answer, reader.ByteString());
    evidence.own_chain_answers.push_back(ToBytes(answer));
  }
  TRY(const ByteSpan answer, reader.ByteString());
  evidence.answer = ToBytes(answer);
  TRY_VOID(reader.Finish());
  return evidence;
}

Result<KnownChain> ReadKnownChain(ByteSpan bytes) {
  CborReader reader(bytes);
  KnownChain chain;
  TRY_VOID(reader.ArrayOf(5));
  TRY(const std::uint64_t version, reader.Uint());
  if (version != kVersion) return InvalidArgument("version");
  TRY(chain.count, reader.Uint());
  TRY(const ByteSpan head, reader.ByteString());
  TRY(chain.head, merkle::ChainHead::FromBytes(head));
  const auto read_items = [&reader](const auto& take) -> Result<void> {
    TRY(const std::size_t size, reader.Array());
    for (std::size_t i = 0; i < size; ++i) {
      TRY_VOID(reader.ArrayOf(2));
      TRY(const std::uint64_t index, reader.Uint());
      TRY(const ByteSpan leaf, reader.ByteString());
      TRY(const merkle::LeafHash hash, merkle::LeafHash::FromBytes(leaf));
      take(merkle::LeafIndex{index}, hash);
    }
    return {};
  };
  TRY_VOID(read_items([&chain](merkle::LeafIndex index, const merkle::LeafHash& leaf) {
    chain.query_entries.push_back(index);
    chain.query_leaves.push_back(leaf);
  }));
  TRY_VOID(read_items([&chain](merkle::LeafIndex index, const merkle::LeafHash& leaf) {
    chain.items.push_back({index, leaf});
  }));
  TRY_VOID(reader.Finish());
  if (!chain.items.empty() && chain.items.size() != chain.count) return InvalidArgument("count");
  return chain;
}

// The day keys and mandates that an own chain holds.
void CollectKeys(const VerifiedHistory& own, const Subject& auditor, ReaderKeys& keys) {
  Day day{};
  bool had_other_key = false;
  for (const VerifiedEntry& entry : own.others) {
    if (entry.grant) day = std::max(day, FromUnixDay(entry.grant->day));
    if (entry.grant && entry.grant->type == GrantType::kDayKey) {
      keys.day_keys.push_back(entry.grant->key.Clone());
    }
    if (entry.kind != EntryKind::kPolicy) continue;
    if (entry.type == EventType::kAuditorRegistered) {
      // A registration that this key does not open was another key's.
      const bool is_open = !entry.plaintext.empty();
      if (is_open && had_other_key) keys.own_key_since = entry.index;
      had_other_key = !is_open;
    }
    if (entry.type != EventType::kMandateSet) continue;
    if (!keys.mandates.empty()) keys.mandates.back().ended = entry.index;
    // One that names its patients only by number is no ground for an accusation.
    if (const Result<MandateCount> counted = DecodeMandateCount(entry.plaintext)) {
      keys.mandates.push_back({.index = entry.index,
                               .ended = std::nullopt,
                               .logged = day,
                               .from = counted->from,
                               .until = std::nullopt,
                               .patients = {},
                               .is_counted = true});
      continue;
    }
    const Result<MandateRow> row = DecodeMandateRow(entry.plaintext);
    if (!row || row->auditor != auditor) continue;
    keys.mandates.push_back({.index = entry.index,
                             .ended = std::nullopt,
                             .logged = day,
                             .from = row->from,
                             .until = row->until,
                             .patients = row->patients});
  }
}

}  // namespace

Bytes EncodeEvidence(const Evidence& evidence) {
  Bytes out;
  CborWriter writer(out);
  writer.Array(7);
  writer.Text(kEvidenceLabel);
  writer.Uint(kVersion);
  writer.Array(5);
  writer.Text(evidence.log.origin);
  writer.Text(evidence.log.log_vkey);
  writer.Text(evidence.log.receipt_vkey);
  writer.ByteString(evidence.log.vrf_key.bytes());
  writer.Text(evidence.log.policy);
  WriteQuestion(writer, evidence.question);
  writer.Int(ToUnixMillis(evidence.asked));
  writer.Array(evidence.own_chain_answers.size());
  for (const Bytes& answer : evidence.own_chain_answers) writer.ByteString(answer);
  writer.ByteString(evidence.answer);
  return out;
}

Result<Evidence> DecodeEvidence(ByteSpan bytes) {
  if (CborReader reader(bytes); !ReadHead(reader)) {
    return InvalidArgument(
        "this is no evidence file of this format, or its first bytes were changed: "
        "`salus audit query --save` makes one");
  }
  Result<Evidence> evidence = ReadEvidence(bytes);
  if (!evidence) return VerificationFailed("the evidence was changed: it is not what was saved");
  return evidence;
}

Bytes EncodeKnownChain(const KnownChain& chain) {
  Bytes out;
  CborWriter writer(out);
  writer.Array(5);
  writer.Uint(kVersion);
  writer.Uint(chain.count);
  writer.ByteString(chain.head.span());
  const auto write_item = [&writer](merkle::LeafIndex index, const merkle::LeafHash& leaf) {
    writer.Array(2);
    writer.Uint(index.value);
    writer.ByteString(leaf.span());
  };
  writer.Array(chain.query_entries.size());
  for (std::size_t i = 0; i < chain.query_entries.size(); ++i) {
    write_item(chain.query_entries[i], chain.query_leaves[i]);
  }
  writer.Array(chain.items.size());
  for (const ChainItem& item : chain.items) write_item(item.index, item.leaf_hash);
  return out;
}

Result<KnownChain> DecodeKnownChain(ByteSpan bytes) {
  Result<KnownChain> chain = ReadKnownChain(bytes);
  if (!chain) return Corruption("the remembered chain is damaged: forget it and ask again");
  return chain;
}

Result<JoinedHistory> JoinHistory(const VerifyQuestion& question,
                                  std::span<const HistoryAnswer> answers) {
  if (question.subject.kind != SubjectKind::kAuditor || question.keys == nullptr ||
      question.keys->own_key == nullptr || question.from || question.to || answers.empty()) {
    return InvalidArgument("an auditor's whole own chain is needed, and its key");
  }
  JoinedHistory joined;
  VerifyQuestion next = question;
  for (const HistoryAnswer& answer : answers) {
    TRY(joined.own_chain, VerifyHistory(next, answer));
    next.known = joined.own_chain.checkpoint;
    next.chain = joined.own_chain.chain;
  }
  joined.keys.own_key = question.keys->own_key;
  joined.keys.reader = question.subject;
  joined.keys.own_chain_size = joined.own_chain.checkpoint.size;
  CollectKeys(joined.own_chain, question.subject, joined.keys);
  return joined;
}

Result<SharedDays> SharedWith(const VerifiedHistory& history, const ReaderKeys& keys) {
  SharedDays days;
  if (keys.reader.kind != SubjectKind::kAuditor || keys.own_key == nullptr) return days;
  for (const VerifiedEntry& entry : history.others) {
    const bool is_share = entry.kind == EntryKind::kPolicy &&
                          entry.type == EventType::kDaysShared && !entry.plaintext.empty();
    if (!is_share) continue;
    const Result<SharedDaysNotice> notice = DecodeSharedDaysNotice(entry.plaintext);
    if (!notice) {
      return VerificationFailed(
          fmt::format("entry {}: it says that days were shared, and is not what it must be",
                      entry.index.value));
    }
    if (notice->auditor != keys.reader.id) continue;
    Result<std::vector<SharedGrant>> grants = OpenSharedGrants(notice->sealed, *keys.own_key);
    if (!grants) {
      ++days.closed;
      continue;
    }
    for (SharedGrant& grant : *grants) days.grants.push_back(std::move(grant));
  }
  return days;
}

Result<VerifiedHistory> VerifyEvidence(const Evidence& evidence, const ReaderKeys& keys) {
  if (evidence.question.after != 0) {
    return VerificationFailed("the evidence goes on from what only the asker's device remembers");
  }
  VerifyQuestion question;
  question.log = &evidence.log;
  question.is_evidence = true;
  question.now = evidence.asked;
  question.keys = &keys;
  std::optional<JoinedHistory> joined;
  if (!evidence.own_chain_answers.empty()) {
    std::vector<HistoryAnswer> answers;
    for (const Bytes& bytes : evidence.own_chain_answers) {
      TRY(HistoryAnswer answer, DecodeHistory(bytes));
      answers.push_back(std::move(answer));
    }
    question.subject = keys.reader;
    TRY(joined, JoinHistory(question, answers));
    question.keys = &joined->keys;
  }
  question.subject = evidence.question.subject;
  question.from = evidence.question.from;
  question.to = evidence.question.to;
  TRY(const HistoryAnswer answer, DecodeHistory(evidence.answer));
  TRY(VerifiedHistory history, VerifyHistory(question, answer));
  if (!joined) return history;
  TRY(SharedDays shared, SharedWith(history, joined->keys));
  if (shared.grants.empty()) return history;
  joined->keys.shared = std::move(shared.grants);
  return VerifyHistory(question, answer);
}

}  // namespace salus::audit
