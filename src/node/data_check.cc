#include "node/data_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "audit/directory.h"
#include "codec/rfc3339.h"
#include "node/config.h"
#include "node/data_check_parts.h"
#include "node/key_signer.h"
#include "node/node_state.h"
#include "tlog/checkpoint.h"
#include "tlog/checkpoint_store.h"

namespace salus::node {

namespace {

CheckFinding Tampered(std::string what, std::string file, std::string advice) {
  CheckFinding finding;
  finding.what = std::move(what);
  finding.file = std::move(file);
  finding.advice = std::move(advice);
  return finding;
}

constexpr char kFromBackup[] = "restore it from a backup or a mirror; keep this one as evidence";

// Every stored checkpoint: this log's signature, and the size that it is filed under.
class CheckpointCheck {
 public:
  CheckpointCheck(const audit::PinnedLog& log, const tlog::VerifierKey& key, Findings& findings,
                  DataCheckReport& report)
      : log_(log), key_(key), findings_(findings), report_(report) {}

  void Take(const tlog::StoredCheckpoint& stored, const std::string& file) {
    const Result<SignedRoot> root = Verify(stored);
    if (!root) {
      findings_.Counted(file, Tampered(fmt::format("the checkpoint over {} entries was forged or "
                                                   "changed: {}",
                                                   stored.size, root.error().message),
                                       file, kFromBackup));
      return;
    }
    ++report_.checkpoints;
    roots_.push_back(*root);
  }

  std::vector<SignedRoot> Sorted() {
    std::sort(roots_.begin(), roots_.end(),
              [](const SignedRoot& a, const SignedRoot& b) { return a.size < b.size; });
    for (std::size_t i = 0; i + 1 < roots_.size(); ++i) {
      const bool is_fork =
          roots_[i].size == roots_[i + 1].size && roots_[i].root != roots_[i + 1].root;
      if (!is_fork) continue;
      findings_.Add(Tampered(fmt::format("two roots were signed for {} entries: the log's key made "
                                         "two histories",
                                         roots_[i].size),
                             "log/kept", "the key may be stolen: call the security officer"));
    }
    return roots_;
  }

 private:
  Result<SignedRoot> Verify(const tlog::StoredCheckpoint& stored) const {
    TRY(const tlog::SignedCheckpoint parsed, tlog::SignedCheckpoint::Parse(stored.note));
    TRY_VOID(parsed.note.Verify({&key_, 1}));
    if (parsed.checkpoint.origin != log_.origin) return VerificationFailed("it is another log's");
    if (parsed.checkpoint.size.value != stored.size) {
      return VerificationFailed("it is filed under another size");
    }
    return SignedRoot{stored.size, parsed.checkpoint.root, stored.note, stored.time};
  }

  const audit::PinnedLog& log_;
  const tlog::VerifierKey& key_;
  Findings& findings_;
  DataCheckReport& report_;
  std::vector<SignedRoot> roots_;
};

bool IsSame(const Result<std::vector<audit::StoredRow>>& a,
            const Result<std::vector<audit::StoredRow>>& b) {
  return a && b && std::ranges::equal(*a, *b, [](const auto& one, const auto& other) {
           return one.kind == other.kind && one.key == other.key && one.content == other.content &&
                  one.is_intent == other.is_intent &&
                  one.origin.entry_index == other.origin.entry_index;
         });
}

class Check {
 public:
  Check(const std::string& directory, const DataCheckOptions& options, DataCheckReport& report)
      : directory_(directory), options_(options), report_(report), findings_(report) {}

  Result<void> Run() {
    TRY(const bool exists, fs_.Exists(PathOf("salus.toml")));
    if (!exists) {
      return NotFound(directory_ + " is no Salus data directory: make one with `salus init`");
    }
    TRY(const std::string toml, ReadText(fs_, PathOf("salus.toml")));
    TRY(const Config config, Config::Parse(std::string_view(toml)));
    TRY(const std::unique_ptr<KeySigner> signer, KeySigner::Open(PathOf("keys")));
    const audit::PinnedLog log{config.origin, signer->checkpoint_vkey(), signer->receipt_vkey(),
                               signer->vrf_key(), config.policy};
    TRY(const tlog::VerifierKey key, tlog::VerifierKey::Parse(log.log_vkey));
    Root();
    const std::optional<audit::KnownCheckpoint> known = Known(log);
    report_.compared = known;
    const std::vector<SignedRoot> roots = Checkpoints(log, key);
    const std::uint64_t end = roots.empty() ? 0 : roots.back().size;
    if (known && !is_store_lost_ && known->size.value > end) {
      findings_.Add(Tampered(
          fmt::format("the log was rolled back: this device has verified {} entries, and the "
                      "newest checkpoint here covers {}",
                      known->size.value, end),
          "log/checkpoint", "ask for the entries behind: a mirror or a backup has them"));
    }
    TRY_VOID(Entries(log, audit::IndexCheck(signer->index_key()), roots, known, end));
    findings_.Finish();
    if (findings_.last_good()) {
      const SignedRoot& good = *findings_.last_good();
      report_.newest = audit::KnownCheckpoint{merkle::TreeSize{good.size}, good.root, good.note,
                                              good.time, good.time};
    }
    return {};
  }

 private:
  std::string PathOf(std::string_view name) const { return storage::JoinPath(directory_, name); }

  void Root() {
    const Result<std::string> pem = ReadText(fs_, PathOf("root.pem"));
    const Result<void> ok = pem ? CheckRootCertificate(*pem) : Result<void>(pem.error());
    if (!ok) findings_.Add(Tampered(ok.error().message, "root.pem", kFromBackup));
  }

  // The checkpoint file is written before the one of kept checkpoints, which gets one a minute: a
  // crash may leave the last one out of it, and never the other way round.
  void CheckKept(const tlog::CheckpointStore& store) {
    if (!store.is_kept_whole()) {
      findings_.Add(
          Tampered("the kept checkpoints end in bytes that are none: they were changed, "
                   "or the machine stopped while one was written",
                   "log/kept", kFromBackup));
    }
    is_kept_empty_ = store.kept_count() == 0;
    const std::optional<tlog::StoredCheckpoint> last = store.last();
    std::optional<tlog::StoredCheckpoint> newest;
    if (store.kept_count() > 0) {
      if (auto kept = store.KeptAt(store.kept_count() - 1)) newest = *std::move(kept);
    }
    if (last && newest && newest->size > last->size) {
      findings_.Add(
          Tampered("the checkpoint file is older than the kept checkpoints: an old one "
                   "was put back, or its newest half was changed",
                   "log/checkpoint", kFromBackup));
    } else if (last && (!newest || last->time >= newest->time + std::chrono::minutes(1))) {
      CheckFinding finding = Tampered(
          "the newest kept checkpoints are missing: they were cut off, "
          "or the machine stopped before the last was kept",
          "log/kept", kFromBackup);
      finding.severity = CheckSeverity::kNotice;
      findings_.Add(std::move(finding));
    }
  }

  std::optional<audit::KnownCheckpoint> Known(const audit::PinnedLog& log) {
    if (!options_.known) return std::nullopt;
    Result<std::optional<audit::KnownCheckpoint>> known = options_.known(log);
    if (known) return *known;
    findings_.Add(Tampered(known.error().message, "keys", "compare the fingerprint out of band"));
    return std::nullopt;
  }

  std::vector<SignedRoot> Checkpoints(const audit::PinnedLog& log, const tlog::VerifierKey& key) {
    CheckpointCheck check(log, key, findings_, report_);
    Result<std::unique_ptr<tlog::CheckpointStore>> store =
        tlog::CheckpointStore::Open(fs_, PathOf("log"), true);
    if (!store) {
      is_store_lost_ = true;
      findings_.Add(Tampered(store.error().message, "log/checkpoint", kFromBackup));
      return {};
    }
    if (const auto last = (*store)->last()) {
      check.Take(*last, "log/checkpoint");
    } else {
      findings_.Add(Tampered("there is no checkpoint", "log/checkpoint", kFromBackup));
    }
    for (std::size_t i = 0; i < (*store)->kept_count(); ++i) {
      const Result<tlog::StoredCheckpoint> kept = (*store)->KeptAt(i);
      if (kept) {
        check.Take(*kept, "log/kept");
      } else {
        findings_.Counted("log/kept",
                          Tampered(fmt::format("kept checkpoint {}: {}", i, kept.error().message),
                                   "log/kept", kFromBackup));
      }
    }
    CheckKept(**store);
    return check.Sorted();
  }

  Result<void> Entries(const audit::PinnedLog& log, const crypto::Hash32& index_check,
                       const std::vector<SignedRoot>& roots,
                       const std::optional<audit::KnownCheckpoint>& known, std::uint64_t end) {
    const crypto::Hash32 log_id = crypto::Sha256(AsBytes("salus/log\n" + log.origin));
    // Behind the checkpoint, before the segments: beside a running server each signed entry has its
    // row or intent here, and each row its entry there.
    const Result<std::vector<audit::StoredRow>> rows = audit::ReadStoredRows(PathOf("control.db"));
    const auto open = [&] {
      return storage::SegmentLog::Open(
          fs_, PathOf("log/segments"), log_id,
          {.access = storage::FileAccess::kReadOnly, .trusted_record_count = end});
    };
    Result<std::unique_ptr<storage::SegmentLog>> segments = open();
    // A server at work may write between two reads of its last frames; damage stays.
    for (int again = 0; !segments && again < 3; ++again) segments = open();
    if (!segments) {
      findings_.Add(Tampered(segments.error().message, "log/segments", kFromBackup));
      // As if nothing had been signed: what is whole before the damage can still be looked at.
      segments = storage::SegmentLog::Open(fs_, PathOf("log/segments"), log_id,
                                           {.access = storage::FileAccess::kReadOnly});
      if (!segments) return {};
    }
    const std::uint64_t stored = (*segments)->record_count();
    // A server at work adds rows and entries meanwhile: what it has not signed is left out then.
    const bool is_still = IsSame(rows, audit::ReadStoredRows(PathOf("control.db")));
    if (stored < end) {
      findings_.Add(Tampered(
          fmt::format("entries {} to {} were cut off: {} are stored, a checkpoint over {} was "
                      "signed",
                      stored, end - 1, stored, end),
          "log/segments", kFromBackup));
    }
    SegmentCheck check{&fs_,  PathOf("log"),         segments->get(), roots,
                       known, std::min(stored, end), &options_};
    // Without one good checkpoint nothing is signed; the entries are looked at all the same.
    if (roots.empty()) check.end = stored;
    EntryCheck entries(log, index_check, findings_, report_);
    TRY_VOID(CheckSegments(check, entries, findings_, report_));
    TRY_VOID(CheckRuns(check, findings_));
    CheckRows(rows, **segments, {check.end, stored, is_still}, entries.rows(), findings_);
    CheckCertificates(fs_, directory_, entries.rows().certificates, findings_);
    if (is_kept_empty_ && report_.map_roots > 1) {
      findings_.Add(Tampered(fmt::format("no checkpoint is kept, and {} were signed: log/kept was "
                                         "removed",
                                         report_.map_roots),
                             "log/kept", kFromBackup));
    }
    return {};
  }

  const std::string directory_;
  const DataCheckOptions& options_;
  DataCheckReport& report_;
  Findings findings_;
  storage::PosixFileSystem fs_;
  bool is_store_lost_ = false;
  bool is_kept_empty_ = false;
};

}  // namespace

bool DataCheckReport::is_clean() const {
  return std::all_of(findings.begin(), findings.end(), [](const CheckFinding& finding) {
    return finding.severity == CheckSeverity::kNotice;
  });
}

void Findings::Add(CheckFinding finding) {
  if (last_good_ && finding.severity != CheckSeverity::kNotice) {
    finding.good_size = last_good_->size;
    finding.good_time = last_good_->time;
  }
  report_.findings.push_back(std::move(finding));
}

void Findings::Good(const SignedRoot& root) {
  if (!last_good_ || root.size >= last_good_->size) last_good_ = root;
}

void Findings::Counted(const std::string& kind, CheckFinding finding) {
  if (++counts_[kind] <= kNamed) Add(std::move(finding));
}

void Findings::Finish() {
  for (const auto& [kind, count] : counts_) {
    if (count <= kNamed) continue;
    CheckFinding finding;
    finding.what = fmt::format("and {} more findings of this kind ({})", count - kNamed, kind);
    Add(std::move(finding));
  }
  counts_.clear();
}

Result<DataCheckReport> CheckData(const std::string& directory, const DataCheckOptions& options) {
  DataCheckReport report;
  Check check(directory, options, report);
  TRY_VOID(check.Run());
  return report;
}

}  // namespace salus::node
