// UploadJournal is a folder that remembers how far an upload is, so that the same command goes on
// where an earlier run broke off, and nobody counts twice.
//
// What is about to be sent stands in it before it is sent, sealed as it goes out. Whether a run
// that broke off got it to the leader nobody knows: the next run sends the very same reports, which
// the leader counts once, and makes new ones of the values behind them only. The folder stays when
// all is answered: without it a run that was killed in its last moment would begin from the start.
//
// Shape:      DIR/state, JSON: {"upload_journal":1,"task":ID,"values":N,"answered":N,"taken":N,
//             "repeated":N,"refused":{REASON:N}}, and until all is answered "input", the SHA-256 of
//             the values in hex, and "sealed", the reports (base64url) of the values behind the
//             answered ones. DIR/lock is held by the process that uploads.
// Durability: DIR/state is replaced whole, and is on disk when a call returns.
// Threads:    one thread of one process; another process waits in Open.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "aggregate/dap_report.h"
#include "aggregate/dap_task.h"
#include "apps/salus/reported_values.h"
#include "base/result.h"
#include "client/private_file.h"
#include "codec/json.h"

namespace salus::cli {

// UploadTotals is what became of the values that were answered.
struct UploadTotals {
  std::uint64_t taken = 0;
  std::uint64_t repeated = 0;  // taken the first time, unless their batch was collected by then
  std::map<std::string, std::uint64_t> refused;  // by reason

  std::uint64_t refused_count() const;
};

class UploadJournal {
 public:
  // Open begins a journal in a new or empty folder, or goes on with one.
  //
  // Errors: AlreadyExists when its upload is complete; FailedPrecondition when it is of another
  //         task or of other values; InvalidArgument when the folder is no journal; Unavailable.
  static Result<UploadJournal> Open(const std::filesystem::path& folder,
                                    const aggregate::DapTask& task, std::span<const Value> values);

  // What an earlier run came to: how many of the values, from the first on, were answered, and the
  // reports of those behind them that it has sent, or was about to.
  std::uint64_t answered() const { return answered_; }
  const UploadTotals& totals() const { return totals_; }
  std::vector<aggregate::DapReport> TakeSealed() { return std::move(sealed_); }

  // NoteSealed is called before reports are sent for the first time, with what all before came to.
  Result<void> NoteSealed(std::uint64_t answered, const UploadTotals& totals,
                          std::span<const aggregate::DapReport> sealed);
  // NoteComplete is called when every value is answered. No report is in the folder any more.
  Result<void> NoteComplete(const UploadTotals& totals);

  std::string folder() const { return folder_.string(); }

 private:
  UploadJournal(std::filesystem::path folder, client::FolderLock lock,
                const aggregate::DapTask& task, std::span<const Value> values);
  Result<void> Read(const codec::JsonObject& state);
  Result<void> Write(const codec::JsonObject& state) const;
  codec::JsonObject StateOf(std::uint64_t answered, const UploadTotals& totals) const;

  std::filesystem::path folder_;
  client::FolderLock lock_;
  aggregate::DapVersion version_;
  std::string task_;
  std::uint64_t values_ = 0;
  std::string input_;  // hash of the values, in hex
  std::uint64_t answered_ = 0;
  UploadTotals totals_;
  std::vector<aggregate::DapReport> sealed_;
};

}  // namespace salus::cli
