// ReportUploader sends the reports of one task to its leader, as many a request as the version
// allows, and can be gone on with after a crash where there is a journal.
#pragma once

#include <cstdint>
#include <vector>

#include "aggregate/channel.h"
#include "aggregate/dap_report.h"
#include "aggregate/task_file.h"
#include "api/dap_link.h"
#include "apps/salus/upload_journal.h"

namespace salus::cli {

// SendPatiently sends a request again, a little later each time, while its aggregator can't be
// reached: it may be starting. attempts is how often it was sent.
Result<aggregate::DapAnswer> SendPatiently(api::DapLink& link,
                                           const aggregate::ChannelRequest& request, int& attempts);

class ReportUploader {
 public:
  // journal may be null; it outlives the uploader, as the file does.
  ReportUploader(const aggregate::TaskFile& file, api::DapLink link, UploadJournal* journal);

  // Resume sends again what an earlier run had noted; says how many of the values are done then.
  Result<std::uint64_t> Resume();
  // Add takes the report of the next value, and sends what has come together when it is enough.
  //
  // Errors: of the leader, or on the way to it; they say how the upload can be gone on with.
  Result<void> Add(aggregate::DapReport report);
  // Finish sends the rest, and completes the journal.
  Result<void> Finish();

  const UploadTotals& totals() const { return totals_; }

 private:
  aggregate::DapVersion version() const { return file_.task.version(); }
  Result<void> Flush();
  Result<void> SendPending();
  Result<void> SendOne(const aggregate::DapReport& report);
  Result<aggregate::DapAnswer> Send(ByteSpan body);
  bool is_again() const { return is_resumed_ || attempts_ > 1; }
  void Refuse(aggregate::ReportError error);
  Error After(Error error) const;

  const aggregate::TaskFile& file_;
  api::DapLink link_;
  UploadJournal* const journal_;
  UploadTotals totals_;
  std::uint64_t answered_ = 0;  // values
  std::vector<aggregate::DapReport> pending_;
  std::size_t pending_bytes_ = 0;
  bool is_resumed_ = false;  // an earlier run has perhaps sent what is pending
  int attempts_ = 0;         // of the last request
};

}  // namespace salus::cli
