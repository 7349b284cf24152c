// RecordRequest is one request on its way: sealed by the caller's thread, made durable by the
// sequencer, read back and answered by a worker.
#pragma once

#include <memory>
#include <vector>

#include "audit/epoch_store.h"
#include "audit/recorder.h"
#include "tlog/submission.h"

namespace salus::audit {

class RecordRequest : public std::enable_shared_from_this<RecordRequest> {
 public:
  RecordRequest(Recorder::State& state, SourceRow source, RecordOptions options,
                Recorder::Done done);
  ~RecordRequest();

  void Refuse(std::size_t line, Error error);
  // Add encodes the event; the views of `event` are not needed afterwards, but for its id.
  void Add(std::size_t line, const Event& event);
  // Start seals everything that was added and hands it to the sequencer.
  void Start();

 private:
  struct Pending {
    std::size_t place;         // in batch_.lines
    std::size_t offset, size;  // of the plaintext
    tlog::RepeatKey repeat;
    std::shared_ptr<const KnownSubject> subject;
    std::shared_ptr<Epoch> epoch;
    std::string event_id;
  };
  static constexpr int kMaxRounds = 4;

  Result<void> RegisterPatients();
  Result<void> RegisterInterrupted();
  Result<void> SealAll();
  Result<void> Seal(std::span<const std::size_t> which);
  void Submit();
  void AfterCommit(std::unique_ptr<tlog::Submission> submission);
  Result<void> ReadBack(const tlog::Submission& submission);
  void Answer(std::unique_ptr<tlog::Submission> submission);
  void AnswerLine(const tlog::Submission& submission, std::size_t i);
  void FillReceiptLeaves(const tlog::Submission& submission);
  void Receipted(const std::shared_ptr<tlog::CommitAnswers>& answers);
  void Fail(Error error);
  void Finish();

  Recorder::State& state_;
  const SourceRow source_;
  const RecordOptions options_;
  Recorder::Done done_;
  Timestamp now_;
  Bytes plaintexts_;
  std::vector<Pending> pending_;
  std::unique_ptr<tlog::Submission> submission_;
  std::vector<std::size_t> sealed_;           // which of pending_ the submission holds
  std::vector<SecretArray<32>> keys_;         // one an entry of the submission
  std::vector<std::size_t> stale_;            // to be sealed again
  std::vector<std::uint32_t> receipt_lines_;  // of the running commit
  std::uint32_t first_answer_ = 0;
  int rounds_ = 0;
  RecordedBatch batch_;
  std::unordered_map<std::uint32_t, std::uint32_t> patient_places_;  // subject number to patients
};

}  // namespace salus::audit
