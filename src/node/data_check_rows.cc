// control.db against the log: each row is the image of an entry, and each entry that must have a
// row has it. And what else the log has recorded of files beside it: the server's certificate.

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "audit/directory.h"
#include "codec/cbor.h"
#include "node/data_check_parts.h"
#include "node/node_state.h"
#include "pki/certificate.h"
#include "pki/path.h"

namespace salus::node {

namespace {

using audit::EventType;
using audit::StoredRow;

constexpr char kRestore[] = "restore control.db from a backup; keep this one as evidence";

// The type of the entries that bring rows of a kind. A patient's and an auditor's row is brought
// anew by each policy entry of its chain.
bool Brings(EventType type, bool is_in_chain, StoredRow::Kind kind) {
  switch (kind) {
    case StoredRow::kPatient:
      return is_in_chain &&
             (type == EventType::kPatientRegistered || type == EventType::kMandateSet);
    case StoredRow::kAuditor:
      return is_in_chain &&
             (type == EventType::kAuditorRegistered || type == EventType::kMandateSet);
    case StoredRow::kSource:
      return !is_in_chain && type == EventType::kSourceRegistered;
    case StoredRow::kCustodian:
      return !is_in_chain && type == EventType::kCustodianRegistered;
    case StoredRow::kMandate:
      return is_in_chain && type == EventType::kMandateSet;
    case StoredRow::kCustodyShare:
      return is_in_chain && type == EventType::kCustodyShare;
    case StoredRow::kCustodyRelease:
      return is_in_chain && type == EventType::kCustodyReleased;
    case StoredRow::kNotice:
      return !is_in_chain && (type == EventType::kTaskOpened || type == EventType::kResultReleased);
  }
  return false;
}

std::string_view NameOf(EventType type) {
  switch (type) {
    case EventType::kPatientRegistered:
      return "a patient's registration";
    case EventType::kAuditorRegistered:
      return "an auditor's registration";
    case EventType::kSourceRegistered:
      return "a source's registration";
    case EventType::kCustodianRegistered:
      return "a custodian's registration";
    case EventType::kMandateSet:
      return "a mandate";
    case EventType::kCustodyShare:
      return "a custodian's share";
    case EventType::kCustodyReleased:
      return "a released share";
    case EventType::kTaskOpened:
      return "a task's notice";
    case EventType::kResultReleased:
      return "a result's notice";
    default:
      return "an act";
  }
}

CheckFinding Changed(std::uint64_t entry, std::string what) {
  CheckFinding finding;
  finding.what = std::move(what);
  finding.file = "control.db";
  finding.entry = entry;
  finding.advice = kRestore;
  return finding;
}

class RowCheck {
 public:
  RowCheck(const storage::SegmentLog& segments, const RowEntries& entries, const RowTail& tail,
           Findings& findings)
      : segments_(segments), tail_(tail), findings_(findings) {
    for (const RowEntry& entry : entries.all) Add(entry);
    AddTail();
  }

  void Run(const std::vector<StoredRow>& rows) {
    for (const StoredRow& row : rows) {
      if (row.is_intent) CheckIntent(row);
    }
    for (const StoredRow& row : rows) {
      if (!row.is_intent) CheckRow(row);
    }
    for (const auto& [index, entry] : entries_) {
      if (NewerThan(entry) || served_.contains(index) || IsUnsettled(index)) continue;
      findings_.Counted("row",
                        Changed(index, fmt::format("control.db has no row for entry {} ({}): "
                                                   "it was deleted, altered or replaced",
                                                   index, NameOf(entry.type))));
    }
  }

 private:
  // Entries behind the last signed checkpoint: what they brought must be there too.
  void AddTail() {
    for (std::uint64_t index = tail_.begin; index < tail_.end; ++index) {
      const Result<storage::Record> record = segments_.Read(index);
      if (!record) continue;
      const Result<tlog::RecordMeta> meta = tlog::RecordMeta::Parse(record->meta());
      const Result<audit::EntryView> view = audit::ParseEntry(record->payload());
      if (!meta || !view) continue;
      if (const auto entry = RowEntryOf(index, *meta, *view)) Add(*entry);
    }
  }

  void Add(const RowEntry& entry) {
    entries_[entry.index] = entry;
    by_digest_[entry.digest] = entry.index;
    if (entry.subject && audit::EndsEpoch(entry.type)) {
      std::uint64_t& newest = newest_[*entry.subject];
      newest = std::max(newest, entry.index);
    }
    if (entry.replaces) replaced_[*entry.replaces] = entry.index;
  }

  // The newest entry that replaced this one's row, if any did.
  std::optional<std::uint64_t> NewerThan(const RowEntry& entry) const {
    if (const auto by = replaced_.find(entry.index); by != replaced_.end()) return by->second;
    if (!entry.subject || !audit::EndsEpoch(entry.type)) return std::nullopt;
    const std::uint64_t newest = newest_.at(*entry.subject);
    return newest == entry.index ? std::nullopt : std::optional(newest);
  }

  // A server at work may have logged this entry after the rows were read.
  bool IsUnsettled(std::uint64_t index) const { return !tail_.is_still && index >= tail_.begin; }

  bool IsUnreadable(std::uint64_t index) const {
    const Result<storage::Record> record = segments_.Read(index);
    return !record && record.error().code == ErrorCode::kCorruption;
  }

  // The entry that the row, or the row to be, is the image of.
  const RowEntry* ImageOf(const StoredRow& row) const {
    const auto named = by_digest_.find(audit::RowDigest(row.origin.salt, row.content));
    if (named == by_digest_.end()) return nullptr;
    const RowEntry& entry = entries_.at(named->second);
    const bool fits =
        Brings(entry.type, entry.subject.has_value(), row.kind) && audit::DecodeRow(row);
    return fits ? &entry : nullptr;
  }

  // An act that is under way, or that a crash broke off. Only what the next start would make a row
  // of counts as one.
  void CheckIntent(const StoredRow& row) {
    const std::uint64_t log_size = row.origin.entry_index;
    if (log_size > tail_.end) {
      findings_.Counted("intent",
                        Changed(tail_.end, fmt::format("control.db: an intent is said to be made "
                                                       "when the log held {} entries, and it holds "
                                                       "{}: it was put there",
                                                       log_size, tail_.end)));
      return;
    }
    const RowEntry* const entry = ImageOf(row);
    if (entry == nullptr || entry->index < log_size) return;
    if (CheckNewest(*entry, row)) intended_[{row.kind, row.key}] = entry->index;
  }

  void CheckRow(const StoredRow& row) {
    const std::uint64_t index = row.origin.entry_index;
    const RowEntry* const entry = ImageOf(row);
    if (!entries_.contains(index) && IsUnreadable(index)) return;  // named already
    if (entry != nullptr && entry->index == index) {
      CheckNewest(*entry, row);
      return;
    }
    findings_.Counted("row",
                      Changed(index, fmt::format("control.db: a row is not the one that entry {} "
                                                 "recorded: it was altered",
                                                 index)));
  }

  bool CheckNewest(const RowEntry& entry, const StoredRow& row) {
    const std::optional<std::uint64_t> newer = NewerThan(entry);
    if (!newer) {
      served_.insert(entry.index);
      return true;
    }
    // The newer row is an intent yet: the start replaces this one.
    const auto intended = intended_.find({row.kind, row.key});
    if (intended != intended_.end() && intended->second == *newer) return true;
    if (IsUnsettled(*newer)) return true;
    findings_.Counted("row",
                      Changed(entry.index, fmt::format("a row of control.db is that of entry "
                                                       "{}, which a later entry has "
                                                       "replaced: an old row was put back",
                                                       entry.index)));
    return false;
  }

  const storage::SegmentLog& segments_;
  const RowTail& tail_;
  Findings& findings_;
  std::map<std::uint64_t, RowEntry> entries_;
  std::map<crypto::Hash32, std::uint64_t> by_digest_;
  std::map<std::uint32_t, std::uint64_t> newest_;    // policy entry by subject
  std::map<std::uint64_t, std::uint64_t> replaced_;  // entry to the one that replaced it
  std::map<std::pair<StoredRow::Kind, std::string>, std::uint64_t> intended_;  // entries of intents
  std::set<std::uint64_t> served_;  // entries that have their row
};

}  // namespace

std::optional<RowEntry> RowEntryOf(std::uint64_t index, const tlog::RecordMeta& meta,
                                   const audit::EntryView& entry) {
  if (!entry.other || !entry.other->row_digest) return std::nullopt;
  RowEntry row{.index = index, .type = entry.other->type, .digest = *entry.other->row_digest};
  if (meta.subject) {
    row.subject = meta.subject->value;
  } else if (!entry.other->sealed) {
    // {1: the entry that it replaces}, or an empty map.
    codec::CborReader reader(entry.other->clear);
    const auto members = reader.Map();
    if (members && *members == 1 && reader.Uint()) {
      if (const auto replaced = reader.Uint()) row.replaces = *replaced;
    }
  }
  return row;
}

void CheckRows(const Result<std::vector<StoredRow>>& stored, const storage::SegmentLog& segments,
               const RowTail& tail, const RowEntries& entries, Findings& findings) {
  if (!stored) {
    CheckFinding finding = Changed(0, "control.db: " + stored.error().message);
    finding.entry.reset();
    findings.Add(std::move(finding));
    return;
  }
  RowCheck check(segments, entries, tail, findings);
  check.Run(*stored);
}

void CheckCertificates(storage::FileSystem& fs, const std::string& directory,
                       const std::set<crypto::Hash32>& logged, Findings& findings) {
  const auto tampered = [&findings](std::string file, std::string what) {
    CheckFinding finding;
    finding.what = std::move(what);
    finding.file = std::move(file);
    finding.advice =
        "restore it from a backup; compare root.pem's fingerprint with the one handed out";
    findings.Add(std::move(finding));
  };
  const auto read = [&](const char* name) -> Result<pki::Certificate> {
    TRY(const std::string pem, ReadText(fs, storage::JoinPath(directory, name)));
    return pki::Certificate::FromPem(pem);
  };
  const auto root = read("root.pem");
  const auto server = read("server/certificate.pem");
  const auto authority = read("ca/certificate.pem");
  if (!server) return tampered("server/certificate.pem", "the server's certificate can't be read");
  if (!authority)
    return tampered("ca/certificate.pem", "the authority's certificate can't be read");
  if (!logged.contains(server->fingerprint())) {
    tampered("server/certificate.pem",
             "the server's certificate is not one that the log has recorded: it was replaced");
  }
  if (!root) return;  // named already
  const Result<pki::TrustStore> trust = pki::TrustStore::Create({&*root, 1});
  if (!trust) return;
  const pki::Certificate chain[] = {*server, *authority};
  const Result<pki::Certificate> leads =
      pki::ValidatePath(chain, *trust, server->not_before(), pki::Purpose::kServer);
  if (leads) return;
  tampered("root.pem",
           "the server's certificate does not lead through ca/certificate.pem to "
           "root.pem: one of the three was replaced: " +
               leads.error().message);
}

}  // namespace salus::node
