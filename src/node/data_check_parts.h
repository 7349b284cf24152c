// What the parts of CheckData hand to each other. Internal to the module.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "audit/directory.h"
#include "audit/entry.h"
#include "merkle/compact_range.h"
#include "node/data_check.h"
#include "storage/segment_log.h"
#include "tlog/map_replay.h"
#include "tlog/record_meta.h"

namespace salus::node {

// SignedRoot is a checkpoint whose signature holds: what the entries must hash to.
struct SignedRoot {
  std::uint64_t size = 0;
  merkle::RootHash root;
  std::string note;
  Timestamp time;
};

// Findings collects; a kind that comes up very often is counted, and named in full only at first.
class Findings {
 public:
  explicit Findings(DataCheckReport& report) : report_(report) {}
  void Add(CheckFinding finding);
  // Good says that everything up to this checkpoint is as it was signed.
  void Good(const SignedRoot& root);
  const std::optional<SignedRoot>& last_good() const { return last_good_; }
  // Counted is Add for findings of one kind, at most kNamed of them; Finish adds the rest's number.
  void Counted(const std::string& kind, CheckFinding finding);
  void Finish();

 private:
  static constexpr std::uint64_t kNamed = 16;
  DataCheckReport& report_;
  std::optional<SignedRoot> last_good_;
  std::map<std::string, std::uint64_t> counts_;
};

// RowEntry is an entry that brought a row of control.db.
struct RowEntry {
  std::uint64_t index = 0;
  audit::EventType type{};
  crypto::Hash32 digest{};
  std::optional<std::uint32_t> subject = {};   // number of the chain that it stands in
  std::optional<std::uint64_t> replaces = {};  // the entry whose row it replaces, outside chains
};
// RowEntryOf is nullopt for an entry without a row.
std::optional<RowEntry> RowEntryOf(std::uint64_t index, const tlog::RecordMeta& meta,
                                   const audit::EntryView& entry);

// RowEntries are what the entries say about files beside the log.
struct RowEntries {
  std::vector<RowEntry> all;
  std::set<crypto::Hash32> certificates;  // SHA-256 of each that was issued
};

// EntryCheck takes the entries one after the other: strict encoding, chain rules, the map at every
// kind 3 entry.
class EntryCheck {
 public:
  EntryCheck(const audit::PinnedLog& log, const crypto::Hash32& index_check, Findings& findings,
             DataCheckReport& report)
      : log_(log),
        index_check_(index_check),
        findings_(findings),
        report_(report),
        map_(log.origin) {}

  // Visit takes a readable record; Missing stands for one that is not, whose leaf hash is taken
  // from the hash tiles, where they have it.
  void Visit(std::uint64_t index, ByteSpan meta, ByteSpan entry, const merkle::LeafHash& leaf);
  void Missing(std::uint64_t index);
  // Finish says how many map roots differed, when any did.
  void Finish();

  const RowEntries& rows() const { return rows_; }

 private:
  void Tampered(std::uint64_t index, const std::string& kind, std::string what);
  // The subject that the entry is filed under, by its number.
  std::optional<std::uint32_t> SubjectOf(std::uint64_t index, const tlog::RecordMeta& meta);
  void CheckEntry(std::uint64_t index, ByteSpan entry, const tlog::RecordMeta& meta,
                  std::optional<std::uint32_t> subject);
  void CheckGenesis(ByteSpan entry);
  void CheckKind(std::uint64_t index, const audit::EntryView& entry, const tlog::RecordMeta& meta,
                 std::optional<std::uint32_t> subject);
  void KeepCertificate(const audit::EntryView& entry);
  void CheckGrantOf(std::uint64_t index, const tlog::RecordMeta& meta);
  void CloseMap(std::uint64_t index, ByteSpan entry);

  const audit::PinnedLog& log_;
  const crypto::Hash32 index_check_;
  Findings& findings_;
  DataCheckReport& report_;
  tlog::MapReplay map_;                            // by the log's own numbers of subjects
  std::map<std::uint64_t, std::uint32_t> grants_;  // grant entry to subject number
  std::uint64_t last_root_ = 0;                    // index of the last kind 3 entry
  bool is_map_lost_ = false;  // an unreadable entry: what follows can't be replayed
  std::uint64_t differing_roots_ = 0;
  std::uint64_t last_differing_ = 0;
  RowEntries rows_;
};

// CheckSegments scans, goes on behind what is damaged, and compares entries, tiles and signed
// roots.
struct SegmentCheck {
  storage::FileSystem* fs;
  std::string log_directory;
  const storage::SegmentLog* segments;
  std::vector<SignedRoot> roots;  // ascending sizes
  std::optional<audit::KnownCheckpoint> known;
  std::uint64_t end = 0;
  const DataCheckOptions* options;
};
Result<void> CheckSegments(const SegmentCheck& check, EntryCheck& entries, Findings& findings,
                           DataCheckReport& report);

// CheckRuns holds the index runs against the segments; CheckRows control.db against its entries,
// CheckCertificates root.pem, ca/ and server/ against the entries that recorded certificates.
Result<void> CheckRuns(const SegmentCheck& check, Findings& findings);
// RowTail is what the log holds behind `entries`. Where it is not still, a server logged some of it
// after the rows had been read: what those entries bring or replace is left out.
struct RowTail {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  bool is_still = true;
};
void CheckRows(const Result<std::vector<audit::StoredRow>>& stored,
               const storage::SegmentLog& segments, const RowTail& tail, const RowEntries& entries,
               Findings& findings);
void CheckCertificates(storage::FileSystem& fs, const std::string& directory,
                       const std::set<crypto::Hash32>& logged, Findings& findings);

}  // namespace salus::node
