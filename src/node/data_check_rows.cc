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
  RowCheck(const storage::SegmentLog& segments, const RowEntries& entries, Findings& findings)
      : segments_(segments), findings_(findings) {
    for (const RowEntry& entry : entries.all) Add(entry);
  }

  // Entries behind the last signed checkpoint: what they brought must be there too.
  void AddTail(std::uint64_t begin, std::uint64_t end) {
    for (std::uint64_t index = begin; index < end; ++index) {
      const Result<storage::Record> record = segments_.Read(index);
      if (!record) continue;
      const Result<tlog::RecordMeta> meta = tlog::RecordMeta::Parse(record->meta());
      const Result<audit::EntryView> view = audit::ParseEntry(record->payload());
      if (!meta || !view) continue;
      if (const auto entry = RowEntryOf(index, *meta, *view)) Add(*entry);
    }
  }

  void Run(const std::vector<StoredRow>& rows) {
    for (const StoredRow& row : rows) CheckRow(row);
    for (const auto& [index, entry] : entries_) {
      if (!IsNewest(entry) || served_.contains(index)) continue;
      findings_.Counted("row",
                        Changed(index, fmt::format("control.db has no row for entry {} ({}): "
                                                   "it was deleted, altered or replaced",
                                                   index, NameOf(entry.type))));
    }
  }

 private:
  void Add(const RowEntry& entry) {
    entries_[entry.index] = entry;
    by_digest_[entry.digest] = entry.index;
    if (entry.subject && audit::EndsEpoch(entry.type)) {
      std::uint64_t& newest = newest_[*entry.subject];
      newest = std::max(newest, entry.index);
    }
    if (entry.replaces) replaced_.insert(*entry.replaces);
  }

  bool IsNewest(const RowEntry& entry) const {
    if (replaced_.contains(entry.index)) return false;
    if (!entry.subject || !audit::EndsEpoch(entry.type)) return true;
    return newest_.at(*entry.subject) == entry.index;
  }

  bool IsUnreadable(std::uint64_t index) const {
    const Result<storage::Record> record = segments_.Read(index);
    return !record && record.error().code == ErrorCode::kCorruption;
  }

  void CheckRow(const StoredRow& row) {
    const auto named = by_digest_.find(audit::RowDigest(row.origin.salt, row.content));
    if (row.is_intent) {  // an act that is under way, or that a crash broke off
      if (named != by_digest_.end()) served_.insert(named->second);
      return;
    }
    const std::uint64_t index = row.origin.entry_index;
    const auto entry = entries_.find(index);
    const bool is_image = named != by_digest_.end() && named->second == index &&
                          entry != entries_.end() &&
                          Brings(entry->second.type, entry->second.subject.has_value(), row.kind) &&
                          audit::DecodeRow(row);
    if (entry == entries_.end() && IsUnreadable(index)) return;  // named already
    if (!is_image) {
      findings_.Counted("row",
                        Changed(index, fmt::format("control.db: a row is not the one that entry {} "
                                                   "recorded: it was altered",
                                                   index)));
    } else if (!IsNewest(entry->second)) {
      findings_.Counted("row",
                        Changed(index, fmt::format("a row of control.db is that of entry {}, which "
                                                   "a later entry has replaced: an old row was put "
                                                   "back",
                                                   index)));
    } else {
      served_.insert(index);
    }
  }

  const storage::SegmentLog& segments_;
  Findings& findings_;
  std::map<std::uint64_t, RowEntry> entries_;
  std::map<crypto::Hash32, std::uint64_t> by_digest_;
  std::map<std::uint32_t, std::uint64_t> newest_;  // policy entry by subject
  std::set<std::uint64_t> replaced_;
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
               std::uint64_t tail_begin, std::uint64_t tail_end, const RowEntries& entries,
               Findings& findings) {
  if (!stored) {
    CheckFinding finding = Changed(0, "control.db: " + stored.error().message);
    finding.entry.reset();
    findings.Add(std::move(finding));
    return;
  }
  RowCheck check(segments, entries, findings);
  check.AddTail(tail_begin, tail_end);
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
