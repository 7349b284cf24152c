#include "apps/salus/report_uploader.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "aggregate/dap_media_type.h"
#include "apps/salus/dap_commands.h"
#include "apps/salus/terminal.h"

namespace salus::cli {

namespace {

using aggregate::ChannelRequest;
using aggregate::DapAnswer;
using aggregate::DapMessageType;
using aggregate::DapProblem;
using aggregate::DapReport;
using aggregate::DapVersion;
using aggregate::ReportError;

constexpr std::size_t kMaxRequestBytes = 2 * 1024 * 1024;
constexpr std::size_t kMaxRequestReports = 1000;
constexpr int kAttempts = 8;
constexpr std::chrono::milliseconds kFirstPause{50};

std::string_view ReasonOf(ReportError error) {
  switch (error) {
    case ReportError::kReportReplayed:
      return "sent before, or its batch is collected";
    case ReportError::kReportDropped:
      return "outside of the task's time";
    case ReportError::kTaskExpired:
      return "the task is closed or over, or the batch is collected";
    case ReportError::kReportTooEarly:
      return "in the future of the leader's clock";
    case ReportError::kOutdatedConfig:
      return "sealed to a key that is not in use";
    default:
      return "refused";
  }
}

// What DAP-09 refuses one report for, and not all that come. A repeat is no error there: one that
// is rejected was perhaps never taken.
std::optional<ReportError> ErrorOfReport(const DapAnswer& answer) {
  const auto problem = ProblemOf(answer);
  if (!problem) return std::nullopt;
  switch (*problem) {
    case DapProblem::kReportRejected:
      return ReportError::kTaskExpired;
    case DapProblem::kReportTooEarly:
      return ReportError::kReportTooEarly;
    case DapProblem::kOutdatedConfig:
      return ReportError::kOutdatedConfig;
    default:
      return std::nullopt;
  }
}

}  // namespace

Result<DapAnswer> SendPatiently(api::DapLink& link, const ChannelRequest& request, int& attempts) {
  for (attempts = 1;; ++attempts) {
    Result<DapAnswer> answer = link.Exchange(request);
    const bool may_pass =
        answer ? answer->status == 503 : answer.error().code == ErrorCode::kUnavailable;
    if (!may_pass || attempts == kAttempts) return answer;
    std::this_thread::sleep_for(kFirstPause * (1 << attempts));
  }
}

ReportUploader::ReportUploader(const aggregate::TaskFile& file, api::DapLink link,
                               UploadJournal* journal)
    : file_(file), link_(std::move(link)), journal_(journal) {}

Result<std::uint64_t> ReportUploader::Resume() {
  if (journal_ == nullptr) return std::uint64_t{0};
  totals_ = journal_->totals();
  answered_ = journal_->answered();
  pending_ = journal_->TakeSealed();
  is_resumed_ = true;
  TRY_VOID(SendPending());
  is_resumed_ = false;
  return answered_;
}

Result<void> ReportUploader::Add(DapReport report) {
  pending_bytes_ += report.Encode(version()).size();
  pending_.push_back(std::move(report));
  const bool is_full = pending_.size() >= kMaxRequestReports || pending_bytes_ >= kMaxRequestBytes;
  return is_full ? Flush() : Result<void>();
}

Result<void> ReportUploader::Finish() {
  TRY_VOID(Flush());
  return journal_ == nullptr ? Result<void>() : journal_->NoteComplete(totals_);
}

// Noted before it is sent: what may be at the leader is never made anew.
Result<void> ReportUploader::Flush() {
  if (pending_.empty()) return {};
  if (journal_ != nullptr) TRY_VOID(journal_->NoteSealed(answered_, totals_, pending_));
  return SendPending();
}

Result<void> ReportUploader::SendPending() {
  if (version() == DapVersion::k09) {
    for (const DapReport& report : pending_) TRY_VOID(SendOne(report));
  } else if (!pending_.empty()) {
    const Result<DapAnswer> answer = Send(aggregate::UploadRequest{pending_}.Encode(version()));
    if (!answer) return After(answer.error());
    if (!answer->is_success()) return After(RefusedBy(link_, *answer));
    aggregate::UploadErrors errors;
    if (!answer->body.empty()) {
      auto parsed = aggregate::UploadErrors::Parse(answer->body);
      if (!parsed) return After(Unavailable(link_.url() + ": " + parsed.error().message));
      errors = *std::move(parsed);
    }
    for (const auto& status : errors.statuses) Refuse(status.error);
    totals_.taken += pending_.size() - std::min(errors.statuses.size(), pending_.size());
    answered_ += pending_.size();
  }
  pending_.clear();
  pending_bytes_ = 0;
  return {};
}

// DAP-09 takes one report at a time, and says of one that it has that it was taken. One that is
// sent for the first time and refused ends the upload: the next would fare no better.
Result<void> ReportUploader::SendOne(const DapReport& report) {
  const Result<DapAnswer> answer = Send(report.Encode(version()));
  if (!answer) return After(answer.error());
  const auto error = is_again() ? ErrorOfReport(*answer) : std::nullopt;
  if (!answer->is_success() && !error) return After(RefusedBy(link_, *answer));
  if (error) {
    Refuse(*error);
  } else {
    ++totals_.taken;
  }
  ++answered_;
  return {};
}

// Sent twice, and the answer to the first time was lost: the leader has it, or its batch was
// collected before. DAP says the same of both.
void ReportUploader::Refuse(ReportError error) {
  if (error == ReportError::kReportReplayed && is_again()) {
    ++totals_.repeated;
    return;
  }
  std::string reason(ReasonOf(error));
  if (is_again()) reason += ", unless it was taken the first time: do not upload it again";
  ++totals_.refused[reason];
}

// The same reports once more count once: what was not answered is sent again.
Result<DapAnswer> ReportUploader::Send(ByteSpan body) {
  const bool is_09 = version() == DapVersion::k09;
  const ChannelRequest request{
      .method = is_09 ? "PUT" : "POST",
      .path = "tasks/" + file_.task.id().ToText() + "/reports",
      .media_type = std::string(MediaType(version(), DapMessageType::kUploadRequest)),
      .body = body};
  return SendPatiently(link_, request, attempts_);
}

// Made anew, what was taken would count twice.
Error ReportUploader::After(Error error) const {
  if (journal_ != nullptr) {
    return std::move(error).WithContext(fmt::format(
        "{} of the values are answered; the same command, with --journal {}, goes on with the rest",
        answered_, journal_->folder()));
  }
  const bool is_in_doubt = error.code == ErrorCode::kUnavailable;
  if (answered_ == 0 && !is_in_doubt) return error;
  std::string where;
  if (answered_ > 0) {
    where = fmt::format("the first {} answered, do not upload them again; ",
                        Counted(answered_, "value was", "values were"));
  }
  if (is_in_doubt) {
    const std::size_t sent = version() == DapVersion::k09 ? 1 : pending_.size();
    where +=
        fmt::format("whether the {} {} taken nobody can say; ", answered_ > 0 ? "next" : "first",
                    Counted(sent, "value was", "values were"));
  }
  return std::move(error).WithContext(where + "with --journal an upload can be gone on with");
}

}  // namespace salus::cli
